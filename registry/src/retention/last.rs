//! How the last run of this node ended: kept in a file, shown in status, counted in metrics.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_formats::number::ByteSize;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{LastSweep, SweepReport};

use super::uptime::write_whole;
use super::{SweepError, Sweeper};

/// The last run, if there was one.
#[derive(Debug)]
pub(super) struct Last {
    file: PathBuf,
    known: Mutex<Option<LastSweep>>,
}

impl Last {
    /// What the file says; a file that says nothing is one before the first run.
    pub(super) fn open(file: PathBuf) -> Self {
        let known = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { file, known: Mutex::new(known) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<LastSweep>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sweeper {
    /// How the last run of this node ended.
    pub fn last(&self) -> Option<LastSweep> {
        self.inner.last.lock().clone()
    }

    /// Notes how a run ended. That it cannot be written down keeps nobody from anything.
    pub(super) async fn note_end(&self, swept: &Result<SweepReport, SweepError>) {
        let parts = &self.inner.parts;
        let time = Timestamp::from_ms(parts.clock.now_ms());
        let last = match swept {
            Ok(report) => {
                parts.metrics.sweeps.done(time, report.objects.get(), report.bytes.get());
                parts.metrics.sweeps.found(report.stored_bytes.get(), report.young_bytes.get());
                done(time, report)
            }
            Err(error) => {
                parts.metrics.sweeps.failed();
                let before = self.last();
                let stored_bytes = before.as_ref().and_then(|last| last.stored_bytes);
                let reclaimable_bytes = before.as_ref().and_then(|last| last.reclaimable_bytes);
                let failed = Some(error.to_string());
                LastSweep { time, failed, stored_bytes, reclaimable_bytes, deleted_bytes: None }
            }
        };
        let (inner, bytes) = (self.inner.clone(), serde_json::to_vec(&last));
        *self.inner.last.lock() = Some(last);
        let written = parts.blocking.run(move || {
            inner.uptime.save()?;
            write_whole(&inner.last.file, &bytes?)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "how a sweep ended could not be written down");
        }
    }
}

fn done(time: Timestamp, report: &SweepReport) -> LastSweep {
    let left = report.stored_bytes.get().saturating_sub(report.bytes.get());
    LastSweep {
        time,
        failed: None,
        stored_bytes: ByteSize::new(left).ok(),
        reclaimable_bytes: Some(report.young_bytes),
        deleted_bytes: Some(report.bytes),
    }
}
