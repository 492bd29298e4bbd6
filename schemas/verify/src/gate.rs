//! May this artifact go to this channel now? The same questions that the rule book asks of a forward `deploy` that starts,
//! answered all at once and before anybody signs.

use holdfast_formats::name::ChannelName;
use holdfast_formats::policy::{CalendarWord, ChannelRule, Policy};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::text::Reason;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use crate::denial::denied_with_components;
use crate::facts::{ArtifactFact, Facts, FactsError, PolicyFact};

/// One thing that stands against a deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateReason {
    /// No rule of the policy covers the channel.
    #[error("no rule of the policy covers the channel {channel}; check the name")]
    ChannelUnknown {
        /// The channel.
        channel: ChannelName,
    },
    /// There is no such artifact.
    #[error("{artifact} is not published; push it first")]
    NotPublished {
        /// The artifact.
        artifact: ArtifactRef,
    },
    /// It, or one of its components, is denied there.
    #[error("{artifact} is denied by entry {deny}: {reason}")]
    Denied {
        /// What is denied.
        artifact: ArtifactRef,
        /// By which entry.
        deny: LeafIndex,
        /// Why.
        reason: Reason,
    },
    /// Its bytes, or those of a component, were found bad or missing.
    #[error("{artifact} was found to be {outcome} by the scrub at entry {scrub}; push it again")]
    NotIntact {
        /// What is not intact.
        artifact: ArtifactRef,
        /// How it was.
        outcome: ScrubOutcome,
        /// By which entry.
        scrub: LeafIndex,
    },
    /// The channel is frozen.
    #[error("the channel is frozen by entry {freeze}{}: {reason}", until_words(*until))]
    Frozen {
        /// By which entry.
        freeze: LeafIndex,
        /// Until when, if that is known.
        until: Option<Timestamp>,
        /// Why.
        reason: Reason,
    },
    /// The policy's calendar freezes the channel.
    #[error("the policy's calendar freezes the channel until {until}")]
    CalendarFrozen {
        /// Until when.
        until: Timestamp,
    },
}

fn until_words(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {until}"))
}

/// Everything that stands against deploying an artifact to a channel at a moment; nothing when it may go.
pub fn gate(
    facts: &dyn Facts,
    channel: &ChannelName,
    artifact: &ArtifactRef,
    now: Timestamp,
) -> Result<Vec<GateReason>, FactsError> {
    let unknown = || vec![GateReason::ChannelUnknown { channel: channel.clone() }];
    let Some(PolicyFact { policy, .. }) = facts.policy()? else { return Ok(unknown()) };
    let mut reasons = match policy.channel(channel) {
        Some(rule) => of_channel(facts, rule, channel, now)?,
        None => unknown(),
    };
    match facts.artifact(artifact)? {
        None => reasons.push(GateReason::NotPublished { artifact: artifact.clone() }),
        Some(fact) => reasons.extend(of_artifact(facts, &policy, channel, &fact)?),
    }
    Ok(reasons)
}

fn of_channel(
    facts: &dyn Facts,
    rule: &ChannelRule,
    channel: &ChannelName,
    now: Timestamp,
) -> Result<Vec<GateReason>, FactsError> {
    let standing = facts.freezes(channel)?.into_iter().filter(|freeze| freeze.is_in_force_at(now));
    let mut reasons: Vec<GateReason> = standing
        .map(|freeze| GateReason::Frozen { freeze: freeze.index, until: freeze.until, reason: freeze.reason })
        .collect();
    let mut calendar = rule.calendar.iter().flatten();
    if let Some(entry) = calendar.find(|entry| entry.from <= now && now < entry.until)
        && entry.rule == CalendarWord::Freeze
    {
        reasons.push(GateReason::CalendarFrozen { until: entry.until });
    }
    Ok(reasons)
}

fn of_artifact(
    facts: &dyn Facts,
    policy: &Policy,
    channel: &ChannelName,
    fact: &ArtifactFact,
) -> Result<Vec<GateReason>, FactsError> {
    let mut reasons = Vec::new();
    if let Some((denied, deny)) = denied_with_components(facts, policy, fact, channel)? {
        reasons.push(GateReason::Denied { artifact: denied.r#ref, deny: deny.index, reason: deny.reason });
    }
    let mut parts = vec![fact.clone()];
    for component in &fact.components {
        parts.extend(facts.artifact(&component.r#ref)?);
    }
    for part in parts {
        if let Some(scrub) = part.scrub.filter(|scrub| scrub.outcome != ScrubOutcome::Good) {
            let artifact = part.artifact.r#ref;
            reasons.push(GateReason::NotIntact { artifact, outcome: scrub.outcome, scrub: scrub.index });
        }
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests;
