//! What an audit finds: one thing that is not as it must be, in words and in a form that programs read.

use holdfast_formats::name::ChannelName;
use holdfast_formats::tree::LeafIndex;
use serde::{Deserialize, Serialize};

/// What a finding is about. New kinds may come; the names of these stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A leaf that is no entry in its canonical form, or says nothing that can be read.
    EntryMalformed,
    /// A signature that does not verify, or by a key that nobody knows.
    Signature,
    /// The rule book refuses an entry that stands in the log.
    Refused,
    /// An attachment is missing or is not what its digest says.
    Attachment,
    /// A policy that is of another log, or not the one that is trusted.
    Policy,
    /// The entries do not hash to a root that was signed.
    Root,
    /// The log does not extend what was audited or seen before.
    Fork,
    /// A commit is missing while later ones, or a signed checkpoint, say that it was there.
    CommitMissing,
    /// A commit is torn or malformed.
    CommitMalformed,
    /// A commit does not follow the one before it.
    CommitChain,
    /// A commit is not signed by a registry key of the policy in force.
    CommitWriter,
    /// A published tile is missing or is not what follows from the entries.
    Tile,
    /// The published checkpoint is missing, not the log's, or over another root.
    Checkpoint,
    /// The registry answers something else than what follows from the log.
    Answer,
    /// An answer of the registry does not hold by itself.
    Untrue,
}

impl FindingKind {
    /// What whoever reads this should do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::EntryMalformed | Self::Signature | Self::Refused => {
                "the entry has no effect for whoever verifies; find out how it came into the log"
            }
            Self::Attachment => "restore the attachment from a replica, then audit with --fresh",
            Self::Policy => "do not trust this log before its administrators explain the policy",
            Self::Root | Self::Fork => {
                "trust no answer of this registry; keep the log and this report as evidence"
            }
            Self::CommitMissing | Self::CommitMalformed => {
                "restore log/commits from a replica, and find out who could delete there"
            }
            Self::CommitChain | Self::CommitWriter => {
                "somebody else than the registry wrote commits: stop it, and compare with a replica"
            }
            Self::Tile | Self::Checkpoint => {
                "publish it again by a restart of the registry, then audit with --fresh; find out who altered it"
            }
            Self::Answer | Self::Untrue => {
                "make the registry's index anew (holdfast-registry rebuild); until then trust no answer of it"
            }
        }
    }

    /// Its name in JSON and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntryMalformed => "entry-malformed",
            Self::Signature => "signature",
            Self::Refused => "refused",
            Self::Attachment => "attachment",
            Self::Policy => "policy",
            Self::Root => "root",
            Self::Fork => "fork",
            Self::CommitMissing => "commit-missing",
            Self::CommitMalformed => "commit-malformed",
            Self::CommitChain => "commit-chain",
            Self::CommitWriter => "commit-writer",
            Self::Tile => "tile",
            Self::Checkpoint => "checkpoint",
            Self::Answer => "answer",
            Self::Untrue => "untrue",
        }
    }
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// The entry that it is about.
    pub index: Option<LeafIndex>,
    /// The channel that it is about.
    pub channel: Option<ChannelName>,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    /// A finding about no entry or channel in particular.
    pub(super) fn new(kind: FindingKind, what: impl Into<String>) -> Self {
        Self { kind, index: None, channel: None, what: what.into() }
    }

    /// The same, about an entry.
    pub(super) fn at(self, index: LeafIndex) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The same, about a channel.
    pub(super) fn in_channel(self, channel: &ChannelName) -> Self {
        Self { channel: Some(channel.clone()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_in_json_and_in_words() {
        for kind in [FindingKind::EntryMalformed, FindingKind::CommitWriter, FindingKind::Untrue] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
