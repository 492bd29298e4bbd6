//! What a sweep asks: whose windows are over, what is announced already, what lives. Never asked by the rule book.

use holdfast_formats::name::Namespace;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{ArtifactFact, SweepFact};
use rusqlite::params;

use super::IndexError;
use super::readers::View;
use super::rows::{all_facts, one_fact, signed};

/// A place among the artifacts with a window: its last moment, then the entry.
pub type WindowPlace = (Timestamp, LeafIndex);

impl View<'_> {
    /// Living artifacts whose own windows are over at a moment, oldest first, those up to a place left out.
    pub fn windows_over(
        &self,
        at: Timestamp,
        after: Option<WindowPlace>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE ended = 0 AND keep_until_ms IS NOT NULL
                   AND keep_until_ms <= ?1 AND (keep_until_ms, idx) > (?2, ?3)
                   ORDER BY keep_until_ms, idx LIMIT ?4";
        let (until, index) = after.map_or((-1, -1), |(at, index)| (signed(at.as_ms()), signed(index.get())));
        all_facts(self.connection, sql, params![signed(at.as_ms()), until, index, signed(limit as u64)])
    }

    /// Living artifacts of a namespace by reference, those up to one left out.
    pub fn living(
        &self,
        namespace: &Namespace,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql =
            "SELECT fact FROM artifacts WHERE ref > ?1 AND ref >= ?2 || '/' AND ref < ?2 || '0' AND ended = 0
                   ORDER BY ref LIMIT ?3";
        all_facts(self.connection, sql, params![after, namespace.as_str(), signed(limit as u64)])
    }

    /// Artifacts published by an entry or a later one, by their place.
    pub fn published_from(&self, from: LeafIndex, limit: usize) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
        all_facts(self.connection, sql, [signed(from.get()), signed(limit as u64)])
    }

    /// The newest sweep that said of an artifact that it will end.
    pub fn newest_intend_of(&self, artifact: &ArtifactRef) -> Result<Option<SweepFact>, IndexError> {
        let sql = "SELECT s.fact FROM intended i JOIN sweeps s ON s.idx = i.idx
                   WHERE i.ref = ?1 ORDER BY i.idx DESC LIMIT 1";
        one_fact(self.connection, sql, [artifact.to_string()])
    }

    /// Sweeps that only intend, newest first, those from an entry on left out.
    pub fn intends_before(
        &self,
        before: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<SweepFact>, IndexError> {
        let sql = "SELECT fact FROM sweeps WHERE phase = 'intend' AND idx < ?1 ORDER BY idx DESC LIMIT ?2";
        let before = before.map_or(i64::MAX, |index| signed(index.get()));
        all_facts(self.connection, sql, [before, signed(limit as u64)])
    }
}
