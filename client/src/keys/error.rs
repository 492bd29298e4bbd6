//! Why a key that lives elsewhere did not sign.

use std::io;
use std::path::PathBuf;

use holdfast_formats::key::PublicKey;
use holdfast_formats::wire::v1::ExitCode;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// No agent runs for this user.
    #[error(
        "SSH_AUTH_SOCK is not set, so no ssh-agent is at hand; start one, then add your key with `ssh-add`"
    )]
    AgentMissing,
    /// This system has no agent that is spoken to.
    #[error("the ssh-agent is not supported on this system; use a key file or --signer")]
    AgentUnsupported,
    /// The agent's socket does not answer.
    #[error("the ssh-agent at {} does not answer; check SSH_AUTH_SOCK", .path.display())]
    AgentUnreachable {
        /// The socket.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Something else than an agent answered.
    #[error("the ssh-agent's answer is malformed: {0}")]
    AgentAnswer(&'static str),
    /// The agent said no.
    #[error(
        "the ssh-agent refuses to sign with {0}; it may be locked, want a confirmation, or restrict the key to other uses"
    )]
    AgentRefused(Box<PublicKey>),
    /// The agent has another key, or none.
    #[error("the ssh-agent does not hold {0}; add it with `ssh-add`")]
    AgentWithoutKey(Box<PublicKey>),
    /// It is not clear which key is meant.
    #[error("{} of the ssh-agent's ssh-ed25519 keys fit; name one by its fingerprint or comment: {}", .fit, .held.join(", "))]
    AgentChoice {
        /// How many fit.
        fit: usize,
        /// Those that it holds.
        held: Vec<String>,
    },
    /// More than an agent takes.
    #[error("the statement has {0} bytes, more than an ssh-agent signs; use a key file or --signer")]
    TooLarge(usize),
    /// The command could not be run.
    #[error("the signing command {program:?} cannot be run; check its path with `holdfast key show`")]
    CommandStart {
        /// Its program.
        program: String,
        /// What happened.
        source: io::Error,
    },
    /// The command failed.
    #[error("the signing command {program:?} failed ({status}), so nothing was signed")]
    CommandFailed {
        /// Its program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The command wrote something else.
    #[error("the signing command {program:?} wrote no {wanted} to its standard output")]
    CommandOutput {
        /// Its program.
        program: String,
        /// What it should write.
        wanted: &'static str,
    },
    /// Nobody answered in time.
    #[error("{who} did not sign within {seconds} s, so nothing was signed")]
    Deadline {
        /// Who was asked.
        who: String,
        /// For how long.
        seconds: u64,
    },
    /// A signature that is none.
    #[error("what {who} gave does not verify as a signature of {key}, so it was not used")]
    Unverified {
        /// Who gave it.
        who: String,
        /// Whose it should be.
        key: Box<PublicKey>,
    },
    /// The file has another key than it had.
    #[error("{} holds the key {found}, but {wanted} was recorded; run `holdfast key from` again if that is meant", .path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: Box<PublicKey>,
        /// What was recorded.
        wanted: Box<PublicKey>,
    },
    /// Text that is no public key.
    #[error(
        "{0:?} is no Ed25519 public key; write ed25519:…, or name a file with that, with an `ssh-ed25519 …` line or with a PEM public key"
    )]
    NoPublicKey(String),
}

impl SignerError {
    /// What a process that ends because of this exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        match self {
            Self::Unverified { .. } => ExitCode::Integrity,
            Self::AgentAnswer(_)
            | Self::AgentRefused(_)
            | Self::CommandFailed { .. }
            | Self::CommandOutput { .. }
            | Self::Deadline { .. } => ExitCode::Internal,
            Self::AgentMissing
            | Self::AgentUnsupported
            | Self::AgentUnreachable { .. }
            | Self::AgentWithoutKey(_)
            | Self::AgentChoice { .. }
            | Self::TooLarge(_)
            | Self::CommandStart { .. }
            | Self::OtherKey { .. }
            | Self::NoPublicKey(_) => ExitCode::Usage,
        }
    }
}
