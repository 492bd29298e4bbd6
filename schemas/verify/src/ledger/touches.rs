//! Which entries touch which channel, as [`crate::facts::Facts::newest_touching`] says.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::DenyScope;
use holdfast_formats::tree::LeafIndex;

use crate::facts::{DenyFact, Effect};

/// The newest entry of each channel, and what ends of denies and freezes need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touches {
    newest: BTreeMap<ChannelName, LeafIndex>,
    /// The channels that have a line.
    with_lines: BTreeSet<ChannelName>,
    /// Where a deny or freeze reached.
    reached: BTreeMap<LeafIndex, Vec<ChannelName>>,
}

impl Touches {
    pub(super) const fn none() -> Self {
        Self { newest: BTreeMap::new(), with_lines: BTreeSet::new(), reached: BTreeMap::new() }
    }

    pub(super) fn newest(&self, channel: &ChannelName) -> Option<LeafIndex> {
        self.newest.get(channel).copied()
    }

    pub(super) fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Pin(fact) => {
                self.with_lines.insert(fact.channel.clone());
                self.touch(fact.entry.index, vec![fact.channel.clone()]);
            }
            Effect::Deploy(fact) => self.touch(fact.index, vec![fact.channel.clone()]),
            Effect::Rollback(fact) => self.touch(fact.index, vec![fact.channel.clone()]),
            Effect::Freeze(fact) => self.begin(fact.index, vec![fact.channel.clone()]),
            Effect::Deny(fact) => self.begin(fact.index, self.reached_by(fact)),
            Effect::Lift { deny: begun, by } | Effect::Thaw { freeze: begun, by } => {
                self.touch(*by, self.reached.get(begun).cloned().unwrap_or_default());
            }
            Effect::Policy(_)
            | Effect::Artifact(_)
            | Effect::Attest(_)
            | Effect::Tag(_)
            | Effect::Grant(_)
            | Effect::Revoke { .. }
            | Effect::Scrub { .. } => {}
        }
    }

    fn reached_by(&self, deny: &DenyFact) -> Vec<ChannelName> {
        let reached = |channel: &&ChannelName| {
            deny.scope == DenyScope::Everywhere || channel.namespace() == deny.name.namespace()
        };
        match &deny.channel {
            Some(channel) => vec![channel.clone()],
            None => self.with_lines.iter().filter(reached).cloned().collect(),
        }
    }

    fn begin(&mut self, index: LeafIndex, channels: Vec<ChannelName>) {
        self.reached.insert(index, channels.clone());
        self.touch(index, channels);
    }

    fn touch(&mut self, index: LeafIndex, channels: Vec<ChannelName>) {
        self.newest.extend(channels.into_iter().map(|channel| (channel, index)));
    }
}
