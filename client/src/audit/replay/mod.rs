//! Judging a log again, entry by entry, from wherever the kept state is.
//!
//! Nothing here fetches anything: what is judged, and what it names, is given.

mod chain;
mod entry;

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::Policy;
use holdfast_formats::tile::TilePath;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::trust::Trust;
use holdfast_verify::facts::{Facts as _, FactsError};
use holdfast_verify::ledger::Ledger;
use holdfast_verify::merkle::Edge;
use holdfast_verify::signature::KnownKeys;

use super::decode::{KeysAtHand, Piece};
use super::error::AuditError;
use super::finding::Finding;
use super::kept::{DiskTables, FINDINGS_MAX, Kept, Position};
use crate::error::ClientError;

/// Attachments by their digest.
pub(super) type Attachments = HashMap<Sha256Digest, Vec<u8>>;
type Facts<'t> = Ledger<DiskTables<'t>>;

/// A full tile that follows from the entries.
pub(super) type FullTile = (TilePath, Vec<TreeHash>);

/// Pieces that are judged in one transaction, with what they name.
pub(super) struct Group {
    pub(super) pieces: Vec<Piece>,
    pub(super) attachments: Attachments,
    /// What was wrong with how they were read.
    pub(super) findings: Vec<Finding>,
}

/// A log that is judged again.
pub(super) struct Replay {
    trust: Trust,
    /// Entries before it are taken on trust: their signatures are not verified, and nothing about them is reported.
    from: TreeSize,
    position: Position,
    /// The keys of the policy in force.
    keys: Arc<KnownKeys>,
    at_hand: KeysAtHand,
    /// Sizes at which the tree is remembered when it passes them.
    wanted: Vec<TreeSize>,
    passed: Vec<Edge>,
    tiles: Vec<FullTile>,
    findings: Vec<Finding>,
    /// How many of those are written already.
    written: usize,
    stopped: bool,
    /// The entry that only a newer version can judge, and what it needs.
    newer: Option<(LeafIndex, String)>,
}

impl Replay {
    pub(super) fn new(trust: Trust, from: TreeSize, position: Position, findings: Vec<Finding>) -> Self {
        let written = findings.len();
        Self {
            trust,
            from,
            position,
            keys: Arc::new(KnownKeys::none()),
            at_hand: KeysAtHand::none(),
            wanted: Vec::new(),
            passed: Vec::new(),
            tiles: Vec::new(),
            findings,
            written,
            stopped: false,
            newer: None,
        }
    }

    pub(super) fn size(&self) -> TreeSize {
        self.position.size()
    }

    pub(super) const fn position(&self) -> &Position {
        &self.position
    }

    pub(super) const fn at_hand(&self) -> &KeysAtHand {
        &self.at_hand
    }

    /// Whether what follows cannot be read as a log any more.
    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Fails when the log goes on by rules that this version does not have.
    pub(super) fn require_known_rules(&mut self) -> Result<(), AuditError> {
        self.newer.take().map_or(Ok(()), |(index, needs)| Err(AuditError::Newer { index, needs }))
    }

    /// Takes what was found so far, and how much more than that there is.
    pub(super) fn findings(&self) -> (&[Finding], u64) {
        (&self.findings, self.position.findings)
    }

    /// Remembers the tree of a size when it is passed, or now.
    pub(super) fn want(&mut self, size: TreeSize) {
        if size == self.size() {
            self.passed.push(self.position.edge.clone());
        } else {
            self.wanted.push(size);
        }
    }

    /// The tree as it was at a size that was wanted and passed.
    pub(super) fn tree_at(&self, size: TreeSize) -> Option<&Edge> {
        self.passed.iter().find(|edge| edge.size() == size)
    }

    /// Full tiles since the last time.
    pub(super) fn take_tiles(&mut self) -> Vec<FullTile> {
        std::mem::take(&mut self.tiles)
    }

    /// A finding that is kept: it is about the log itself, and nothing that is done later undoes it.
    pub(super) fn find(&mut self, finding: Finding) {
        // What is about no entry may be found again by every audit.
        let is_known = finding.index.is_none() && self.findings.contains(&finding);
        if self.size() < self.from || is_known {
            return;
        }
        self.position.findings += 1;
        if (self.findings.len() as u64) < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    /// Judges a group in one transaction. Only what makes going on pointless is an error; the rest is a finding.
    pub(super) fn group(&mut self, kept: &Kept, group: Group, durable: bool) -> Result<(), ClientError> {
        kept.change(durable, |transaction| {
            let tables = transaction.tables();
            let position = &self.position;
            let failed = |error| transaction.facts_failed(error);
            let mut facts = Ledger::open(&tables, position.size(), position.time).map_err(failed)?;
            self.take_up_policy(&facts).map_err(failed)?;
            group.findings.into_iter().for_each(|finding| self.find(finding));
            for piece in group.pieces {
                if self.stopped {
                    break;
                }
                self.piece(&mut facts, &piece, &group.attachments).map_err(failed)?;
            }
            self.position.time = facts.newest_time_noted();
            let new = self.findings.get(self.written..).unwrap_or_default();
            transaction.put(&self.position, self.written as u64, new)?;
            self.written = self.findings.len();
            Ok(())
        })
    }

    /// Makes everything so far durable.
    pub(super) fn keep(&mut self, kept: &Kept) -> Result<(), ClientError> {
        let nothing = Group { pieces: Vec::new(), attachments: Attachments::new(), findings: Vec::new() };
        self.group(kept, nothing, true)
    }

    fn take_up_policy(&mut self, facts: &Facts<'_>) -> Result<(), FactsError> {
        if self.keys.is_empty()
            && let Some(fact) = facts.policy()?
        {
            self.note_policy(&fact.policy);
        }
        Ok(())
    }

    fn note_policy(&mut self, policy: &Policy) {
        let keys = KnownKeys::of_policy(policy);
        self.at_hand.set(keys.clone());
        self.keys = Arc::new(keys);
    }
}
