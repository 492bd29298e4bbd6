//! What a run would do: made without changing anything, printed by a dry run, carried out by any other.

use holdfast_formats::name::Namespace;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;

use super::compare::{FOUND, Totals};
use super::spill::{Scratch, Spill};
use super::windows::Windows;
use super::{SCRATCH_FOLDER, SweepError, Sweeper};

/// A plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// The size of the log when it was begun: later publishes are in no part of it.
    pub(super) from: TreeSize,
    /// The log time by which windows are judged.
    pub(super) now: Timestamp,
    /// What will end, and what ends.
    pub(super) windows: Windows,
    /// The namespaces that have content.
    pub(super) namespaces: Vec<Namespace>,
    /// Objects that nothing refers to.
    pub(super) candidates: Spill<FOUND>,
    /// Objects under older keys than their newest.
    pub(super) leftovers: Spill<FOUND>,
    /// Sums.
    pub(super) totals: Totals,
    /// Where its files are.
    pub(super) scratch: Scratch,
}

impl Plan {
    /// Takes up the sums of one class of a namespace.
    pub(super) const fn count(&mut self, more: &Totals) {
        let sum = &mut self.totals;
        sum.stored_bytes += more.stored_bytes;
        sum.young_bytes += more.young_bytes;
        sum.objects += more.objects;
        sum.bytes += more.bytes;
        sum.leftovers += more.leftovers;
    }
}

impl Sweeper {
    /// Plans a run on the newest state of the log.
    pub(super) async fn plan(&self) -> Result<Plan, SweepError> {
        let parts = &self.inner.parts;
        let scratch = Scratch::new(&parts.folder.join(SCRATCH_FOLDER), &parts.blocking).await?;
        let head = parts.log.head();
        let now = self.log_time();
        let windows = self.windows(now).await?;
        let ending = windows.ending();
        let namespaces = parts.store.namespaces().await?;
        let mut plan = Plan {
            from: head.size(),
            now,
            windows,
            namespaces: namespaces.clone(),
            candidates: Spill::new(&scratch),
            leftovers: Spill::new(&scratch),
            totals: Totals::default(),
            scratch: scratch.clone(),
        };
        for (at, namespace) in (0..).zip(&namespaces) {
            let live = self.mark(&scratch, namespace, &ending).await?;
            self.compare(&scratch, &mut plan, (at, namespace), live).await?;
        }
        Ok(plan)
    }

    /// The time that an entry would have now.
    pub(super) fn log_time(&self) -> Timestamp {
        let clock = Timestamp::from_ms(self.inner.parts.clock.now_ms());
        self.inner.parts.log.head().time().map_or(clock, |newest| newest.max(clock))
    }
}
