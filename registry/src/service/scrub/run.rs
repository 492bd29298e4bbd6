//! One run over many artifacts, those first that were not read back for longest.
//!
//! What is logged is its progress: an artifact that was read stands behind all others then, so whatever cuts a run short, the
//! next one goes on where it was. What was published while it runs is left to the next one.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use holdfast_formats::limits::QUIET_LOG_MS_MAX;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_verify::facts::{ArtifactFact, Facts as _};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::super::{Failure, Service};
use super::Finding;
use super::order::{Choice, Order, was_sound};
use super::quarantine::Quarantine;
use super::worker::Job;
use crate::blobs::{Manner, Round};
use crate::index::DuePlace;

/// How many artifacts are looked up at a time.
const PAGE: usize = 64;
/// How many artifacts that were found good wait at most for others of the same name, to share an entry.
const GATHERED_MAX: usize = 256;
/// How long what was found good waits for more, to share an entry.
const GATHER_MAX: Duration = Duration::from_mins(1);
/// A run that looks again at what was bad says so once in so long, as long as nothing changes.
const SAY_AGAIN_MS: u64 = 24 * 3600 * 1000;

const TIME_OVER: &str = "its time was over";

struct Run<'a> {
    service: &'a Service,
    order: Order,
    quarantine: &'a mut Quarantine,
    jobs: &'a mut Receiver<Job>,
    round: Arc<Round>,
    /// The size of the log when it began.
    begun: TreeSize,
    ends_at: Option<Instant>,
    left: u64,
    good: Vec<(Finding, ArtifactFact)>,
    /// When the first of them began to be read.
    gathering: Option<(Timestamp, Instant)>,
}

impl Service {
    /// Does one run, which was noted already.
    pub(super) async fn run(&self, order: Order, quarantine: &mut Quarantine, jobs: &mut Receiver<Job>) {
        tracing::info!(?order, "reading back what is stored");
        quarantine.forget_passed();
        let stopped = match Run::begin(self, order, quarantine, jobs).await {
            Ok(run) => run.finish().await,
            Err(failure) => Err(failure),
        };
        let stopped = match stopped {
            Ok(stopped) => stopped.map(str::to_owned),
            Err(error) => {
                tracing::error!(%error, "reading back what is stored ended early");
                Some(error.to_string())
            }
        };
        if let Some(ended) = self.inner.scrubbing.end(self.now(), stopped) {
            let (artifacts, bad, bytes) = (ended.artifacts, ended.bad, ended.bytes);
            tracing::info!(artifacts, bad, bytes, "read back what is stored");
        }
        self.measure_scrubs().await;
    }
}

