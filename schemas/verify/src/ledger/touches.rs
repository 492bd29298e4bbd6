//! Which entries touch which channel, as [`crate::facts::Facts::newest_touching`] says.

use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::DenyScope;
use holdfast_formats::tree::LeafIndex;

use super::Ledger;
use super::tables::{Table as _, Tables};
use crate::facts::{DenyFact, Effect, FactsError};

impl<T: Tables> Ledger<T> {
    /// Notes what an effect touches; called before it is applied.
    pub(super) fn touch_by(&mut self, effect: &Effect) -> Result<(), FactsError> {
        match effect {
            Effect::Pin(fact) => {
                self.channels.insert(&(), &fact.channel, &fact.channel)?;
                self.touch(fact.entry.index, std::slice::from_ref(&fact.channel))
            }
            Effect::Deploy(fact) => self.touch(fact.index, std::slice::from_ref(&fact.channel)),
            Effect::Rollback(fact) => self.touch(fact.index, std::slice::from_ref(&fact.channel)),
            Effect::Freeze(fact) => self.begin(fact.index, std::slice::from_ref(&fact.channel)),
            Effect::Deny(fact) => {
                let reached = self.reached_by(fact)?;
                self.begin(fact.index, &reached)
            }
            Effect::Lift { deny, by } => self.end(*deny, by.index),
            Effect::Thaw { freeze, by } => self.end(*freeze, *by),
            Effect::Policy(_)
            | Effect::Artifact(_)
            | Effect::Attest(_)
            | Effect::Tag(_)
            | Effect::Grant(_)
            | Effect::Revoke { .. }
            | Effect::Scrub { .. }
            | Effect::Hold(_)
            | Effect::Unhold { .. }
            | Effect::Extend { .. }
            | Effect::Delete { .. }
            | Effect::Sweep { .. }
            | Effect::Swept { .. } => Ok(()),
        }
    }

    /// A deny reaches the channels that have a line.
    fn reached_by(&self, deny: &DenyFact) -> Result<Vec<ChannelName>, FactsError> {
        if let Some(channel) = &deny.channel {
            return Ok(vec![channel.clone()]);
        }
        let mut reached = self.channels.oldest(&(), None, usize::MAX)?;
        reached.retain(|channel| {
            deny.scope == DenyScope::Everywhere || channel.namespace() == deny.name.namespace()
        });
        Ok(reached)
    }

    fn begin(&mut self, index: LeafIndex, channels: &[ChannelName]) -> Result<(), FactsError> {
        self.reached.insert(&(), &index, &channels.to_vec())?;
        self.touch(index, channels)
    }

    fn end(&mut self, begun: LeafIndex, by: LeafIndex) -> Result<(), FactsError> {
        let reached = self.reached.get(&(), &begun)?.unwrap_or_default();
        self.touch(by, &reached)
    }

    fn touch(&mut self, index: LeafIndex, channels: &[ChannelName]) -> Result<(), FactsError> {
        channels.iter().try_for_each(|channel| self.touched.insert(&(), channel, &index))
    }
}
