//! How a stream or an archive fails, in words for whoever started it.

use std::io;
use std::path::PathBuf;

use holdfast_formats::wire::v1::ExitCode;

use crate::error::ClientError;

/// Why a stream did not become a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A program that is not there.
    #[error("`{program}` was not found; install it ({package}) or add its folder to PATH")]
    NoProgram {
        /// The program.
        program: String,
        /// What it is part of.
        package: &'static str,
    },
    /// A program that did not start.
    #[error("`{program}` could not be started")]
    Start {
        /// The program.
        program: String,
        /// What happened.
        source: io::Error,
    },
    /// A program that failed. What it said on standard error is part of the message, where nobody else shows it.
    #[error("`{program}` failed ({status}), so nothing was published{}", behind_colon(said))]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said; empty where that went to the terminal.
        said: String,
    },
    /// A program that said something else than was asked.
    #[error("`{program}` answered {answer:?}, which is not what was asked for")]
    Answer {
        /// The program.
        program: String,
        /// What it said.
        answer: String,
    },
    /// The stream could not be read.
    #[error("the stream could not be read to its end, so nothing was published")]
    Read(#[source] io::Error),
    /// Nothing came.
    #[error("the stream was empty, so nothing was published; did the program before it fail?")]
    Empty,
    /// The stream is longer than a blob may be.
    #[error("the stream is longer than the largest blob")]
    TooLong,
    /// An address that is none of a database. It is not quoted, because it may hold a password.
    #[error("that is no address of a PostgreSQL database: {0}; write postgres://USER@HOST:PORT/DATABASE")]
    Url(&'static str),
    /// A database file that is none.
    #[error("{} is no SQLite database: {rule}", .path.display())]
    NoDatabase {
        /// The file.
        path: PathBuf,
        /// Why not.
        rule: &'static str,
    },
    /// What a source says of itself cannot stand in a manifest.
    #[error("the {what} of the source cannot stand in a manifest")]
    Fact {
        /// Which part.
        what: &'static str,
        /// Why not.
        source: holdfast_formats::text::TextError,
    },
    /// A temporary file could not be made or read.
    #[error(
        "a temporary copy of the database could not be made; is there room in the folder that TMPDIR names?"
    )]
    Copy(#[source] io::Error),
    /// A temporary folder could not be made.
    #[error("the archive could not be unpacked; is there room in the folder that TMPDIR names?")]
    Unpack(#[source] io::Error),
    /// An archive that is not there.
    #[error("{0}")]
    NoArchive(String),
}

impl StreamError {
    /// What a process that ends because of this exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        match self {
            Self::NoProgram { .. }
            | Self::Empty
            | Self::TooLong
            | Self::Url(_)
            | Self::NoDatabase { .. }
            | Self::NoArchive(_) => ExitCode::Usage,
            Self::Start { .. }
            | Self::Failed { .. }
            | Self::Answer { .. }
            | Self::Read(_)
            | Self::Fact { .. }
            | Self::Copy(_)
            | Self::Unpack(_) => ExitCode::Internal,
        }
    }

    /// A producer reports through the reader; this takes its own words out of that again.
    pub(super) fn reveal(error: ClientError) -> ClientError {
        match error {
            ClientError::Stream(Self::Read(error)) => ClientError::Stream(match error.downcast::<Self>() {
                Ok(own) => own,
                Err(error) => Self::Read(error),
            }),
            other => other,
        }
    }
}

fn behind_colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
