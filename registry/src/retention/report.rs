//! What a run says that it did, and a dry run that it would do: the same sums from the same plan.

use holdfast_formats::number::{ByteSize, Count, NumberTooLarge};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{SweepReport, SweptArtifact};

use super::SweepError;
use super::compare::{Found, Totals};
use super::plan::Plan;
use super::windows::Ending;
use crate::index::IndexError;

/// A report that grows.
#[derive(Debug)]
pub(super) struct Report {
    time: Timestamp,
    resumed: u64,
    announced: Vec<SweptArtifact>,
    waiting: u64,
    ended: Vec<SweptArtifact>,
    objects: u64,
    bytes: u64,
    leftovers: u64,
    stored: Totals,
}

impl Report {
    /// Nothing yet, but what earlier runs had left.
    pub(super) fn new(resumed: u64) -> Self {
        Self {
            time: Timestamp::from_ms(0),
            resumed,
            announced: Vec::new(),
            waiting: 0,
            ended: Vec::new(),
            objects: 0,
            bytes: 0,
            leftovers: 0,
            stored: Totals::default(),
        }
    }

    /// Everything that a plan would come to.
    pub(super) fn planned(plan: &Plan, open: usize) -> Self {
        let mut report = Self::new(open as u64);
        report.take_up(plan);
        report.announced = plan.windows.announce.iter().flatten().map(shown).collect();
        report.ended = plan.windows.end.iter().flat_map(|(_, some)| some).map(shown).collect();
        (report.objects, report.bytes) = (plan.totals.objects, plan.totals.bytes);
        report.leftovers = plan.totals.leftovers;
        report
    }

    /// Takes up what a plan found and changes nothing.
    pub(super) const fn take_up(&mut self, plan: &Plan) {
        (self.time, self.waiting, self.stored) = (plan.now, plan.windows.waiting, plan.totals);
    }

    pub(super) fn announced(&mut self, some: &[Ending]) {
        self.announced.extend(some.iter().map(shown));
    }

    pub(super) fn ended(&mut self, some: &[Ending]) {
        self.ended.extend(some.iter().map(shown));
    }

    pub(super) fn leftovers(&mut self, some: usize) {
        self.leftovers += some as u64;
    }

    pub(super) fn deleted(&mut self, some: &[Found]) {
        self.objects += some.len() as u64;
        self.bytes += some.iter().map(|found| found.size_bytes).sum::<u64>();
    }

    pub(super) fn finish(self, dry_run: bool) -> Result<SweepReport, SweepError> {
        let odd = |_: NumberTooLarge| IndexError::Damaged("a sum above 2^53");
        let count = |number| Count::new(number).map_err(odd);
        let bytes = |number| ByteSize::new(number).map_err(odd);
        Ok(SweepReport {
            dry_run,
            time: self.time,
            resumed: count(self.resumed)?,
            announced: self.announced,
            waiting: count(self.waiting)?,
            ended: self.ended,
            objects: count(self.objects)?,
            bytes: bytes(self.bytes)?,
            leftovers: count(self.leftovers)?,
            stored_bytes: bytes(self.stored.stored_bytes)?,
            young_bytes: bytes(self.stored.young_bytes)?,
        })
    }
}

fn shown(ending: &Ending) -> SweptArtifact {
    SweptArtifact { artifact: ending.artifact.clone(), why: ending.why.clone() }
}
