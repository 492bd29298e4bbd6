//! How long a pin keeps its artifact: without a date while it is the answer of its line or among the last that could be,
//! then for the channel's rollback window.
//!
//! A pin stops being the answer when a newer one begins to qualify, or when it stops to qualify itself. A newer pin that
//! did not qualify for a while counts from when it did again: in between an older one may have been the answer.

use holdfast_formats::name::ChannelName;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use super::Retention;
use super::reason::{Kept, Why};
use crate::denial::{denies_against, stands};
use crate::facts::{ArtifactFact, FactsError, PinFact, PolicyFact};
use crate::known_good::standing::still_counts;
use crate::reach::Ask;

/// How many pins are read at once.
const PAGE: usize = 16;

/// How a pin stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// Since when it does not qualify; `None` when it does.
    down_since: Option<Timestamp>,
    /// Since when it has qualified without a break, at the latest.
    up_since: Timestamp,
}

impl Standing {
    fn is_down(&mut self, since: Timestamp) {
        self.down_since = Some(self.down_since.map_or(since, |earlier| earlier.min(since)));
    }

    fn was_down_until(&mut self, until: Timestamp) {
        self.up_since = self.up_since.max(until);
    }
}

impl Retention<'_> {
    /// What a pin means for its artifact.
    pub(super) fn by_pin(&self, pin: &PinFact) -> Result<Kept, FactsError> {
        let own = self.standing(pin)?;
        let (channel, number) = (pin.channel.clone(), pin.number);
        if own.down_since.is_none() {
            match self.newer_that_qualify(pin)? {
                0 => return Ok(Kept { why: Why::Answer { channel, number }, until: None }),
                newer if newer < self.keep_pins(&channel) => {
                    return Ok(Kept { why: Why::RecentPin { channel, number }, until: None });
                }
                _ => {}
            }
        }
        let until = match self.stopped(pin, own)? {
            Some(stopped) => Some(stopped.plus_ms(self.rollback_window_ms(pin)?)),
            None => None,
        };
        Ok(Kept { why: Why::FormerAnswer { channel, number }, until })
    }

    fn keep_pins(&self, channel: &ChannelName) -> u64 {
        self.in_force.policy.channel(channel).map_or(0, |rule| rule.keep_pins.get())
    }

    /// How many newer pins of the line qualify, as far as that matters.
    fn newer_that_qualify(&self, pin: &PinFact) -> Result<u64, FactsError> {
        let enough = self.keep_pins(&pin.channel).max(1);
        let mut found = 0;
        self.walk_up(pin, |newer| {
            found += u64::from(self.standing(newer)?.down_since.is_none());
            Ok(found < enough)
        })?;
        Ok(found)
    }

    /// When the pin stopped being the answer, at the latest; `None` while it could be.
    fn stopped(&self, pin: &PinFact, own: Standing) -> Result<Option<Timestamp>, FactsError> {
        let mut stopped = own.down_since;
        self.walk_up(pin, |newer| {
            if stopped.is_some_and(|stopped| stopped <= newer.time) {
                return Ok(false);
            }
            let standing = self.standing(newer)?;
            if standing.down_since.is_none() {
                stopped = Some(stopped.map_or(standing.up_since, |stopped| stopped.min(standing.up_since)));
            }
            Ok(true)
        })?;
        Ok(stopped)
    }

    /// Shows the newer pins of a line, oldest first, until told to stop.
    fn walk_up(
        &self,
        pin: &PinFact,
        mut show: impl FnMut(&PinFact) -> Result<bool, FactsError>,
    ) -> Result<(), FactsError> {
        let mut above = pin.number;
        loop {
            let page = self.facts.pins_above(&pin.channel, pin.artifact.r#ref.name(), above, PAGE)?;
            for newer in &page {
                if !show(newer)? {
                    return Ok(());
                }
                above = newer.number;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The longest rollback window that any policy since the pin gave its channel.
    fn rollback_window_ms(&self, pin: &PinFact) -> Result<u64, FactsError> {
        let window =
            |policy: &Policy| policy.channel(&pin.channel).map_or(0, |rule| rule.rollback_window_s.as_ms());
        Ok(self.policies_since(pin.entry.index)?.iter().map(|fact| window(&fact.policy)).max().unwrap_or(0))
    }

    /// The policy that judged an entry, and all later ones.
    fn policies_since(&self, index: LeafIndex) -> Result<Vec<PolicyFact>, FactsError> {
        let mut policies: Vec<PolicyFact> = self.facts.policy_at(index)?.into_iter().collect();
        policies.extend(self.facts.policies_after(index)?);
        Ok(policies)
    }

    fn standing(&self, pin: &PinFact) -> Result<Standing, FactsError> {
        let mut standing = Standing { down_since: None, up_since: pin.time };
        if let Some(expired) = pin.expires.filter(|expires| *expires <= self.now) {
            standing.is_down(expired);
        }
        let parts = self.parts(pin)?;
        self.judge_trust(pin, &parts, &mut standing)?;
        for part in &parts {
            self.judge_part(pin, part, &mut standing)?;
        }
        Ok(standing)
    }

    /// The pinned artifact and its components.
    fn parts(&self, pin: &PinFact) -> Result<Vec<ArtifactFact>, FactsError> {
        let mut parts = Vec::new();
        if let Some(whole) = self.facts.artifact(&pin.artifact.r#ref)? {
            for component in &whole.components {
                parts.extend(self.facts.artifact(&component.r#ref)?);
            }
            parts.insert(0, whole);
        }
        Ok(parts)
    }

    /// Who signed must count; a distrust that a later policy took back ended with that policy at the latest.
    fn judge_trust(
        &self,
        pin: &PinFact,
        parts: &[ArtifactFact],
        standing: &mut Standing,
    ) -> Result<(), FactsError> {
        let name = pin.artifact.r#ref.name();
        let mut counts = self.counts(pin.entry.index, &Ask::releasers(name, &pin.channel), &pin.signers)?;
        for part in parts {
            counts &= self.counts(part.index, &Ask::publishers(part.artifact.r#ref.name()), &part.signers)?;
        }
        if !counts {
            standing.is_down(self.in_force.time);
        }
        for pair in self.policies_since(pin.entry.index)?.windows(2) {
            if let [before, after] = pair
                && before.policy.distrust.iter().any(|item| !after.policy.distrust.contains(item))
            {
                standing.was_down_until(after.time);
            }
        }
        Ok(())
    }

    fn counts(
        &self,
        index: LeafIndex,
        ask: &Ask<'_>,
        signers: &[holdfast_formats::key::KeyId],
    ) -> Result<bool, FactsError> {
        still_counts(&self.in_force.policy, index, ask, signers, |key| self.facts.grant_by_key(key))
    }

    /// Denies and scrubs of one artifact of the closure, and its end.
    fn judge_part(
        &self,
        pin: &PinFact,
        part: &ArtifactFact,
        standing: &mut Standing,
    ) -> Result<(), FactsError> {
        for deny in denies_against(self.facts, &part.artifact, &pin.channel)? {
            match deny.lifted {
                Some(lift) => standing.was_down_until(lift.time),
                None if stands(self.facts, &self.in_force.policy, &deny)? => standing.is_down(deny.time),
                // Nobody who signed it is trusted any more.
                None => standing.was_down_until(self.in_force.time),
            }
        }
        match part.scrub {
            Some(scrub) if scrub.outcome == ScrubOutcome::Good && scrub.index > part.index => {}
            Some(scrub) => standing.is_down(scrub.time),
            None => standing.is_down(pin.time),
        }
        if let Some(recovered) = part.recovered {
            standing.was_down_until(recovered);
        }
        if let Some(ended) = part.ended {
            standing.is_down(ended.time);
        }
        Ok(())
    }
}
