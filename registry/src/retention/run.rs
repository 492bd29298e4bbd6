//! One run: resume, plan, and carry the plan out. Every step is one committed entry and what follows from it, so a run
//! that is cut short anywhere is gone on with by the next, on whichever node.

use holdfast_formats::statement::Artifact;
use holdfast_formats::sweep_list::{self, SweptObject};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::SweepReport;
use holdfast_verify::facts::SweepFact;
use holdfast_verify::refusal::Refusal;

use super::compare::{FOUND, Found};
use super::late::Late;
use super::plan::Plan;
use super::report::Report;
use super::spill::Sorted;
use super::windows::Ending;
use super::{SweepError, Sweeper, pace};
use crate::blobs::Condemning;
use crate::index::Index;
use crate::log::{self, AppendError, OwnError};

/// How many objects one entry names: what the sequencer does with it, while others wait, takes a few milliseconds.
const OBJECTS_PER_ENTRY: usize = 1024;
/// How many objects are deleted in one step on a disk that others wait for, and in one request elsewhere.
const DELETES: usize = 8;
const DELETES_ASKED: usize = 512;
/// How many leftovers are taken out of the plan at a time.
const LEFTOVERS: usize = 512;
/// How often a plan is made anew because something that was to end is kept after all.
const PLANS_MAX: usize = 4;
/// How often one entry is submitted while other nodes publish.
const TRIES_MAX: usize = 50;
/// How many sweeps are read at a time.
const OPEN_SWEEPS: usize = 16;

impl Sweeper {
    /// Runs once; with `dry_run` says what a run would do now, and changes nothing.
    pub async fn sweep(&self, dry_run: bool) -> Result<SweepReport, SweepError> {
        let _turn = self.inner.turn.try_lock().map_err(|_| SweepError::Busy)?;
        if dry_run {
            return self.dry_run().await;
        }
        let swept = self.run().await;
        self.note_end(&swept).await;
        swept
    }

    async fn dry_run(&self) -> Result<SweepReport, SweepError> {
        let open = self.index().scan(|view| view.open_sweeps(usize::MAX)).await?;
        let plan = self.plan().await?;
        Report::planned(&plan, open.len()).finish(true)
    }

    async fn run(&self) -> Result<SweepReport, SweepError> {
        let parts = &self.inner.parts;
        let mut report = Report::new(self.resume().await?);
        parts.store.sweep_staging(parts.grace).await?;
        for _ in 0..PLANS_MAX {
            let mut plan = self.plan().await?;
            report.take_up(&plan);
            if self.carry_out(&mut plan, &mut report).await? {
                let standing = self.standing(self.log_time()).await?;
                self.inner.uptime.note(&standing);
                return report.finish(false);
            }
        }
        Err(SweepError::Changing)
    }

    /// Whether everything was as planned; if not, what did not happen is planned anew.
    async fn carry_out(&self, plan: &mut Plan, report: &mut Report) -> Result<bool, SweepError> {
        self.delete_leftovers(plan, report).await?;
        for some in std::mem::take(&mut plan.windows.announce) {
            let bytes = some.iter().map(|ending| ending.size_bytes).sum();
            let logged = self.inner.parts.log.intend_sweep(artifacts(&some), bytes).await;
            if was_refused(logged)?.is_none() {
                return Ok(false);
            }
            report.announced(&some);
        }
        for (intend, some) in std::mem::take(&mut plan.windows.end) {
            if !self.end(intend, &some).await? {
                return Ok(false);
            }
            report.ended(&some);
        }
        self.sweep_objects(plan, report).await?;
        Ok(true)
    }

    /// Finishes what earlier runs and other nodes left; gives how many sweeps that were.
    async fn resume(&self) -> Result<u64, SweepError> {
        let mut resumed = 0;
        loop {
            let open = self.index().scan(|view| view.open_sweeps(OPEN_SWEEPS)).await?;
            if open.is_empty() {
                return Ok(resumed);
            }
            for sweep in open {
                let objects = self.objects_of(&sweep).await?;
                self.delete(sweep.index, &objects).await?;
                resumed += 1;
            }
        }
    }

    async fn objects_of(&self, sweep: &SweepFact) -> Result<Vec<SweptObject>, SweepError> {
        let Some(list) = sweep.objects else { return Ok(Vec::new()) };
        let list = self.inner.parts.log.attachments().get(&list.sha256).await?;
        sweep_list::parse(&list).map_err(|source| SweepError::List { sweep: sweep.index, source })
    }

    /// Deletes what a committed sweep named, and says so.
    async fn delete(&self, sweep: LeafIndex, objects: &[SweptObject]) -> Result<(), SweepError> {
        let parts = &self.inner.parts;
        self.delete_paced(objects).await?;
        let logged = parts.log.log_swept(sweep).await;
        // Perhaps another node was faster.
        let is_logged = |error: &OwnError| {
            matches!(error, OwnError::Append(AppendError::Refused(Refusal::AlreadyEnded { .. })))
        };
        Ok(logged.map(drop).or_else(|error| if is_logged(&error) { Ok(()) } else { Err(error) })?)
    }

    /// Deletes in small parts and lets others have the disk between any two of them. What was deleted is durable then.
    async fn delete_paced(&self, objects: &[SweptObject]) -> Result<(), SweepError> {
        let parts = &self.inner.parts;
        let step = if parts.store.is_local() { DELETES } else { DELETES_ASKED };
        for some in objects.chunks(step) {
            let deleting = parts.blobs.delete_swept(some);
            pace::resting(deleting).await.map_err(SweepError::Delete)?;
        }
        Ok(pace::resting(parts.store.barrier()).await?)
    }

