//! Writing: one transaction a commit, judged inside it, kept only when the commit's slot was won.

use std::sync::Arc;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::statement::{ScrubOutcome, SweepPhase};
use holdfast_formats::tile::{TileKind, TilePath, encode_hashes};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::facts::Effect;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::journal::{EntryPlace, Position};
use super::newest::Newest;
use super::readers::{PolicyCache, View};
use super::rows::signed;
use super::schema::{self, Opened};
use super::swept::Swept;
use super::{IndexError, effects};

/// The one writer of the index.
pub struct Writer {
    connection: Connection,
    policies: PolicyCache,
    /// `None` until a transaction begins, and after one is undone.
    newest: Option<Newest>,
    swept: Arc<Swept>,
    /// The newest sweep of the open transaction.
    sweep: Option<LeafIndex>,
    damage: watch::Sender<u64>,
    /// The file is new: nobody reads it, and after a crash it does not count.
    making: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn new(
        opened: Opened,
        policies: PolicyCache,
        swept: Arc<Swept>,
        damage: watch::Sender<u64>,
    ) -> Self {
        let Opened { connection, making } = opened;
        Self { connection, policies, newest: None, swept, sweep: None, damage, making }
    }

    /// What is written so far, including the open transaction.
    pub fn view(&self) -> View<'_> {
        View::of(&self.connection, &self.policies, self.newest.as_ref())
    }

    /// Begins a transaction. A file that is still being made has one, until it is finished.
    pub fn begin(&mut self) -> Result<(), IndexError> {
        if self.making && !self.connection.is_autocommit() {
            return Ok(());
        }
        self.run("BEGIN IMMEDIATE")?;
        if self.newest.is_none() {
            self.newest = Some(Newest::read(&self.view())?);
        }
        Ok(())
    }

    /// Keeps everything since `begin`. What is not finished does not count, so there it would only write pages twice.
    pub fn commit(&mut self) -> Result<(), IndexError> {
        if !self.making {
            self.run("COMMIT")?;
        }
        if let Some(sweep) = self.sweep.take() {
            self.swept.set_newest(sweep);
        }
        Ok(())
    }

    /// Undoes everything since `begin`. Not for a file that is still being made, which keeps no journal.
    pub fn roll_back(&mut self) -> Result<(), IndexError> {
        (self.newest, self.sweep) = (None, None);
        self.policies.clear();
        self.run("ROLLBACK")
    }

    /// Makes a new file one that counts from now on; others may read it then.
    pub fn finish(&mut self) -> Result<(), IndexError> {
        if self.making {
            if !self.connection.is_autocommit() {
                self.run("COMMIT")?;
            }
            schema::finish(&self.connection)?;
            self.making = false;
        }
        Ok(())
    }

    /// Applies one effect of an accepted entry.
    pub fn apply(&mut self, effect: &Effect) -> Result<(), IndexError> {
        if let Effect::Sweep { sweep, objects } = effect
            && sweep.phase == SweepPhase::End
        {
            for object in objects.iter() {
                self.swept.note(object.class, &object.namespace, &object.digest);
            }
            self.sweep = Some(sweep.index);
        }
        effects::apply(&self.view(), effect)?;
        if let Effect::Scrub { scrub, .. } = effect
            && scrub.outcome != ScrubOutcome::Good
        {
            self.damage.send_modify(|found| *found += 1);
        }
        match (effect, &mut self.newest) {
            (Effect::Policy(fact), Some(newest)) => newest.policy = Some(fact.clone()),
            (
                Effect::Scrub { .. } | Effect::Extend { .. } | Effect::Delete { .. } | Effect::Sweep { .. },
                Some(newest),
            ) => newest.forget_artifact(),
            _ => {}
        }
        Ok(())
    }

    /// The newest sweep that ended something, including one in the open transaction.
    pub fn newest_sweep(&self) -> LeafIndex {
        self.sweep.unwrap_or_else(|| self.swept.newest())
    }

    /// What comes next is judged after an entry of this time, in a log of this size.
    pub fn note_newest(&mut self, size: TreeSize, time: Timestamp) {
        if let Some(newest) = &mut self.newest {
            (newest.size, newest.time) = (size, Some(time));
        }
    }

    /// Notes that an entry logged a payload. Whether it is the first entry that did is returned.
    pub fn note_payload(&mut self, index: LeafIndex, payload: &Sha256Digest) -> Result<bool, IndexError> {
        let sql = "INSERT OR IGNORE INTO payloads VALUES (?1, ?2)";
        let row = params![payload.as_bytes(), signed(index.get())];
        Ok(self.connection.prepare_cached(sql)?.execute(row)? > 0)
    }

    /// Notes where the bytes of an entry are.
    pub fn note_place(&mut self, index: LeafIndex, place: EntryPlace) -> Result<(), IndexError> {
        let EntryPlace { commit, offset, length } = place;
        let row = [signed(index.get()), signed(commit), signed(offset), signed(length)];
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4)")?
            .execute(row)?;
        Ok(())
    }

    /// Keeps a tile that is full.
    pub fn note_tile(&mut self, tile: TilePath, hashes: &[TreeHash]) -> Result<(), IndexError> {
        let TileKind::Hashes(level) = tile.kind() else { return Ok(()) };
        let bytes =
            encode_hashes(hashes).map_err(|_| IndexError::Damaged("a tile of more than 256 hashes"))?;
        let sql = "INSERT OR REPLACE INTO tiles VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![level.get(), signed(tile.index()), bytes])?;
        Ok(())
    }

    /// Notes an entry that the rule book refused.
    pub fn note_refused(&mut self, index: LeafIndex, reason: &str) -> Result<(), IndexError> {
        let sql = "INSERT OR REPLACE INTO refused VALUES (?1, ?2, 0)";
        self.connection.prepare_cached(sql)?.execute(params![signed(index.get()), reason])?;
        Ok(())
    }

    /// Notes that a person knows of a refused entry; returns whether there was one.
    pub fn acknowledge(&mut self, index: LeafIndex) -> Result<bool, IndexError> {
        let sql = "UPDATE refused SET acknowledged = 1 WHERE idx = ?1";
        Ok(self.connection.prepare_cached(sql)?.execute([signed(index.get())])? > 0)
    }

    /// Says how far the log is followed.
    pub fn set_position(&mut self, position: &Position) -> Result<(), IndexError> {
        let sql = "INSERT OR REPLACE INTO position VALUES (1, ?1, ?2, ?3, ?4, ?5)";
        let Position { commits, hash, size, root, time } = position;
        let row = params![
            signed(*commits),
            hash.as_bytes(),
            signed(size.get()),
            root.as_bytes(),
            signed(time.as_ms())
        ];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<(), IndexError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