impl<'a> Run<'a> {
    async fn begin(
        service: &'a Service,
        order: Order,
        quarantine: &'a mut Quarantine,
        jobs: &'a mut Receiver<Job>,
    ) -> Result<Self, Failure> {
        let begun = service.log().head().size();
        let left = match order.choice {
            Choice::Percent(_) => {
                let namespace = order.namespace.clone();
                let count = move |view: &crate::index::View<'_>| {
                    Ok::<_, Failure>(view.live_artifacts(namespace.as_ref())?)
                };
                order.choice.share_of(service.log().index().scan(count).await?)
            }
            choice => choice.share_of(0),
        };
        let rate: Option<NonZeroU64> = order.bytes_per_s;
        let round = service.inner.blobs.begin_round(rate);
        let ends_at = order.ends_after.and_then(|after| Instant::now().checked_add(after));
        let (good, gathering) = (Vec::new(), None);
        Ok(Self { service, order, quarantine, jobs, round, begun, ends_at, left, good, gathering })
    }

    /// Whatever ends it, what was read is logged, and what needs a bad object is found. Says why it ended early.
    async fn finish(mut self) -> Result<Option<&'static str>, Failure> {
        self.check_quiet()?;
        let ended = self.all().await;
        let logged = self.log_good().await;
        let passed = self.pass().await;
        let ended = ended?;
        logged.and(passed).map(|()| ended)
    }

    /// A registry must not be the first to write to a log that was quiet for long, so reading would be in vain.
    fn check_quiet(&self) -> Result<(), Failure> {
        let head = self.service.log().head();
        let is_quiet = head.time().is_some_and(|time| self.service.now().ms_since(time) > QUIET_LOG_MS_MAX);
        let detail = "nobody wrote to the log for a week, and somebody must before the registry may: log anything, then scrub";
        if is_quiet { Err(Failure::new(ProblemCode::Conflict, detail)) } else { Ok(()) }
    }

    async fn all(&mut self) -> Result<Option<&'static str>, Failure> {
        if matches!(self.order.choice, Choice::Due(_))
            && let Some(stopped) = self.unsound().await?
        {
            return Ok(Some(stopped));
        }
        let mut place = DuePlace::FIRST;
        loop {
            let (namespace, after) = (self.order.namespace.clone(), place);
            let page = move |view: &crate::index::View<'_>| {
                Ok::<_, Failure>(view.due_for_scrub(namespace.as_ref(), after, PAGE)?)
            };
            let page = self.service.log().index().scan(page).await?;
            if page.is_empty() {
                return Ok(None);
            }
            for fact in page {
                place = DuePlace::of(&fact);
                if !self.is_wanted(&fact) {
                    if fact.scrub.is_some() {
                        return Ok(None);
                    }
                    // All behind it were published later still; those that had a scrub may be due.
                    place = DuePlace::SCRUBBED;
                    break;
                }
                if let Some(stopped) = self.take(&fact).await? {
                    return Ok(stopped.why());
                }
            }
        }
    }

    /// What was bad is looked at first: perhaps somebody put it again.
    async fn unsound(&mut self) -> Result<Option<&'static str>, Failure> {
        let mut after = None;
        loop {
            let page =
                move |view: &crate::index::View<'_>| Ok::<_, Failure>(view.unsound_after(after, PAGE)?);
            let page = self.service.log().index().scan(page).await?;
            let Some(last) = page.last() else { return Ok(None) };
            after = Some(last.index);
            for fact in page {
                if let Some(stopped) = self.take(&fact).await? {
                    return Ok(stopped.why());
                }
            }
        }
    }

    /// Whether it comes in this run: it is old enough, was there when the run began, and was not read since.
    fn is_wanted(&self, fact: &ArtifactFact) -> bool {
        let is_older = |index| self.begun.contains(index);
        is_older(fact.index)
            && fact.scrub.is_none_or(|scrub| is_older(scrub.index))
            && self.order.choice.takes(fact, self.service.now())
    }

    /// Reads back one artifact, unless the run is over.
    async fn take(&mut self, fact: &ArtifactFact) -> Result<Option<Stop>, Failure> {
        if self.left == 0 {
            return Ok(Some(Stop::Through));
        }
        if self.ends_at.is_some_and(|at| at <= Instant::now()) {
            return Ok(Some(Stop::TimeOver));
        }
        if let Some(fact) = self.as_it_is(fact).await? {
            self.left -= 1;
            self.one(&fact).await?;
        }
        self.between().await.map(|()| None)
    }

    /// An artifact as it is now, unless it ended or somebody read it since the run began: perhaps as one that a bad object
    /// touches.
    async fn as_it_is(&self, fact: &ArtifactFact) -> Result<Option<ArtifactFact>, Failure> {
        let wanted = fact.artifact.r#ref.clone();
        let look = move |view: &crate::index::View<'_>| view.artifact(&wanted).map_err(Failure::from);
        let now = self.service.log().index().read(look).await?;
        let begun = self.begun;
        Ok(now.filter(|now| now.ended.is_none() && now.scrub.is_none_or(|scrub| begun.contains(scrub.index))))
    }

    async fn one(&mut self, fact: &ArtifactFact) -> Result<(), Failure> {
        let round = Arc::clone(&self.round);
        let manner = if was_sound(fact) { Manner::Again(round) } else { Manner::Whole(round) };
        self.gathering.get_or_insert_with(|| (self.service.now(), Instant::now()));
        let finding = match self.service.read_back(fact, &manner).await {
            Ok(finding) => finding,
            Err(failure) if is_of_artifact(&failure) => {
                let artifact = &fact.artifact.r#ref;
                tracing::error!(%artifact, error = %failure, "an artifact could not be read back, and nothing is said about it");
                self.service.inner.scrubbing.count(|run| run.unread += 1);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let is_good = finding.outcome == ScrubOutcome::Good;
        self.service.inner.scrubbing.count(|run| {
            run.artifacts += 1;
            run.bad += u64::from(!is_good);
            run.bytes = run.bytes.saturating_add(finding.bytes);
        });
        if is_good {
            self.good.push((finding, fact.clone()));
            return Ok(());
        }
        // Nothing that was read before may be logged behind it.
        self.log_good().await?;
        let namespace = fact.artifact.r#ref.name().namespace();
        self.quarantine.add(&namespace, &finding.bad_objects());
        if self.is_news(fact, &finding) { self.service.log_bad(&[finding]).await } else { Ok(()) }
    }

    /// Whether what was found of something bad is worth an entry.
    fn is_news(&self, fact: &ArtifactFact, found: &Finding) -> bool {
        let said = fact.scrub.filter(|scrub| scrub.outcome == found.outcome);
        let is_looking = matches!(self.order.choice, Choice::Due(_));
        let is_fresh = |time| self.service.now().ms_since(time) < SAY_AGAIN_MS;
        !(is_looking && said.is_some_and(|scrub| is_fresh(scrub.time)))
    }

    /// What is done between two artifacts.
    async fn between(&mut self) -> Result<(), Failure> {
        let is_old = self.gathering.is_some_and(|(_, since)| since.elapsed() >= GATHER_MAX);
        if self.good.len() >= GATHERED_MAX || is_old {
            self.log_good().await?;
        }
        while let Ok(job) = self.jobs.try_recv() {
            // No run is taken while one goes on.
            if let Job::Touched(namespace, bad) = job {
                self.quarantine.add(&namespace, &bad);
            }
        }
        if self.quarantine.is_due() { self.pass().await } else { Ok(()) }
    }

    async fn log_good(&mut self) -> Result<(), Failure> {
        let good = std::mem::take(&mut self.good);
        match self.gathering.take() {
            Some((started, _)) if !good.is_empty() => self.service.log_good(good, started).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn pass(&mut self) -> Result<(), Failure> {
        let touched = self.service.pass(self.quarantine).await?;
        self.service.inner.scrubbing.count(|run| run.touched = run.touched.saturating_add(touched));
        Ok(())
    }
}

/// Why a run takes no more.
enum Stop {
    Through,
    TimeOver,
}

impl Stop {
    const fn why(self) -> Option<&'static str> {
        match self {
            Self::Through => None,
            Self::TimeOver => Some(TIME_OVER),
        }
    }
}

/// Whether a failure says something about one artifact, and nothing about the next.
fn is_of_artifact(failure: &Failure) -> bool {
    use ProblemCode::{DigestMismatch, Malformed, NotFound, TooLarge};
    matches!(failure.code(), DigestMismatch | Malformed | NotFound | TooLarge)
}
