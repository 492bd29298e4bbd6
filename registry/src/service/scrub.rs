//! Reading back what is stored, and logging how it was: for a pin that needs it, and as a standing job.
//!
//! | file | owns |
//! |---|---|
//! | `order` | which artifacts a run takes |
//! | `run` | one run, from its first artifact to its last |
//! | `quarantine` | what else needs an object that was found bad |
//! | `worker` | the one task that does this, and when |
//! | `progress` | what is shown of it |

mod order;
mod progress;
mod quarantine;
mod run;
mod worker;

pub(super) use progress::Scrubbing;
pub use worker::ScrubWorker;

use std::collections::HashSet;

use holdfast_formats::number::ByteSize;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, BadObject, Scrub, ScrubOutcome};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_verify::facts::{ArtifactFact, Facts as _};

use super::{Failure, Service};
use crate::blobs::{BadObjects, Manner, ScrubFinding};
use crate::log::AtSlot;
use worker::Job;

/// How many artifacts one statement names at most, so that it stays a small leaf.
const ARTIFACTS_PER_STATEMENT: usize = 64;
/// How many bad objects one statement names at most; the first ones are enough to act on.
const BAD_PER_STATEMENT: usize = 32;

/// What reading back one artifact came to.
#[derive(Debug)]
struct Finding {
    artifact: Artifact,
    outcome: ScrubOutcome,
    bytes: u64,
    bad: Vec<BadObject>,
}

impl Finding {
    /// Nothing was found yet.
    fn good(fact: &ArtifactFact) -> Self {
        let artifact = fact.artifact.clone();
        Self { artifact, outcome: ScrubOutcome::Good, bytes: 0, bad: Vec::new() }
    }

    /// Takes up what was found of one of its files. Something missing is worse than something bad, and that than nothing
    /// wrong.
    fn take(&mut self, found: ScrubFinding) {
        self.bytes = self.bytes.saturating_add(found.bytes);
        self.outcome = self.outcome.max(found.outcome);
        self.bad.extend(found.bad);
    }

    fn bad_objects(&self) -> BadObjects {
        let mut objects = BadObjects::default();
        for bad in &self.bad {
            objects.add(bad);
        }
        objects
    }
}