    /// What an older key of an object has left needs no entry: the sweep that named it is committed.
    async fn delete_leftovers(&self, plan: &mut Plan, report: &mut Report) -> Result<(), SweepError> {
        let mut sorted = plan.leftovers.sorted().await?;
        loop {
            let (some, rest) = self.next_of_plan(plan, sorted, LEFTOVERS).await?;
            sorted = rest;
            if some.is_empty() {
                return Ok(());
            }
            let objects: Vec<SweptObject> = some.into_iter().map(|found| found.object).collect();
            self.delete_paced(&objects).await?;
            report.leftovers(objects.len());
        }
    }

    /// Ends artifacts; whether nothing keeps them after all.
    async fn end(&self, intend: LeafIndex, some: &[Ending]) -> Result<bool, SweepError> {
        let ending = log::Ending {
            artifacts: artifacts(some),
            intends: Some(intend),
            objects: Vec::new(),
            bytes: some.iter().map(|ending| ending.size_bytes).sum(),
        };
        let condemning = self.condemn(&[])?;
        for _ in 0..TRIES_MAX {
            let size = self.inner.parts.log.head().size();
            match self.inner.parts.log.end_sweep(&ending, condemning.check(size)).await {
                Err(OwnError::Append(AppendError::Needed)) => {}
                logged => {
                    let Some(sweep) = was_refused(logged)? else { return Ok(false) };
                    self.delete(sweep, &[]).await?;
                    return Ok(true);
                }
            }
        }
        Err(SweepError::Changing)
    }

    async fn sweep_objects(&self, plan: &mut Plan, report: &mut Report) -> Result<(), SweepError> {
        let mut late = Late::since(plan.from, &plan.namespaces, &plan.scratch);
        let mut sorted = plan.candidates.sorted().await?;
        loop {
            let (some, rest) = self.next_of_plan(plan, sorted, OBJECTS_PER_ENTRY).await?;
            sorted = rest;
            if some.is_empty() {
                return Ok(());
            }
            let swept = pace::resting(self.sweep_some(plan, &mut late, some)).await?;
            if let Some((sweep, some)) = swept {
                let objects: Vec<SweptObject> = some.iter().map(|found| found.object.clone()).collect();
                self.delete(sweep, &objects).await?;
                report.deleted(&some);
            }
        }
    }

    /// Names objects in a sweep; those that somebody came to need are left out. `None` when that is all of them.
    async fn sweep_some(
        &self,
        plan: &Plan,
        late: &mut Late,
        mut some: Vec<Found>,
    ) -> Result<Option<(LeafIndex, Vec<Found>)>, SweepError> {
        let log = &self.inner.parts.log;
        let condemning = self.condemn(&some)?;
        log.publishes_settled().await;
        for _ in 0..TRIES_MAX {
            let size = log.head().size();
            self.read_late(late, size).await?;
            some = late.spare(&plan.scratch, some).await?;
            let rescued = condemning.take_rescued();
            some.retain(|found| !rescued.contains(&found.object));
            some = self.at_their_generation(some).await?;
            if some.is_empty() {
                return Ok(None);
            }
            let ending = log::Ending {
                artifacts: Vec::new(),
                intends: None,
                objects: some.iter().map(|found| found.object.clone()).collect(),
                bytes: some.iter().map(|found| found.size_bytes).sum(),
            };
            match log.end_sweep(&ending, condemning.check(size)).await {
                Err(OwnError::Append(AppendError::Needed)) => {}
                logged => return Ok(Some((logged?, some))),
            }
        }
        Err(SweepError::Changing)
    }

    fn condemn(&self, some: &[Found]) -> Result<Condemning, SweepError> {
        let objects = some.iter().map(|found| found.object.clone()).collect();
        self.inner.parts.blobs.condemn(objects).ok_or(SweepError::Busy)
    }

    /// Another node may have swept some of them since.
    async fn at_their_generation(&self, some: Vec<Found>) -> Result<Vec<Found>, SweepError> {
        let mut still = Vec::with_capacity(some.len());
        for found in some {
            let SweptObject { class, namespace, digest, g } = &found.object;
            if self.index().generation(*class, namespace, digest).await? == *g {
                still.push(found);
            }
        }
        Ok(still)
    }

    async fn next_of_plan(
        &self,
        plan: &Plan,
        mut sorted: Sorted<FOUND>,
        limit: usize,
    ) -> Result<(Vec<Found>, Sorted<FOUND>), SweepError> {
        let (records, sorted) = plan.scratch.run(move || Ok((sorted.some(limit)?, sorted))).await?;
        let found =
            records.iter().map(|record| Found::parse(record, &plan.namespaces)).collect::<Result<_, _>>()?;
        Ok((found, sorted))
    }

    pub(super) fn index(&self) -> &Index {
        self.inner.parts.log.index()
    }
}

fn artifacts(some: &[Ending]) -> Vec<Artifact> {
    some.iter().map(|ending| ending.artifact.clone()).collect()
}

/// `None` when the rule book refuses the entry: what it names changed since the plan.
fn was_refused(logged: Result<LeafIndex, OwnError>) -> Result<Option<LeafIndex>, SweepError> {
    match logged {
        Ok(index) => Ok(Some(index)),
        Err(OwnError::Append(AppendError::Refused(refusal))) if is_of_the_state(&refusal) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether an artifact that was named is kept, or ended, by now.
const fn is_of_the_state(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Kept { .. } | Refusal::ArtifactEnded { .. })
}
