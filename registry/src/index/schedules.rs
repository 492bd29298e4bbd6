//! What schedules and objectives are measured by: snapshots of a name, ends of drills and rollbacks, channels in use.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::statement::RollbackPhase;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{ArtifactFact, RollbackFact};
use rusqlite::params;

use super::IndexError;
use super::readers::View;
use super::rows::{all_facts, one_fact, signed};

/// Every channel that something was pinned or deployed in has a row in one of them; the first behind a place is found at
/// once in each, however many rows it has.
const CHANNELS: [&str; 2] = [
    "SELECT min(channel) FROM lines WHERE channel > ?1",
    "SELECT min(channel) FROM deploys WHERE channel > ?1",
];

impl View<'_> {
    pub(super) fn rollback_in_phase(
        &self,
        channel: &ChannelName,
        drill: bool,
        phase: RollbackPhase,
    ) -> Result<Option<RollbackFact>, IndexError> {
        let sql = "SELECT fact FROM rollbacks WHERE channel = ?1 AND drill = ?2 AND phase = ?3 ORDER BY idx DESC LIMIT 1";
        one_fact(self.connection, sql, params![channel.as_str(), drill, phase.as_str()])
    }

    pub(super) fn snapshots_of(
        &self,
        name: &ArtifactName,
        below: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts INDEXED BY snapshots WHERE kind = 'snapshot' AND name = ?1 AND idx < ?2
                   ORDER BY idx DESC LIMIT ?3";
        let below = below.map_or(i64::MAX, |index| signed(index.get()));
        all_facts(self.connection, sql, params![name.as_str(), below, signed(limit as u64)])
    }

    pub(super) fn channels_behind(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, IndexError> {
        let mut channels: Vec<ChannelName> = Vec::new();
        let mut behind = after.map_or_else(String::new, ToString::to_string);
        while channels.len() < limit {
            let mut next: Option<String> = None;
            for sql in CHANNELS {
                let mut statement = self.connection.prepare_cached(sql)?;
                let first: Option<String> = statement.query_row([&behind], |row| row.get(0))?;
                next = next.into_iter().chain(first).min();
            }
            let Some(next) = next else { break };
            channels.push(next.parse().map_err(|_| IndexError::Damaged("a malformed channel"))?);
            behind = next;
        }
        Ok(channels)
    }
}
