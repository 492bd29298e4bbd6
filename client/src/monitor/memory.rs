//! What a monitor knows between two looks: how far it read, what it told last, and what is not delivered yet.
//!
//! One file a log, replaced whole. How far it read and the alerts that follow from that are always written together.

use holdfast_formats::StrictMap;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::{PinNumber, PolicyNumber};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::Artifact;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use serde::{Deserialize, Serialize};

use super::Alert;

/// How many alerts may wait. While there is no room the log is not read further, so none is ever dropped.
pub(super) const OUTBOX_MAX: usize = 1000;

/// What is known of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    pub(super) log: Origin,
    /// The newest policy that was told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<PolicyNumber>,
    /// When something fresh came last, or when the first look was.
    pub(super) heard: Timestamp,
    /// Whether it was told that nothing comes.
    pub(super) is_silent: bool,
    /// What was told last not to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) broken: Option<String>,
    pub(super) channels: StrictMap<ChannelName, Followed>,
    /// What is to be delivered, oldest first.
    pub(super) outbox: Vec<Queued>,
}

/// What is known of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Followed {
    /// The first entry that was not read yet.
    pub(super) next: LeafIndex,
    /// What was answered last, by line; empty when nothing was.
    pub(super) lines: StrictMap<ArtifactName, Answered>,
}

/// What a line answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answered {
    pub(super) pin: PinNumber,
    pub(super) artifact: Artifact,
    /// Whether it was told that the pin ends soon.
    pub(super) is_ending: bool,
}

/// An alert on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queued {
    pub(super) alert: Alert,
    /// Whether whoever runs the monitor was told; then only the webhook has not taken it.
    pub(super) told: bool,
}

impl Memory {
    /// Before the first look.
    pub(super) const fn of(log: Origin, now: Timestamp) -> Self {
        Self {
            log,
            policy: None,
            heard: now,
            is_silent: false,
            broken: None,
            channels: StrictMap::empty(),
            outbox: Vec::new(),
        }
    }

    /// How many alerts there is room for.
    pub(super) fn room(&self) -> usize {
        OUTBOX_MAX.saturating_sub(self.outbox.len())
    }

    pub(super) fn queue(&mut self, alert: Alert) {
        self.outbox.push(Queued { alert, told: false });
    }
}
