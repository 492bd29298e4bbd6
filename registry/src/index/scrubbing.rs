//! What is to be read back: live artifacts by their newest scrub, and those that it found bad.

use holdfast_formats::name::Namespace;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::ArtifactFact;
use rusqlite::params;

use super::IndexError;
use super::readers::View;
use super::rows::{all_facts, one_fact, signed, unsigned};

/// A place among live artifacts in the order of their newest scrubs: those come first that never had one, then those
/// whose scrub was logged first; among equals, in the order of their publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DuePlace {
    scrubbed: i64,
    index: i64,
}

impl DuePlace {
    /// Before all of them.
    pub const FIRST: Self = Self { scrubbed: -1, index: -1 };
    /// Behind those that never had a scrub.
    pub const SCRUBBED: Self = Self { scrubbed: 0, index: i64::MAX };

    /// The place of an artifact.
    pub fn of(fact: &ArtifactFact) -> Self {
        let scrubbed = fact.scrub.map_or(0, |scrub| signed(scrub.index.get()));
        Self { scrubbed, index: signed(fact.index.get()) }
    }
}

/// How all live artifacts stand.
#[derive(Debug, Clone)]
pub struct Soundness {
    /// The one that comes first.
    pub oldest: Option<ArtifactFact>,
    /// How many were bad when they were last read.
    pub unsound: u64,
}

impl View<'_> {
    /// Live artifacts behind a place, in the order of their newest scrubs.
    pub fn due_for_scrub(
        &self,
        namespace: Option<&Namespace>,
        after: DuePlace,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE ended = 0 AND (scrubbed, idx) > (?1, ?2)
                   AND substr(name, 1, length(?3)) = ?3 ORDER BY scrubbed, idx LIMIT ?4";
        let prefix = prefix(namespace);
        all_facts(self.connection, sql, params![after.scrubbed, after.index, prefix, signed(limit as u64)])
    }

    /// Live artifacts behind a place in the log, in the order of their publication.
    pub fn live_after(
        &self,
        namespace: &Namespace,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE ended = 0 AND idx > ?1
                   AND substr(name, 1, length(?2)) = ?2 ORDER BY idx LIMIT ?3";
        let after = after.map_or(-1, |index| signed(index.get()));
        all_facts(self.connection, sql, params![after, prefix(Some(namespace)), signed(limit as u64)])
    }

    /// Live artifacts that were bad when they were last read, behind a place in the log.
    pub fn unsound_after(
        &self,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM unsound JOIN artifacts USING (idx) WHERE idx > ?1 ORDER BY idx LIMIT ?2";
        let after = after.map_or(-1, |index| signed(index.get()));
        all_facts(self.connection, sql, params![after, signed(limit as u64)])
    }

    /// How many artifacts are live.
    pub fn live_artifacts(&self, namespace: Option<&Namespace>) -> Result<u64, IndexError> {
        let sql = "SELECT count(*) FROM artifacts WHERE ended = 0 AND substr(name, 1, length(?1)) = ?1";
        let count: i64 = self.connection.query_row(sql, [prefix(namespace)], |row| row.get(0))?;
        unsigned(count)
    }

    /// How all live artifacts stand.
    pub fn soundness(&self) -> Result<Soundness, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE ended = 0 ORDER BY scrubbed, idx LIMIT 1";
        let oldest = one_fact(self.connection, sql, [])?;
        let unsound: i64 = self.connection.query_row("SELECT count(*) FROM unsound", [], |row| row.get(0))?;
        Ok(Soundness { oldest, unsound: unsigned(unsound)? })
    }
}

/// What names of a namespace begin with.
fn prefix(namespace: Option<&Namespace>) -> String {
    namespace.map_or_else(String::new, |namespace| format!("{namespace}/"))
}
