//! A session of `psql` that is held open, so that what was read in its transaction stays what others may read.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use super::producer::{last_words, spawn};
use super::{PostgresUrl, StreamError};

const PROGRAM: &str = "psql";
/// The longest answer that is read. A snapshot names every transaction under way.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A session; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Psql {
    child: Child,
    queries: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    said: Option<JoinHandle<String>>,
}

impl Psql {
    /// Connects.
    pub(super) fn open(url: &PostgresUrl) -> Result<Self, StreamError> {
        let mut command = Command::new(PROGRAM);
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        url.give(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command, PROGRAM, super::postgres::PACKAGE)?;
        let queries = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let said = child.stderr.take().map(|stderr| thread::spawn(move || last_words(stderr)));
        Ok(Self { child, queries, answers, said })
    }

    /// Runs a statement that answers with nothing.
    pub(super) fn run(&mut self, statement: &str) -> Result<(), StreamError> {
        let sent = self.queries.as_mut().map(|queries| queries.write_all(statement.as_bytes()));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failed()),
        }
    }

    /// Runs a query that answers with one row, and gives its columns.
    pub(super) fn row<const N: usize>(&mut self, query: &str) -> Result<[String; N], StreamError> {
        self.run(query)?;
        let mut answer = String::new();
        let read = std::io::Read::take(&mut self.answers, ANSWER_BYTES_MAX as u64).read_line(&mut answer);
        if read.is_err() || !answer.ends_with('\n') {
            return Err(self.failed());
        }
        let columns: Vec<String> =
            answer.trim_end_matches(['\r', '\n']).split('|').map(str::to_owned).collect();
        columns.try_into().map_err(|_| StreamError::Answer { program: PROGRAM.to_owned(), answer })
    }

    /// Why there is no answer: the program has ended, or does so now.
    fn failed(&mut self) -> StreamError {
        drop(self.queries.take());
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        let said = self.said.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        StreamError::Failed { program: PROGRAM.to_owned(), status, said }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        // The end of its input ends it, and with it the transaction, which changed nothing.
        drop(self.queries.take());
        let _ = self.child.wait();
    }
}
