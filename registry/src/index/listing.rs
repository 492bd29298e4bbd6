//! What people list: artifacts, channels' histories, attestations, totals. Never asked by the rule book.

use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::manifest::Kind;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{ArtifactFact, GrantFact};
use rusqlite::params;

use super::IndexError;
use super::readers::View;
use super::rows::{all_facts, leaf_index, one_fact, signed, unsigned};

/// Which artifacts a list shows.
#[derive(Debug, Clone)]
pub struct ArtifactFilter {
    /// Only references that begin so.
    pub prefix: String,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only references after this one.
    pub after: String,
    /// How many at most.
    pub limit: usize,
    /// Whether those that have ended are shown, too.
    pub ended: bool,
}

/// Sums over everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// How many artifacts.
    pub artifacts: u64,
    /// The bytes of their files.
    pub artifact_bytes: u64,
    /// How many channels have a pin.
    pub channels: u64,
}

impl View<'_> {
    /// Artifacts by reference.
    pub fn artifacts(&self, filter: &ArtifactFilter) -> Result<Vec<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE ref > ?1 AND ref >= ?2 AND ref < ?2 || char(1114111)
                   AND (?3 IS NULL OR kind = ?3) AND (?5 OR ended = 0) ORDER BY ref LIMIT ?4";
        let kind = filter.kind.map(Kind::as_str);
        all_facts(
            self.connection,
            sql,
            params![filter.after, filter.prefix, kind, signed(filter.limit as u64), filter.ended],
        )
    }

    /// The entries that touch a channel, newest first.
    pub fn touching(
        &self,
        channel: &ChannelName,
        before: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, IndexError> {
        let sql = "SELECT idx FROM touches WHERE channel = ?1 AND idx < ?2 ORDER BY idx DESC LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let before = before.map_or(i64::MAX, |i| signed(i.get()));
        let mut rows = statement.query(params![channel.as_str(), before, signed(limit as u64)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(leaf_index(row.get(0)?)?);
        }
        Ok(out)
    }

    /// The `attest` entries about an artifact.
    pub fn attests_about(&self, digests: &Digests, limit: usize) -> Result<Vec<LeafIndex>, IndexError> {
        let sql = "SELECT idx FROM attested WHERE blake3 = ?1 ORDER BY idx DESC LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![digests.blake3.as_bytes(), signed(limit as u64)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(leaf_index(row.get(0)?)?);
        }
        Ok(out)
    }

    /// The oldest version of a name whose manifest has this digest.
    pub fn artifact_by_blake3(
        &self,
        name: &ArtifactName,
        digest: &Blake3Digest,
    ) -> Result<Option<ArtifactFact>, IndexError> {
        let sql = "SELECT fact FROM artifacts WHERE blake3 = ?1 AND name = ?2 ORDER BY idx LIMIT 1";
        one_fact(self.connection, sql, params![digest.as_bytes(), name.as_str()])
    }

    /// The same for whoever reads: a version that has ended only where all have.
    pub fn readable_by_blake3(
        &self,
        name: &ArtifactName,
        digest: &Blake3Digest,
    ) -> Result<Option<ArtifactFact>, IndexError> {
        let sql =
            "SELECT fact FROM artifacts WHERE blake3 = ?1 AND name = ?2 ORDER BY ended > 0, idx LIMIT 1";
        one_fact(self.connection, sql, params![digest.as_bytes(), name.as_str()])
    }

    /// The pinned names of a channel, sorted.
    pub fn line_names(&self, channel: &ChannelName) -> Result<Vec<ArtifactName>, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT name FROM lines WHERE channel = ?1 ORDER BY name")?;
        let mut rows = statement.query([channel.as_str()])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            out.push(name.parse().map_err(|_| IndexError::Damaged("a malformed name"))?);
        }
        Ok(out)
    }

    /// Tokens by their place, ended ones included.
    pub fn grants_after(&self, after: Option<LeafIndex>, limit: usize) -> Result<Vec<GrantFact>, IndexError> {
        let sql = "SELECT fact FROM grants WHERE idx > ?1 ORDER BY idx LIMIT ?2";
        let after = after.map_or(-1, |i| signed(i.get()));
        all_facts(self.connection, sql, params![after, signed(limit as u64)])
    }

    /// Sums over everything.
    pub fn totals(&self) -> Result<Totals, IndexError> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(Totals {
            artifacts: unsigned(count("SELECT count(*) FROM artifacts")?)?,
            artifact_bytes: unsigned(count("SELECT coalesce(sum(size_bytes), 0) FROM artifacts")?)?,
            channels: unsigned(count("SELECT count(DISTINCT channel) FROM lines")?)?,
        })
    }
}
