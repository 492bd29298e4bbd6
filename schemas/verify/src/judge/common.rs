//! What holds for every statement, whatever it says: which log, which rule book, when, and what it is about. And what
//! many ask: is the artifact that they name there?

use holdfast_formats::envelope::CanonicalSignature;
use holdfast_formats::key::PublicKey;
use holdfast_formats::limits::{ISSUED_AHEAD_MS_MAX, QUIET_LOG_MS_MAX, STATEMENT_LIFE_MS_MAX};
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Artifact, Header, Predicate, Statement};
use holdfast_formats::time::Timestamp;

use super::{Candidate, Case};
use crate::facts::{ArtifactFact, Facts};
use crate::refusal::{JudgeError, Refusal};
use crate::rule_book::RuleBook;
use crate::subject::expected_subjects;

/// Checks log, rule book, times, subject, and that the payload is new. The rule book that the rest is judged by is returned.
pub(super) fn check(
    candidate: &Candidate<'_>,
    in_force: Option<&Policy>,
    facts: &dyn Facts,
) -> Result<RuleBook, JudgeError> {
    check_log(candidate.statement, in_force)?;
    let book = rule_book(candidate, in_force)?;
    check_life(&candidate.statement.header, candidate.time)?;
    if let Some(newest) = facts.newest_time()?
        && candidate.time < newest
    {
        return Err(Refusal::TimeBackwards { time: candidate.time, newest }.into());
    }
    check_subject(candidate.statement)?;
    match facts.entry_of_payload(&candidate.payload_sha256)? {
        Some(index) => Err(Refusal::AlreadyLogged { index }.into()),
        None => Ok(book),
    }
}

/// After a long silence only somebody else than the registry may speak first, and only just now: a registry that was
/// switched off, or whose clock jumped, must not let old statements and its own ones move the log's time.
pub(super) fn check_quiet(
    candidate: &Candidate<'_>,
    policy: &Policy,
    counted: &[CanonicalSignature],
    facts: &dyn Facts,
) -> Result<(), JudgeError> {
    let time = candidate.time;
    let silence = facts.newest_time()?.map_or(0, |newest| time.ms_since(newest));
    if silence <= QUIET_LOG_MS_MAX {
        return Ok(());
    }
    let registry: Vec<_> = policy.registry_keys.iter().map(PublicKey::id).collect();
    let by_somebody_else = counted.iter().any(|s| !registry.contains(&s.keyid));
    let issued_at = candidate.statement.header.issued_at;
    let age = time.ms_since(issued_at).max(issued_at.ms_since(time));
    if by_somebody_else && age <= ISSUED_AHEAD_MS_MAX {
        Ok(())
    } else {
        Err(Refusal::QuietLog { time }.into())
    }
}

/// The artifact of exactly this name, version and digests.
pub(super) fn published(case: &Case<'_>, artifact: &Artifact) -> Result<ArtifactFact, JudgeError> {
    let name = || artifact.r#ref.clone();
    let fact = case
        .facts
        .artifact(&artifact.r#ref)?
        .ok_or_else(|| Refusal::ArtifactNotFound { artifact: name() })?;
    if fact.artifact.digests != artifact.digests {
        return Err(Refusal::DigestsDiffer { artifact: name() }.into());
    }
    Ok(fact)
}

/// The same, when it has not ended.
pub(super) fn published_and_alive(case: &Case<'_>, artifact: &Artifact) -> Result<ArtifactFact, JudgeError> {
    let fact = published(case, artifact)?;
    check_alive(&fact)?;
    Ok(fact)
}

/// Nothing new begins with what has ended.
pub(super) fn check_alive(fact: &ArtifactFact) -> Result<(), Refusal> {
    match fact.ended {
        Some(ended) => Err(Refusal::ArtifactEnded { artifact: fact.artifact.r#ref.clone(), by: ended.index }),
        None => Ok(()),
    }
}

fn check_log(statement: &Statement, in_force: Option<&Policy>) -> Result<(), Refusal> {
    let expected = match (in_force, &statement.predicate) {
        (Some(policy), _) => &policy.origin,
        (None, Predicate::Policy(first)) => &first.origin,
        (None, _) => return Err(Refusal::PolicyMissing),
    };
    let given = &statement.header.log;
    if given == expected {
        return Ok(());
    }
    Err(Refusal::WrongLog { given: given.clone(), expected: expected.clone() })
}

/// An entry is judged by the rule book in force; policy 1 by its own.
fn rule_book(candidate: &Candidate<'_>, in_force: Option<&Policy>) -> Result<RuleBook, JudgeError> {
    let known = match (in_force, &candidate.statement.predicate) {
        (Some(policy), _) => policy.rules,
        (None, Predicate::Policy(first)) => first.rules,
        (None, _) => return Err(Refusal::PolicyMissing.into()),
    };
    let given = candidate.rules;
    if given != known {
        return Err(Refusal::UnknownRuleBook { given, known }.into());
    }
    RuleBook::of(known).ok_or(JudgeError::Newer { needs: known })
}

fn check_life(header: &Header, time: Timestamp) -> Result<(), Refusal> {
    let Header { issued_at, not_after, .. } = *header;
    if issued_at > time.plus_ms(ISSUED_AHEAD_MS_MAX) {
        return Err(Refusal::IssuedAhead { issued_at, time });
    }
    if not_after < issued_at || not_after > issued_at.plus_ms(STATEMENT_LIFE_MS_MAX) {
        return Err(Refusal::LifeWrong { issued_at, not_after });
    }
    if time > not_after { Err(Refusal::Expired { not_after, time }) } else { Ok(()) }
}

fn check_subject(statement: &Statement) -> Result<(), Refusal> {
    let expected = expected_subjects(&statement.header, &statement.predicate);
    if statement.subject == expected {
        return Ok(());
    }
    let written: Vec<String> =
        expected.iter().map(|s| format!("{} (blake3:{})", s.name, s.digest.blake3)).collect();
    Err(Refusal::SubjectWrong { kind: statement.kind(), expected: written.join(", ") })
}
