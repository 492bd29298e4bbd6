//! The lookup as a client checks it: the answer carries everything, and nothing in it is believed before it is proven.
//!
//! The order is from the outside in: which policies and which state of the log, how fresh, does it extend what was seen;
//! then artifacts, deployments and lines against that state; at last the way back, made again from the manifests.

use std::collections::BTreeMap;

use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::{PinNumber, Seconds};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{KnownGood, KnownGoodQuery};

use super::answer::{AnsweredLine, KnownGoodAnswer};
use super::body::Body;
use super::deployed::Deployed;
use super::error::AnswerError;
use super::evidence::Proofs;
use super::freshness::{self, Mode};
use super::held::HeldArtifacts;
use super::lines::{LinesError, wanted_lines};
use super::warning::expiry_warning;
use super::witnessed;
use crate::channel_head::verify_head;
use crate::evidence::{EvidenceError, check_place};
use crate::grants::ShownGrants;
use crate::logged::LoggedStatement;
use crate::policy_chain::PolicyChain;
use crate::receipt::{ReceiptError, verify_checkpoint};
use crate::verified::Verified;
use crate::witness::Quorum;

/// What a client knows before it asks.
#[derive(Debug, Clone, Copy)]
pub struct TrustedState<'a> {
    /// The chain of policies, from the trusted one to the newest that was ever seen.
    pub policies: &'a PolicyChain,
    /// The largest state of the log that was ever seen.
    pub seen: Option<(TreeSize, TreeHash)>,
    /// The newest pin of each line of this channel that was ever seen.
    pub issued: &'a BTreeMap<ArtifactName, PinNumber>,
    /// How far the head's time may lie from the client's clock.
    pub head_max_age: Seconds,
    /// The witnesses of which so many must vouch for what the answer rests on.
    pub witnesses: Option<&'a Quorum>,
}

/// The question that was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The channel.
    pub channel: &'a ChannelName,
    /// The rest of it.
    pub query: &'a KnownGoodQuery,
    /// The client's time, read once.
    pub now: Timestamp,
    /// Whether the answer comes from the registry now, or was kept.
    pub mode: Mode,
}

/// Checks an answer against what the client trusts; only what passes every check comes out.
pub fn verify_known_good(
    answer: &KnownGood,
    asked: &Asked<'_>,
    trust: &TrustedState<'_>,
) -> Result<Verified<KnownGoodAnswer>, AnswerError> {
    if answer.channel != *asked.channel {
        let (asked, answered) = (asked.channel.clone(), answer.channel.clone());
        return Err(AnswerError::OtherChannel { asked, answered });
    }
    let (policies, checkpoint) = verify_state(answer, asked.mode, trust)?;
    let head = verify_channel_head(answer, asked, trust, &policies, &checkpoint)?;
    let extends_seen = freshness::check_extends(answer, &checkpoint, trust.seen, asked.mode)?;
    let witnessed = witnessed::check(answer, asked, trust, &policies, &checkpoint, &head)?;
    let grants = ShownGrants::read(&answer.grants, &checkpoint, &policies)
        .map_err(|(index, source)| entry_error(&format!("the grant at entry {index}"), source))?;
    let proofs = Proofs { checkpoint: &checkpoint, policies: &policies, grants: &grants };
    check_lines(answer, asked, trust, proofs, &head)?;
    let artifacts = HeldArtifacts::read(proofs, &answer.artifacts)?;
    let deployed = Deployed::read(proofs, asked.channel, &answer.deploys)?;
    let body = Body { asked, proofs, head: &head, held: &artifacts, deployed: &deployed };
    let lines: Vec<AnsweredLine> = answer
        .lines
        .iter()
        .zip(&head.lines)
        .map(|(line, head)| body.line(line, head))
        .collect::<Result<_, _>>()?;
    let closure = body.closure(&lines)?;
    body.check_plan(answer, &lines, &closure)?;
    check_newest_entry(answer, &head)?;
    let expiring = lines.iter().filter_map(|line| {
        expiry_warning(&line.name, line.number, line.time, line.expires, body.judged_at())
    });
    let warnings = expiring.chain(body.schedules(answer, &lines)?).collect();
    Ok(Verified::new(KnownGoodAnswer {
        channel: answer.channel.clone(),
        extends_seen,
        witnessed,
        warnings,
        plan: answer.plan.clone(),
        lines,
        closure,
        head,
        checkpoint,
        policies,
    }))
}

