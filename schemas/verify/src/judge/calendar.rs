//! Whether a channel takes forward deploys at a moment: freezes that were signed, and the policy's calendar.

use holdfast_formats::name::ChannelName;
use holdfast_formats::policy::{CalendarWord, Policy};
use holdfast_formats::time::Timestamp;

use crate::facts::{Facts, FreezeFact};
use crate::refusal::{JudgeError, Refusal};

impl FreezeFact {
    /// Whether the freeze stands at a moment.
    pub fn is_in_force_at(&self, now: Timestamp) -> bool {
        self.thawed.is_none() && self.until.is_none_or(|until| now < until)
    }
}

/// Refuses when a freeze stands, or when the first entry of the calendar that covers the moment says so.
pub(super) fn check(
    facts: &dyn Facts,
    policy: &Policy,
    channel: &ChannelName,
    now: Timestamp,
) -> Result<(), JudgeError> {
    if let Some(freeze) = facts.freezes(channel)?.into_iter().find(|freeze| freeze.is_in_force_at(now)) {
        let FreezeFact { index, until, reason, .. } = freeze;
        return Err(Refusal::Frozen { channel: channel.clone(), freeze: index, until, reason }.into());
    }
    let calendar = policy.channel(channel).and_then(|rule| rule.calendar.as_ref());
    let today = calendar.into_iter().flatten().find(|entry| entry.from <= now && now < entry.until);
    match today {
        Some(entry) if entry.rule == CalendarWord::Freeze => {
            Err(Refusal::CalendarFrozen { channel: channel.clone(), until: entry.until }.into())
        }
        _ => Ok(()),
    }
}
