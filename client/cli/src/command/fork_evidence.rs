//! `verify FILE` of two signed states of one log that do not fit.

use std::path::Path;

use holdfast_client::{ClientError, VerifiedFork, fork};
use holdfast_formats::key::PublicKey;
use holdfast_formats::wire::v1::ExitCode;
use holdfast_verify::fork::ForkVerdict;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

/// Checks the evidence by these keys, or by those of trust.json, and says what it proves.
pub(super) fn verify(file: &Path, log_keys: &[PublicKey], session: &Session) -> anyhow::Result<()> {
    let trust = match session.places()?.trust() {
        Ok(trust) => Some(trust),
        Err(ClientError::NoTrust { .. }) => None,
        // One that cannot be read is no reason to believe evidence more easily.
        Err(error) => return Err(error.into()),
    };
    let verified = fork::verify(file, log_keys, trust.as_ref())?;
    if verified.trusted_by_itself {
        session.output().warning(
            "nobody said what the log's keys are, so the evidence was checked against those that it brings itself: \
             compare them with what the log's operator publishes, or give them with --log-key",
        );
    }
    session.output().answer(&fork_answer(&verified)?)?;
    if verified.verdict.is_proof() {
        return Ok(());
    }
    let message =
        "this is no proof yet: ask the log for a consistency proof between the two; an honest log has one";
    Err(Failure::new(ExitCode::Incomplete, message).into())
}

fn fork_answer(verified: &VerifiedFork) -> anyhow::Result<Answer> {
    let VerifiedFork { evidence, verdict, trusted_by_itself } = verified;
    let (kind, sentence) = match verdict {
        ForkVerdict::TwoRoots { size } => (
            "two_roots",
            format!(
                "it signed two roots for the same {size} entries: these two signed checkpoints cannot both be true"
            ),
        ),
        ForkVerdict::Rewritten { old, new } => (
            "rewritten",
            format!(
                "it signed {old} entries, and {new} entries that begin otherwise, as its own proof shows: these two signed \
                 checkpoints cannot both be true"
            ),
        ),
        ForkVerdict::Unexplained { old, new } => (
            "unexplained",
            format!(
                "it signed both {old} and {new} entries, and gave no proof that the ones begin the others"
            ),
        ),
    };
    let json = json!({
        "origin": evidence.origin, "verdict": kind, "proven": verdict.is_proof(), "found_at": evidence.found_at,
        "trusted_by_itself": trusted_by_itself, "first": evidence.first, "second": evidence.second,
    });
    let notes = [("first", &evidence.first), ("second", &evidence.second)];
    let lines = notes.into_iter().flat_map(|(which, note)| {
        let text = note.lines().map(|line| Line::plain(format!("    {line}")));
        std::iter::once(Line::plain(format!("  {which}:"))).chain(text).collect::<Vec<_>>()
    });
    Ok(Answer::new(&json)?
        .line(Line::alarm(format!("the log {}: {sentence}", evidence.origin)))
        .text(format!("  found at {}", evidence.found_at))
        .with_lines(lines))
}
