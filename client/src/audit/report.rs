//! What an audit came to.

use std::collections::BTreeMap;

use holdfast_formats::number::PolicyNumber;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::StatementType;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

use super::finding::Finding;
use super::source::Source;
use super::{Audit, AuditRequest};
use crate::error::ClientError;

/// What the registry was asked, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The registry that was asked.
    pub registry: Option<String>,
    /// Why it was not asked, or not to the end.
    pub not_asked: Option<String>,
    /// How many channels.
    pub channels: u64,
    /// On how many lines known-good, and with it pins, expiry, denies and what touched the channel last.
    pub known_good: u64,
    /// How many histories: what touched a channel last.
    pub histories: u64,
    /// On how many lines whether the newest pin may be deployed: freezes, calendar windows, denies and scrubs.
    pub gates: u64,
    /// How many denies of artifacts.
    pub denies: u64,
    /// How many grants, revoked ones included.
    pub grants: u64,
    /// How many artifacts: until when they stay and why, or how they ended.
    pub windows: u64,
}

impl Compared {
    pub(super) const fn nothing() -> Self {
        Self {
            registry: None,
            not_asked: None,
            channels: 0,
            known_good: 0,
            histories: 0,
            gates: 0,
            denies: 0,
            grants: 0,
            windows: 0,
        }
    }
}

/// One policy of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLine {
    /// Its number.
    pub number: PolicyNumber,
    /// Its entry.
    pub index: LeafIndex,
    /// When it came into force.
    pub time: Timestamp,
}

/// What an audit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// The log.
    pub origin: Origin,
    /// Where it was read from.
    pub source: String,
    /// When the audit ended.
    pub time: Timestamp,
    /// The size of the log that was audited.
    pub size: TreeSize,
    /// The root, recomputed from the entries.
    pub root: TreeHash,
    /// The size at which it went on; what is before was judged by earlier audits.
    pub resumed_from: TreeSize,
    /// The size before which everything was taken on trust.
    pub from: TreeSize,
    /// How many entries were judged, earlier audits included.
    pub entries: u64,
    /// How many artifacts there are.
    pub artifacts: u64,
    /// How many channels have a pin.
    pub channels: u64,
    /// How many statements there are of each type.
    pub statements: BTreeMap<StatementType, u64>,
    /// The chain of policies.
    pub policies: Vec<PolicyLine>,
    /// What was compared with the registry's answers.
    pub compared: Compared,
    /// What whoever reads this should know besides.
    pub notes: Vec<String>,
    /// What is not as it must be, as far as it is listed. Empty: everything is.
    pub findings: Vec<Finding>,
    /// How many findings there are.
    pub findings_total: u64,
}

impl Audit {
    pub(super) async fn finish(mut self) -> Result<AuditReport, ClientError> {
        let policies = self.facts(|facts| facts.all_policies(None, usize::MAX)).await?;
        let channels = self.facts(|facts| facts.channels(None, usize::MAX)).await?.len() as u64;
        let passing = std::mem::take(&mut self.passing);
        let replay = self.replay();
        let (kept, kept_total) = replay.findings();
        let findings_total = kept_total + passing.len() as u64;
        let position = replay.position();
        Ok(AuditReport {
            origin: self.registry.origin().clone(),
            source: match &self.source {
                Source::Registry(registry) => registry.url(),
                Source::Store(commits) => commits.objects.to_string(),
            },
            time: self.registry.now(),
            size: position.size(),
            root: position.edge.root(),
            resumed_from: self.resumed,
            from: self.from,
            entries: position.size().get(),
            artifacts: position.artifacts,
            channels,
            statements: position.statements.clone(),
            policies: policies
                .iter()
                .map(|fact| PolicyLine {
                    number: fact.policy.number,
                    index: fact.entry.index,
                    time: fact.time,
                })
                .collect(),
            findings: kept.iter().cloned().chain(passing).collect(),
            findings_total,
            compared: self.compared,
            notes: self.notes,
        })
    }
}

impl AuditReport {
    /// Whether everything is as it must be.
    pub const fn is_clean(&self) -> bool {
        self.findings_total == 0
    }
}

impl AuditRequest {
    /// What is wrong with it, when it asks for what cannot be.
    pub fn contradiction(&self) -> Option<&'static str> {
        match (self.offline && self.store.is_none(), self.fresh && self.from.is_some()) {
            (true, _) => Some("--offline needs --store: without either there is no log to read"),
            (_, true) => Some(
                "--from keeps nothing and uses nothing that is kept, so --fresh has no meaning beside it",
            ),
            _ => None,
        }
    }
}
