//! The commands of the binary, and how they fail.

mod asking;
pub(crate) mod keys;
mod opening;
pub(crate) mod rebuild;
pub(crate) mod scrub;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod sweep;
mod task;

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;
use holdfast_formats::wire::v1::ExitCode as Exit;
use holdfast_registry::config::ConfigError;
use holdfast_registry::http::front::BindError;
use holdfast_registry::log::{KeysError, ReplayError};
use holdfast_registry::node::NodeError;
use holdfast_registry::service::Failure;

use asking::AskError;
use scrub::ScrubError;
use sweep::CutShort;
use task::RegistryEnded;

/// A command that failed: why, and what the process exits with.
pub(crate) struct CommandFailure {
    error: anyhow::Error,
    exit: Exit,
}

impl CommandFailure {
    /// Says on standard error why, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // When standard error is gone there is nobody left to tell.
        drop(writeln!(std::io::stderr(), "holdfast-registry: {:#}", self.error));
        ExitCode::from(self.exit as u8)
    }
}

impl<E: Into<anyhow::Error>> From<E> for CommandFailure {
    fn from(error: E) -> Self {
        let error = error.into();
        Self { exit: exit_of(&error), error }
    }
}

/// A log that does not recompute is an integrity failure, what another program has is a conflict, bad settings and keys in
/// the wrong place are usage, everything else is internal.
fn exit_of(error: &anyhow::Error) -> Exit {
    let halted = |e: &ReplayError| matches!(e, ReplayError::Halt(_));
    if let Some(asked) = error.downcast_ref::<AskError>() {
        return asked.exit();
    }
    if error.is::<RegistryEnded>() {
        return Exit::Unreachable;
    }
    if error.is::<CutShort>() {
        return Exit::Incomplete;
    }
    if let Some(scrubbed) = error.downcast_ref::<ScrubError>() {
        return scrubbed.exit();
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.code().exit();
    }
    let node = error.downcast_ref::<NodeError>();
    if matches!(node, Some(NodeError::Replay(replay)) if halted(replay)) {
        return Exit::Integrity;
    }
    if matches!(node, Some(NodeError::Replay(ReplayError::Keys(_)))) {
        return Exit::Usage;
    }
    let bind = error.downcast_ref::<BindError>();
    if opening::is_in_use(error) || matches!(bind, Some(BindError::Taken { .. })) {
        return Exit::Conflict;
    }
    let asked_wrong = |keys: &KeysError| match keys {
        KeysError::Missing { .. }
        | KeysError::Exists { .. }
        | KeysError::NotHeld { .. }
        | KeysError::OtherOrigin { .. } => true,
        KeysError::File { .. } | KeysError::Key { .. } | KeysError::Origin { .. } => false,
    };
    let usage = error.is::<ConfigError>() || bind.is_some() || error.downcast_ref().is_some_and(asked_wrong);
    if usage { Exit::Usage } else { Exit::Internal }
}

/// How a command writes its outcome.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Plain,
    /// One JSON object.
    Json,
}

/// Prints one line of data.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
