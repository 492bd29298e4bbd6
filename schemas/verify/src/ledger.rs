//! The auditor's facts: what follows from a log, kept in tables that are in memory or on disk.
//!
//! It applies the same effects and gives the same answers as the registry's index, and knows nothing else. How a table is
//! kept is the business of whoever gives it: [`InMemory`] here, files of the auditor elsewhere.

mod answers;
mod apply;
mod recent;
mod tables;
mod touches;

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{ObjectClass, RollbackPhase};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::version::Version;

use crate::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, FactsError, FreezeFact, GrantFact, HoldFact, PinFact,
    PolicyFact, RollbackFact, SweepFact, TagFact,
};
use recent::Recent;
pub use tables::{InMemory, Table, TableKey, TableValue, Tables};

/// A line: a name in a channel.
type Line = (ChannelName, ArtifactName);

/// Names every table once, with its group, key and record.
macro_rules! ledger {
    ($($(#[$doc:meta])* $table:ident: $group:ty, $key:ty => $value:ty;)*) => {
        /// Everything that follows from a log up to some size.
        pub struct Ledger<T: Tables = InMemory> {
            size: TreeSize,
            newest_time: Option<Timestamp>,
            /// The policy in force, which every judging asks for.
            policy: Option<PolicyFact>,
            recent: Recent,
            $($(#[$doc])* $table: T::Table<$group, $key, $value>,)*
        }

        impl<T: Tables> Ledger<T> {
            /// Takes up what is in these tables: the state after so many entries, the newest of them logged then.
            pub fn open(tables: &T, size: TreeSize, newest_time: Option<Timestamp>) -> Result<Self, FactsError> {
                let mut ledger = Self {
                    size,
                    newest_time,
                    policy: None,
                    recent: Recent::default(),
                    $($table: tables.table(stringify!($table))?,)*
                };
                ledger.policy = ledger.policies.newest(&(), None, None, 1)?.pop();
                Ok(ledger)
            }
        }

        impl Clone for Ledger<InMemory> {
            fn clone(&self) -> Self {
                let Self { size, newest_time, policy, recent, .. } = self;
                Self {
                    size: *size,
                    newest_time: *newest_time,
                    policy: policy.clone(),
                    recent: recent.clone(),
                    $($table: self.$table.clone(),)*
                }
            }
        }
    };
}

ledger! {
    policies: (), LeafIndex => PolicyFact;
    /// The first entry of each payload.
    payloads: (), Sha256Digest => LeafIndex;
    artifacts: (), ArtifactRef => ArtifactFact;
    /// The oldest version that has these digests.
    artifacts_by_digest: ArtifactName, Digests => ArtifactRef;
    snapshots: ArtifactName, LeafIndex => ArtifactRef;
    /// The releases that have a component.
    containers: ArtifactRef, ArtifactRef => ArtifactRef;
    holds: (), LeafIndex => HoldFact;
    /// Those that stand.
    holds_of: ArtifactRef, LeafIndex => LeafIndex;
    sweeps: (), LeafIndex => SweepFact;
    /// The newest sweep that named an object.
    generations: (Namespace, ObjectClass), NamedDigest => LeafIndex;
    tags: ArtifactName, Version => TagFact;
    pins: (), LeafIndex => PinFact;
    pins_of: Line, PinNumber => LeafIndex;
    pins_of_artifact: ArtifactRef, LeafIndex => LeafIndex;
    lines: ChannelName, ArtifactName => ArtifactName;
    /// Those that have a line.
    channels: (), ChannelName => ChannelName;
    /// Those in which something was pinned or deployed.
    channels_used: (), ChannelName => ChannelName;
    /// The newest entry that touches a channel.
    touched: (), ChannelName => LeafIndex;
    /// Where a deny or freeze reached.
    reached: (), LeafIndex => Vec<ChannelName>;
    denies: (), LeafIndex => DenyFact;
    denies_of: Digests, LeafIndex => LeafIndex;
    freezes: (), LeafIndex => FreezeFact;
    /// Those that were not thawed.
    freezes_of: ChannelName, LeafIndex => LeafIndex;
    deploys: (), LeafIndex => DeployFact;
    deploys_of: Line, LeafIndex => LeafIndex;
    attests: (), LeafIndex => AttestFact;
    grants: (), LeafIndex => GrantFact;
    grants_by_token: (), Sha256Digest => LeafIndex;
    grants_by_claims: (), Sha256Digest => LeafIndex;
    grants_by_key: (), KeyId => LeafIndex;
    rollbacks: (), LeafIndex => RollbackFact;
    rollbacks_by_id: (), Label => LeafIndex;
    /// The newest of each phase, drills apart from real ones.
    rollbacks_by_phase: (ChannelName, bool), RollbackPhase => LeafIndex;
}

impl Ledger<InMemory> {
    /// The state before entry 0.
    pub fn empty() -> Self {
        Self::open(&InMemory, TreeSize::ZERO, None).expect("memory does not fail")
    }
}

impl<T: Tables> Ledger<T> {
    /// When the newest entry was logged.
    pub const fn newest_time_noted(&self) -> Option<Timestamp> {
        self.newest_time
    }

    /// Where a moving tag points.
    pub fn tag(&self, name: &ArtifactName, tag: &Version) -> Result<Option<TagFact>, FactsError> {
        self.tags.get(name, tag)
    }

    /// The channels that have a line, sorted, behind one; at most `limit`.
    pub fn channels(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, FactsError> {
        self.channels.oldest(&(), after, limit)
    }

    /// The artifacts by reference, ended ones included, behind one; at most `limit`.
    pub fn all_artifacts(
        &self,
        after: Option<&ArtifactRef>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, FactsError> {
        self.artifacts.oldest(&(), after, limit)
    }

    /// The denies, ended ones included, behind an entry; at most `limit`.
    pub fn all_denies(&self, after: Option<LeafIndex>, limit: usize) -> Result<Vec<DenyFact>, FactsError> {
        self.denies.oldest(&(), after.as_ref(), limit)
    }

    /// The grants, ended ones included, behind an entry; at most `limit`.
    pub fn all_grants(&self, after: Option<LeafIndex>, limit: usize) -> Result<Vec<GrantFact>, FactsError> {
        self.grants.oldest(&(), after.as_ref(), limit)
    }

    /// The policies, behind an entry; at most `limit`.
    pub fn all_policies(
        &self,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<PolicyFact>, FactsError> {
        self.policies.oldest(&(), after.as_ref(), limit)
    }
}

#[cfg(test)]
mod tests;
