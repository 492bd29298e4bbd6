//! A program whose output is read as a stream that ends well only when the program does.

use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use super::StreamError;

/// How much of what a program said last is kept.
const SAID_BYTES_MAX: usize = 4096;

/// A running program. Its standard output is read from this; the end of it is an error when the program failed.
#[derive(Debug)]
pub struct Producer {
    program: String,
    child: Child,
    out: ChildStdout,
    said: Option<JoinHandle<String>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Succeeded,
    Failed,
}

impl Producer {
    /// Starts a program of the user's own choice. What it says on standard error goes where ours goes.
    pub fn of_user(program: &str, arguments: &[String]) -> Result<Self, StreamError> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        Self::start(command, program, "the command was given to --from-command")
    }

    /// Starts a program that says what goes wrong in the error alone. Its standard input is for the caller to set.
    pub(crate) fn quiet(
        mut command: Command,
        program: &str,
        package: &'static str,
    ) -> Result<Self, StreamError> {
        command.stderr(Stdio::piped());
        Self::start(command, program, package)
    }

    fn start(mut command: Command, program: &str, package: &'static str) -> Result<Self, StreamError> {
        command.stdout(Stdio::piped());
        let mut child = spawn(command, program, package)?;
        let out = child.stdout.take().expect("standard output is a pipe");
        let said = child.stderr.take().map(|stderr| thread::spawn(move || last_words(stderr)));
        Ok(Self { program: program.to_owned(), child, out, said, state: State::Running })
    }

    /// Waits for the program, whose output has ended.
    fn end(&mut self) -> io::Result<()> {
        if self.state == State::Succeeded {
            return Ok(());
        }
        let status = self.child.wait()?;
        let said = self.said.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() {
            self.state = State::Succeeded;
            return Ok(());
        }
        self.state = State::Failed;
        let program = self.program.clone();
        Err(io::Error::other(StreamError::Failed { program, status: status.to_string(), said }))
    }

    /// Reads all of a short output, and waits for the program.
    pub(crate) fn output(mut self) -> Result<String, StreamError> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => Err(error.downcast::<StreamError>().unwrap_or_else(StreamError::Read)),
        }
    }
}

impl Read for Producer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.out.read(into)?;
        if read == 0 && !into.is_empty() {
            self.end()?;
        }
        Ok(read)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if self.state == State::Running {
            // Nobody reads it any more, and one that ended by itself meanwhile cannot be killed: both are fine.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Starts a program, and says in which package a missing one is.
pub(super) fn spawn(
    mut command: Command,
    program: &str,
    package: &'static str,
) -> Result<Child, StreamError> {
    let program = program.to_owned();
    command.spawn().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StreamError::NoProgram { program, package },
        _ => StreamError::Start { program, source },
    })
}

/// Reads to the end; keeps the last bytes as one line.
pub(super) fn last_words(mut stderr: ChildStderr) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        kept.extend(buffer.iter().take(read));
        kept.drain(..kept.len().saturating_sub(SAID_BYTES_MAX));
    }
    String::from_utf8_lossy(&kept).trim().replace('\n', "; ")
}
