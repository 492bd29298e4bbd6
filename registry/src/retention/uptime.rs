//! How long this node has run, summed over its starts, and since when it knows of each intention to end something.
//!
//! A store fact: it depends on no wall clock, so a wrong clock alone ends nothing. Kept in a file beside the index and
//! written about once a minute; a crash forgets what came after. A file that is missing or odd says nothing: then every
//! intention is as good as new, and its 24 hours begin again.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use holdfast_formats::limits::SWEEP_NOTICE_MS_MIN;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::SweepFact;
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;

/// The uptime of a node.
#[derive(Debug)]
pub(super) struct Uptime {
    file: PathBuf,
    clock: SharedClock,
    /// What the clock's uptime was when `kept` was read.
    began_ms: u64,
    /// What earlier processes came to, and what they knew.
    kept: Mutex<Kept>,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    total_ms: u64,
    seen: BTreeMap<LeafIndex, Seen>,
}

/// An intention, and the uptime at which this node first knew of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    logged: Timestamp,
    at_ms: u64,
}

impl Uptime {
    /// Goes on from what the file says; from nothing when it says nothing that can be.
    pub(super) fn open(file: PathBuf, clock: SharedClock) -> Self {
        let kept = match read(&file) {
            Ok(kept) => kept,
            Err(reason) => {
                tracing::warn!(file = %file.display(), reason, "the uptime of this node is counted anew");
                Kept::default()
            }
        };
        Self { file, began_ms: clock.up_ms(), clock, kept: Mutex::new(kept) }
    }

    /// Notes that these intentions stand, and forgets all others.
    pub(super) fn note(&self, standing: &[SweepFact]) {
        let at_ms = self.total_ms();
        let mut kept = self.lock();
        let before = std::mem::take(&mut kept.seen);
        for intend in standing {
            let known = before.get(&intend.index).filter(|seen| seen.logged == intend.time);
            let seen = known.copied().unwrap_or(Seen { logged: intend.time, at_ms });
            kept.seen.insert(intend.index, seen);
        }
    }

    /// Whether this node has run for 24 hours since it knew of an intention.
    pub(super) fn has_passed_since(&self, intend: &SweepFact) -> bool {
        let total_ms = self.total_ms();
        let seen = self.lock().seen.get(&intend.index).copied().filter(|seen| seen.logged == intend.time);
        seen.is_some_and(|seen| total_ms.saturating_sub(seen.at_ms) >= SWEEP_NOTICE_MS_MIN)
    }

    /// Writes it down. Blocks.
    pub(super) fn save(&self) -> std::io::Result<()> {
        let kept = Kept { total_ms: self.total_ms(), seen: self.lock().seen.clone() };
        write_whole(&self.file, &serde_json::to_vec(&kept)?)
    }

    fn total_ms(&self) -> u64 {
        let since_ms = self.clock.up_ms().saturating_sub(self.began_ms);
        self.lock().total_ms.saturating_add(since_ms)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> Result<Kept, &'static str> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::default()),
        Err(_) => return Err("its file cannot be read"),
    };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| "its file is damaged")?;
    let is_odd = kept.seen.values().any(|seen| seen.at_ms > kept.total_ms);
    if is_odd { Err("its file says what cannot be") } else { Ok(kept) }
}

/// Puts a file in the place of the one before, never half of it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_formats::statement::SweepPhase;

    use super::*;
    use crate::clock::ManualClock;

    const HOUR_MS: u64 = 60 * 60 * 1000;

    fn intend(index: u64) -> SweepFact {
        SweepFact {
            index: LeafIndex::new(index).expect("a small number"),
            phase: SweepPhase::Intend,
            artifacts: Vec::new(),
            objects: None,
            time: Timestamp::from_ms(index),
            swept: None,
        }
    }

    #[test]
    fn a_day_of_running_counts_over_restarts_and_a_clock_that_jumps_does_not() {
        let home = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::new(1);
        let open = || Uptime::open(home.path().join("uptime.json"), Arc::clone(&clock) as SharedClock);
        let uptime = open();
        uptime.note(&[intend(7)]);
        clock.jump(10 * 365 * 24 * HOUR_MS);
        assert!(!uptime.has_passed_since(&intend(7)));
        clock.advance(20 * HOUR_MS);
        uptime.save().expect("it is written");
        clock.advance(3 * HOUR_MS);
        let uptime = open();
        assert!(!uptime.has_passed_since(&intend(7)), "a crash forgot the last three hours");
        clock.advance(4 * HOUR_MS);
        uptime.note(&[intend(7), intend(8)]);
        assert!(uptime.has_passed_since(&intend(7)));
        assert!(!uptime.has_passed_since(&intend(8)), "it is new");
        let another = SweepFact { time: Timestamp::from_ms(9), ..intend(7) };
        assert!(!uptime.has_passed_since(&another), "another log has another entry there");
    }

    #[test]
    fn a_file_that_is_missing_or_odd_begins_every_day_again() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("uptime.json");
        let clock = ManualClock::new(1);
        let long_ago =
            r#"{"total_ms":900000000,"seen":{"7":{"logged":"1970-01-01T00:00:00.007Z","at_ms":0}}}"#;
        std::fs::write(&file, long_ago).expect("it is written");
        let open = || Uptime::open(file.clone(), Arc::clone(&clock) as SharedClock);
        assert!(open().has_passed_since(&intend(7)), "this file counts");
        for odd in
            ["", "{}", &long_ago.replace("\"at_ms\":0", "\"at_ms\":900000001"), &long_ago.replace("900", "x")]
        {
            std::fs::write(&file, odd).expect("it is written");
            let uptime = open();
            uptime.note(&[intend(7)]);
            assert!(!uptime.has_passed_since(&intend(7)), "{odd}");
        }
    }
}
