//! `pin`: the next known-good artifact of a line.

use holdfast_formats::number::PinNumber;
use holdfast_formats::policy::{ChannelRule, Role};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Pin, ScrubOutcome};
use holdfast_formats::time::Timestamp;

use super::apart::Earlier;
use super::common::published_and_alive;
use super::{Case, Draft, Ruling, evidence};
use crate::denial::denied_with_components;
use crate::facts::ArtifactFact;
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

/// The scrub is asked for last: its absence starts work in the registry, which only a pin that would otherwise stand
/// may do.
pub(super) fn judge(case: &Case<'_>, pin: &Pin) -> Result<Ruling, JudgeError> {
    let ask = Ask::releasers(&pin.name, &pin.channel);
    case.entitled(ask)?;
    let channel = || pin.channel.clone();
    let rule =
        case.policy.channel(&pin.channel).ok_or_else(|| Refusal::ChannelUnknown { channel: channel() })?;
    check_line(pin, rule)?;
    check_place(case, pin)?;
    let fact = published_and_alive(case, &pin.artifact)?;
    check_not_denied(case, pin, &fact)?;
    case.check_ahead("expires", pin.expires)?;
    let shown = evidence::gather(case, pin)?;
    evidence::check(case, pin, &fact, rule, &shown)?;
    let published_by = Earlier { role: Role::Publisher, index: fact.index, signers: &fact.signers };
    let earlier: Vec<Earlier<'_>> = std::iter::once(published_by).chain(shown.earlier()).collect();
    let counted = case.entitled_apart(ask, &pin.artifact.r#ref, &earlier)?;
    check_scrubbed(case, &fact)?;
    let expires = expiry(pin, rule, case.candidate.time);
    let draft =
        Draft::Pin { channel: channel(), number: pin.number, artifact: pin.artifact.clone(), expires };
    Ok(Ruling { counted, draft })
}

/// The name is that of the artifact, and one of the lines that the channel tracks.
fn check_line(pin: &Pin, rule: &ChannelRule) -> Result<(), Refusal> {
    if pin.artifact.r#ref.name() != &pin.name {
        return Err(Refusal::Malformed { rule: "name must be the artifact's own name" });
    }
    let lines = match (&rule.follows, &rule.members) {
        (Some(line), _) if *line != pin.name => format!("follows {line}"),
        (None, Some(members)) if !members.contains(&pin.name) => {
            format!(
                "has the members {}",
                members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )
        }
        _ => return Ok(()),
    };
    Err(Refusal::NotALine { channel: pin.channel.clone(), name: pin.name.clone(), lines })
}

/// Exactly one above the newest pin of the line, and naming it.
fn check_place(case: &Case<'_>, pin: &Pin) -> Result<(), JudgeError> {
    let newest = case.facts.pins(&pin.channel, &pin.name, None, 1)?.into_iter().next();
    let too_large = |_| Refusal::Malformed { rule: "the line has no further pin numbers" };
    let expected = match &newest {
        Some(newest) => newest.number.next().map_err(too_large)?,
        None => PinNumber::FIRST,
    };
    if pin.number == expected && pin.predecessor == newest.map(|newest| newest.entry) {
        return Ok(());
    }
    Err(Refusal::StalePin { channel: pin.channel.clone(), given: pin.number, expected }.into())
}

fn check_not_denied(case: &Case<'_>, pin: &Pin, fact: &ArtifactFact) -> Result<(), JudgeError> {
    match denied_with_components(case.facts, case.policy, fact, &pin.channel)? {
        Some((artifact, deny)) => {
            Err(Refusal::Denied { artifact: artifact.r#ref, deny: deny.index, reason: deny.reason }.into())
        }
        None => Ok(()),
    }
}

/// Every held byte of the closure was read back as good after it was published.
fn check_scrubbed(case: &Case<'_>, fact: &ArtifactFact) -> Result<(), JudgeError> {
    let is_good = |fact: &ArtifactFact| {
        fact.scrub.is_some_and(|scrub| scrub.outcome == ScrubOutcome::Good && scrub.index > fact.index)
    };
    let mut artifacts: Vec<ArtifactRef> = Vec::new();
    if !is_good(fact) {
        artifacts.push(fact.artifact.r#ref.clone());
    }
    for component in &fact.components {
        if !case.facts.artifact(&component.r#ref)?.is_some_and(|fact| is_good(&fact)) {
            artifacts.push(component.r#ref.clone());
        }
    }
    if artifacts.is_empty() { Ok(()) } else { Err(Refusal::NotScrubbed { artifacts }.into()) }
}

/// The pin's own expiry or the channel's, whichever is earlier.
fn expiry(pin: &Pin, rule: &ChannelRule, now: Timestamp) -> Option<Timestamp> {
    let by_policy = rule.pin_expires_s.map(|s| now.plus_ms(s.as_ms()));
    match (pin.expires, by_policy) {
        (Some(own), Some(policy)) => Some(own.min(policy)),
        (own, policy) => own.or(policy),
    }
}
