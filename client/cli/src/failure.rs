//! How a command fails: one message, one hint, one exit code.
//!
//! Owns the way from any error to these three. It never prints.

use std::io;

use holdfast_client::ClientError;
use holdfast_formats::text::TextError;
use holdfast_formats::tree::TreeError;
use holdfast_formats::wire::v1::ExitCode;

use crate::moment::MomentError;

/// A failure that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    exit: ExitCode,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure with this exit code.
    pub(crate) fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The command line or a file given on it is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// With what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the process exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        self.exit
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<anyhow::Error> for Failure {
    /// The whole chain of causes in one sentence, the exit code and hint of the first cause that has one.
    fn from(error: anyhow::Error) -> Self {
        let message = chain(&error);
        for cause in error.chain() {
            if let Some(own) = cause.downcast_ref::<Self>() {
                return Self { exit: own.exit, message, hint: own.hint.clone() };
            }
            if let Some(client) = cause.downcast_ref::<ClientError>() {
                return Self { exit: client.exit(), message, hint: client.hint() };
            }
            if cause.is::<TextError>() || cause.is::<TreeError>() || cause.is::<MomentError>() {
                return Self::usage(message);
            }
            if cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::NotFound) {
                return Self::usage(message);
            }
        }
        Self::new(ExitCode::Internal, message)
    }
}

/// The messages of all causes, without those that the message before quotes already.
fn chain(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain() {
        tell(&mut told, cause.to_string());
        if matches!(cause.downcast_ref::<ClientError>(), Some(ClientError::Unreachable { .. })) {
            // Between "does not answer" and "connection refused" stand only the layers of the HTTP client.
            tell(&mut told, error.root_cause().to_string());
            break;
        }
    }
    told.join(": ")
}

fn tell(told: &mut Vec<String>, message: String) {
    if told.last().is_none_or(|last| !last.ends_with(&message)) {
        told.push(message);
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_innermost_known_cause_decides_the_exit_code() {
        let error = anyhow::Error::from(Failure::new(ExitCode::Refused, "no").with_hint("ask"))
            .context("cannot deploy");
        let failure = Failure::from(error);
        assert_eq!(
            (failure.exit(), failure.message(), failure.hint()),
            (ExitCode::Refused, "cannot deploy: no", Some("ask"))
        );
    }

    #[test]
    fn a_client_error_brings_its_own_exit_code() {
        let failure = Failure::from(anyhow::Error::from(ClientError::Unsigned));
        assert_eq!(failure.exit(), ClientError::Unsigned.exit());
    }

    #[test]
    fn the_layers_of_the_http_client_are_left_out() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        let source =
            Box::new(io::Error::other(anyhow::Error::from(refused).context("client error (Connect)")));
        let error =
            anyhow::Error::from(ClientError::Unreachable { url: "http://a.example".to_owned(), source });
        let failure = Failure::from(error);
        assert!(failure.message().ends_with("that it runs: connection refused"), "{}", failure.message());
        assert_eq!(failure.exit(), ExitCode::Unreachable);
    }

    #[test]
    fn a_missing_file_is_a_usage_error_and_the_unknown_is_internal() {
        let missing = std::fs::read("/there/is/no/such/file").context("cannot read it").unwrap_err();
        assert_eq!(Failure::from(missing).exit(), ExitCode::Usage);
        assert_eq!(Failure::from(anyhow::anyhow!("odd")).exit(), ExitCode::Internal);
    }

    #[test]
    fn a_cause_that_is_quoted_already_is_not_said_twice() {
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(Failure::from(error).message(), "outer: inner");
    }
}