impl Service {
    /// Reads back every file of these artifacts, trees of snapshots included, and logs what was found, whatever it was.
    /// What else needs an object that is bad is found later.
    pub(super) async fn scrub(&self, artifacts: &[ArtifactRef]) -> Result<(), Failure> {
        let started = self.now();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for reference in artifacts {
            let wanted = reference.clone();
            let found =
                self.log().index().read(move |view| view.artifact(&wanted).map_err(Failure::from)).await?;
            let fact = found.ok_or_else(Failure::not_found)?;
            let finding = self.read_back(&fact, &Manner::Alone).await?;
            if finding.outcome == ScrubOutcome::Good {
                good.push((finding, fact));
            } else {
                bad.push(finding);
            }
        }
        self.log_good(good, started).await?;
        self.log_bad(&bad).await?;
        for finding in &bad {
            let touched = Job::Touched(finding.artifact.r#ref.name().namespace(), finding.bad_objects());
            if !self.inner.scrubbing.hand(touched) {
                let artifact = &finding.artifact.r#ref;
                tracing::warn!(%artifact, "what else needs its bad objects is found out by its next scrub");
            }
        }
        Ok(())
    }

    /// Reads back one artifact. One whose manifest is damaged is bad.
    async fn read_back(&self, fact: &ArtifactFact, manner: &Manner) -> Result<Finding, Failure> {
        let namespace = fact.artifact.r#ref.name().namespace();
        let mut finding = Finding::good(fact);
        let manifest = match self.inner.manifests.of(fact).await {
            Ok(manifest) => manifest,
            Err(failure) if failure.code() == ProblemCode::Corrupt => {
                tracing::error!(artifact = %fact.artifact.r#ref, error = %failure, "a manifest is damaged");
                finding.outcome = ScrubOutcome::Bad;
                return Ok(finding);
            }
            Err(failure) => return Err(failure),
        };
        let (blobs, is_tree) = (&self.inner.blobs, manifest.manifest.catalog().is_some());
        for file in &manifest.manifest.files {
            let size = file.size.get();
            let found = if is_tree {
                blobs.scrub_tree(&namespace, &file.digests, size, manner).await?
            } else {
                blobs.scrub(&namespace, &file.digests, size, manner).await?
            };
            self.metrics().scrubs.read(found.bytes, found.bad.len());
            finding.take(found);
        }
        Ok(finding)
    }

    /// Logs what was found good, but for what somebody logged anew since it was looked up: that may be news.
    async fn log_good(&self, good: Vec<(Finding, ArtifactFact)>, started: Timestamp) -> Result<(), Failure> {
        let _logging = self.inner.scrubbing.logging.lock().await;
        let same = |view: &crate::index::View<'_>| {
            let mut same = Vec::new();
            for (finding, before) in good {
                let now = view.artifact(&before.artifact.r#ref)?;
                if now.is_some_and(|now| now.scrub == before.scrub && now.ended.is_none()) {
                    same.push(finding);
                }
            }
            Ok::<_, Failure>(same)
        };
        let same = self.log().index().read(same).await?;
        self.log_by_name(&same, ScrubOutcome::Good, started).await
    }

    async fn log_bad(&self, bad: &[Finding]) -> Result<(), Failure> {
        let _logging = self.inner.scrubbing.logging.lock().await;
        let started = self.now();
        for finding in bad {
            let (artifact, outcome) = (&finding.artifact.r#ref, finding.outcome.as_str());
            tracing::error!(%artifact, outcome, objects = finding.bad.len(), "what is stored of an artifact is damaged: push it again, or restore the store");
        }
        for outcome in [ScrubOutcome::Bad, ScrubOutcome::Missing] {
            self.log_by_name(bad, outcome, started).await?;
        }
        Ok(())
    }

    /// Logs what was found so of some artifacts. Whoever may read one version of a name may read all of them and perhaps
    /// nothing else, so no entry names two.
    async fn log_by_name(
        &self,
        findings: &[Finding],
        outcome: ScrubOutcome,
        started: Timestamp,
    ) -> Result<(), Failure> {
        let mut alike: Vec<&Finding> = findings.iter().filter(|finding| finding.outcome == outcome).collect();
        alike.sort_by(|a, b| a.artifact.r#ref.name().cmp(b.artifact.r#ref.name()));
        for versions in alike.chunk_by(|a, b| a.artifact.r#ref.name() == b.artifact.r#ref.name()) {
            for some in versions.chunks(ARTIFACTS_PER_STATEMENT) {
                self.log_scrub(some, outcome, started).await?;
            }
        }
        Ok(())
    }

    async fn log_scrub(
        &self,
        some: &[&Finding],
        outcome: ScrubOutcome,
        started: Timestamp,
    ) -> Result<(), Failure> {
        let now = self.now().max(started);
        let mut named = HashSet::new();
        let bad = some.iter().flat_map(|f| &f.bad).filter(|bad| named.insert((bad.class, bad.digest)));
        let bad: Vec<BadObject> = bad.take(BAD_PER_STATEMENT).cloned().collect();
        let bytes = some.iter().fold(0, |sum: u64, f| sum.saturating_add(f.bytes));
        let scrub = Scrub {
            artifacts: some.iter().map(|f| f.artifact.clone()).collect(),
            outcome,
            bytes: ByteSize::new(bytes).map_err(Failure::internal)?,
            started,
            ended: now,
            bad: if bad.is_empty() { None } else { Some(bad) },
        };
        self.log().append_own(scrub.into(), None, AtSlot::Nothing).await?;
        Ok(())
    }

    /// Measures how scrubbing does.
    async fn measure_scrubs(&self) {
        if let Ok(soundness) = self.log().index().scan(|view| view.soundness().map_err(Failure::from)).await {
            let oldest = soundness.oldest.map(|fact| fact.scrub.map(|scrub| scrub.time));
            self.metrics().scrubs.stand(soundness.unsound, oldest.flatten());
        }
    }
}
