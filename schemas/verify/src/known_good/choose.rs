//! The lookup as registry and auditor run it: which pins are known-good in a channel now.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::policy::{ChannelRule, Policy};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::KnownGoodQuery;

use super::choice::{Choice, ChooseError, ChosenLine};
use super::closure;
use super::deploys::Deploys;
use super::lines::{LinesError, wanted_lines};
use super::walk::{Answered, BACK_MAX, Walk};
use crate::facts::{Facts, PolicyFact};

/// Why no lines were found, before the channel is known to the error.
enum Unfound {
    Lines(LinesError),
    Error(ChooseError),
}

impl From<LinesError> for Unfound {
    fn from(error: LinesError) -> Self {
        Self::Lines(error)
    }
}

/// Answers a query from facts. Pins are limited by the query's `at`; denies, expiry and scrubs are judged at `now`.
///
/// The cost grows with the pins passed over and the deployments since the target, not with the pins there are.
pub fn choose(
    facts: &dyn Facts,
    channel: &ChannelName,
    query: &KnownGoodQuery,
    now: Timestamp,
) -> Result<Choice, ChooseError> {
    if query.back.is_some_and(|back| back > BACK_MAX) {
        return Err(ChooseError::BackTooFar);
    }
    let unknown = || ChooseError::ChannelUnknown { channel: channel.clone() };
    let in_force = facts.policy()?.ok_or_else(unknown)?;
    let rule = in_force.policy.channel(channel).ok_or_else(unknown)?;
    let names = lines_asked(facts, channel, rule, query)?;
    if !exists(facts, channel, rule, &names)? {
        return Err(unknown());
    }
    let lines: Vec<ChosenLine> = names
        .iter()
        .map(|name| choose_line(facts, &in_force, channel, name, query, now))
        .collect::<Result<_, _>>()?;
    let newest_entry = newest_entry(facts, channel, &lines)?;
    let whole = query.component.is_none();
    Ok(Choice { channel: channel.clone(), whole, newest_entry, lines })
}

fn lines_asked(
    facts: &dyn Facts,
    channel: &ChannelName,
    rule: &ChannelRule,
    query: &KnownGoodQuery,
) -> Result<Vec<ArtifactName>, ChooseError> {
    let pinned = || match facts.lines(channel) {
        Ok(names) if names.is_empty() => {
            Err(Unfound::Error(ChooseError::ChannelUnknown { channel: channel.clone() }))
        }
        Ok(names) => Ok(names),
        Err(error) => Err(Unfound::Error(error.into())),
    };
    wanted_lines(rule, query, pinned).map_err(|unfound| match unfound {
        Unfound::Error(error) => error,
        Unfound::Lines(LinesError::Unknown(line)) => {
            ChooseError::LineUnknown { channel: channel.clone(), line }
        }
        Unfound::Lines(LinesError::NeedsComponent(lines)) => {
            ChooseError::NeedsComponent { channel: channel.clone(), lines }
        }
    })
}

/// A channel exists when a rule names it alone, or when something was pinned there: a pattern makes no channels.
fn exists(
    facts: &dyn Facts,
    channel: &ChannelName,
    rule: &ChannelRule,
    names: &[ArtifactName],
) -> Result<bool, ChooseError> {
    if rule.pattern.as_str() == channel.as_str() {
        return Ok(true);
    }
    for name in names {
        if !facts.pins(channel, name, None, 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn choose_line(
    facts: &dyn Facts,
    in_force: &PolicyFact,
    channel: &ChannelName,
    name: &ArtifactName,
    query: &KnownGoodQuery,
    now: Timestamp,
) -> Result<ChosenLine, ChooseError> {
    let policy: &Policy = &in_force.policy;
    let deploys = Deploys { facts, policy, channel, name };
    let current = deploys.current()?;
    let walk = Walk { facts, in_force, channel, name, query, current: current.as_ref(), now };
    let Answered { issued, pin, artifact, passed_over } = walk.answer()?;
    let components = closure::components(facts, &artifact)?;
    let (undone, deployed) = deploys.since(&artifact)?;
    let name = name.clone();
    Ok(ChosenLine { name, issued, pin, artifact, components, passed_over, current, undone, deployed })
}

/// The newest entry that touches the channel, or that one of its answers follows from, such as a scrub that failed.
fn newest_entry(
    facts: &dyn Facts,
    channel: &ChannelName,
    lines: &[ChosenLine],
) -> Result<Option<LeafIndex>, ChooseError> {
    let ended_by = lines.iter().flat_map(|line| &line.passed_over).filter_map(|passed| passed.ended_by);
    Ok(ended_by.chain(facts.newest_touching(channel)?).max())
}
