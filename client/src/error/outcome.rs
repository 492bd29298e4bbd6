//! What an error means to whoever runs a program: its exit code, and the next step.

use std::io;
use std::path::Path;

use holdfast_formats::wire::v1::{ExitCode, ProblemCode};

use super::ClientError;

impl ClientError {
    /// What a process that ends because of this exits with.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Problem(problem) => problem.code.exit(),
            Self::Signer(error) => error.exit(),
            Self::Bundle(error) => error.exit(),
            Self::Stream(error) => error.exit(),
            Self::Pack(error) => error.exit(),
            Self::Tree(error) => error.exit(),
            Self::Snapshot(error) => error.exit(),
            Self::Audit(error) => error.exit(),
            Self::LoggedUnwitnessed { source, .. } => source.exit(),
            Self::Unreachable { .. }
            | Self::StoreUnreachable { .. }
            | Self::NotARegistry { .. }
            | Self::Stale { .. }
            | Self::Unwitnessed { .. }
            | Self::Cut { .. } => ExitCode::Unreachable,
            Self::AnswerTooLarge { .. }
            | Self::Malformed { .. }
            | Self::Untrue { .. }
            | Self::Fingerprint { .. }
            | Self::OtherLog { .. }
            | Self::Fork { .. }
            | Self::NoFork { .. }
            | Self::Digest { .. }
            | Self::Differs { .. }
            | Self::OtherArtifact { .. } => ExitCode::Integrity,
            Self::Query { .. }
            | Self::BadUrl { .. }
            | Self::BadSecret
            | Self::PlainHttp { .. }
            | Self::NoTrust { .. }
            | Self::TrustExists { .. }
            | Self::NoKey { .. }
            | Self::FileExists { .. }
            | Self::Key { .. }
            | Self::FileMalformed { .. }
            | Self::StoreLocation { .. }
            | Self::Source { .. }
            | Self::SourceName { .. }
            | Self::Target { .. }
            | Self::Manifest(_)
            | Self::Component { .. }
            | Self::SeveralLines { .. }
            | Self::PreparedForOtherLog { .. }
            | Self::OtherStatement
            | Self::PolicyChange(_)
            | Self::Unsigned
            | Self::ValidFor
            | Self::Witnesses(_)
            | Self::SignedAlready(_) => ExitCode::Usage,
            Self::Expired { .. } => ExitCode::Ended,
            Self::NothingQualifies { .. } => ExitCode::NothingQualifies,
            Self::AlreadySetUp { .. } | Self::MonitorRuns => ExitCode::Conflict,
            Self::NotLogged(_) => ExitCode::NotFound,
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => ExitCode::Usage,
            Self::File { .. } | Self::Encode { .. } => ExitCode::Internal,
        }
    }

    /// A next step beyond the message itself.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Problem(problem) => hint_of(problem.code).map(str::to_owned),
            Self::Unreachable { url, .. } => {
                Some(format!("is the registry running at {url}? `holdfast status` tells"))
            }
            Self::Stale { .. } => Some(
                "check the clock of this machine, then ask again; --max-age accepts a remembered answer"
                    .to_owned(),
            ),
            Self::Fork { evidence: Some(file), .. } => Some(format!(
                "`holdfast verify {}` says what it proves; give it to whoever else relies on this log",
                file.display()
            )),
            Self::Unwitnessed { .. } | Self::LoggedUnwitnessed { .. } => {
                Some("`holdfast witness status` shows how the witnesses do".to_owned())
            }
            Self::Untrue { .. } | Self::Fork { .. } => {
                Some("`holdfast audit` shows whether the log itself holds".to_owned())
            }
            Self::Digest { .. } => Some(
                "the registry's copy is damaged; its scrub names it, and it can be pushed again".to_owned(),
            ),
            _ => None,
        }
    }
}

fn hint_of(code: ProblemCode) -> Option<&'static str> {
    match code {
        ProblemCode::Unauthorized => {
            Some("set HOLDFAST_TOKEN, or ask an administrator for `holdfast token grant`")
        }
        ProblemCode::StalePredecessor => {
            Some("somebody pinned in between: look at `holdfast history`, then pin again")
        }
        ProblemCode::NameTaken => Some("a version never changes its meaning: push under a new version"),
        ProblemCode::ThresholdNotMet => {
            Some("write the statement with --prepare, let the others sign it, then submit it")
        }
        ProblemCode::Frozen => Some("`holdfast history` shows the freeze; `holdfast thaw` ends it"),
        _ => None,
    }
}

/// Where the evidence of a fork is.
pub(super) fn fork_words(evidence: Option<&Path>) -> String {
    evidence.map_or_else(
        || ". Keep what both registries answer as evidence".to_owned(),
        |file| format!(". Both signed checkpoints are kept in {}", file.display()),
    )
}