/// The chain of policies with the answer's own, and the checkpoint that all proofs are against.
fn verify_state(
    answer: &KnownGood,
    mode: Mode,
    trust: &TrustedState<'_>,
) -> Result<(PolicyChain, Checkpoint), AnswerError> {
    let read = |entry| LoggedStatement::of_proven(entry).map_err(|source| entry_error("a policy", source));
    let sent: Vec<LoggedStatement> = answer.policies.iter().map(read).collect::<Result<_, _>>()?;
    let is_new = |logged: &&LoggedStatement| trust.policies.iter().all(|known| known.entry != logged.entry());
    let new: Vec<LoggedStatement> = sent.iter().filter(is_new).cloned().collect();
    let policies = trust.policies.extended(&new)?;
    let checkpoint = verify_checkpoint(&answer.checkpoint, &policies).map_err(AnswerError::Checkpoint)?;
    let newest = policies.newest();
    if mode == Mode::Online && !checkpoint.size().contains(newest.entry.index) {
        return Err(AnswerError::PolicyHidden { size: checkpoint.size(), policy: newest.policy.number });
    }
    for (entry, logged) in answer.policies.iter().zip(&sent) {
        check_place(&checkpoint, logged, entry).map_err(|source| entry_error("a policy", source))?;
    }
    Ok((policies, checkpoint))
}

fn entry_error(what: &str, source: impl Into<EvidenceError>) -> AnswerError {
    AnswerError::Entry { what: what.to_owned(), source: source.into() }
}

/// The channel head: signed for this, about this state and this channel, and of now.
fn verify_channel_head(
    answer: &KnownGood,
    asked: &Asked<'_>,
    trust: &TrustedState<'_>,
    policies: &PolicyChain,
    checkpoint: &Checkpoint,
) -> Result<ChannelHead, AnswerError> {
    let size = checkpoint.size();
    let in_force = policies.in_force_of(size).ok_or(AnswerError::Checkpoint(ReceiptError::NoPolicy(size)))?;
    let head = verify_head(&answer.head, policies.origin(), &in_force.policy.head_keys)?.into_inner();
    if head.channel != *asked.channel {
        return Err(AnswerError::OtherChannel { asked: asked.channel.clone(), answered: head.channel });
    }
    if head.size != size || head.root != checkpoint.root() {
        return Err(AnswerError::MixedStates { head: head.size, checkpoint: size });
    }
    freshness::check_age(head.time, asked.now, trust.head_max_age, asked.mode)?;
    Ok(head)
}

/// The lines of head and answer are exactly those that must answer, and none went backwards.
fn check_lines(
    answer: &KnownGood,
    asked: &Asked<'_>,
    trust: &TrustedState<'_>,
    proofs: Proofs<'_>,
    head: &ChannelHead,
) -> Result<(), AnswerError> {
    let no_rule = || AnswerError::NoRule { channel: asked.channel.clone() };
    let policy = &proofs.policies.in_force_of(head.size).ok_or_else(no_rule)?.policy;
    let rule = policy.channel(asked.channel).ok_or_else(no_rule)?;
    let in_head: Vec<ArtifactName> = head.lines.iter().map(|line| line.name.clone()).collect();
    // A name that was ever pinned stays a line of the channel, so what was seen before must still answer.
    let known = || Ok::<_, LinesError>(in_head.iter().chain(trust.issued.keys()).cloned().collect());
    let wanted = match wanted_lines(rule, asked.query, known) {
        Ok(wanted) => wanted,
        Err(LinesError::NeedsComponent(lines)) => return Err(AnswerError::NeedsComponent { lines }),
        Err(LinesError::Unknown(line)) => vec![line],
    };
    let answered: Vec<ArtifactName> = answer.lines.iter().map(|line| line.name.clone()).collect();
    if wanted != in_head || wanted != answered {
        return Err(AnswerError::OtherLines { asked: joined(&wanted), answered: joined(&answered) });
    }
    for line in &head.lines {
        if let Some(seen) = trust.issued.get(&line.name).filter(|seen| line.issued < **seen) {
            return Err(AnswerError::WentBack { line: line.name.clone(), issued: line.issued, seen: *seen });
        }
    }
    Ok(())
}

/// The head names an entry of its own log as the newest that touches the channel, and the answer shows none newer.
fn check_newest_entry(answer: &KnownGood, head: &ChannelHead) -> Result<(), AnswerError> {
    let passed = answer.lines.iter().flat_map(|line| &line.passed_over);
    let shown = (answer.lines.iter().map(|line| &line.pin))
        .chain(passed.flat_map(|passed| std::iter::once(&passed.pin).chain(&passed.ended_by)))
        .chain(&answer.deploys);
    let newest = shown.map(|entry| entry.index).max();
    if newest <= head.newest_entry && head.newest_entry.is_none_or(|index| head.size.contains(index)) {
        return Ok(());
    }
    Err(AnswerError::NewestEntry { said: head.newest_entry, shown: newest, size: head.size })
}

fn joined(names: &[ArtifactName]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(ArtifactName::as_str).collect::<Vec<_>>().join(", ")
}
