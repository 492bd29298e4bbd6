//! What needs an object that was found bad is bad, too: all of it is found and logged, so that no lookup answers it.
//!
//! One pass goes over the live artifacts of a namespace, some at a time, and looks for the objects in their manifests, records
//! and lists of chunks; no content is read. Passes take at most half of a run's time: what is found bad meanwhile waits for
//! the next one, and for none longer than the run.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::{ObjectClass, ScrubOutcome};
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_verify::facts::ArtifactFact;
use tokio::time::Instant;

use super::super::snapshots::catalog_of;
use super::super::{Failure, Service};
use super::order::is_unsound;
use super::{ARTIFACTS_PER_STATEMENT, Finding};
use crate::blobs::BadObjects;

/// How many artifacts are looked at between two looks into the index.
const PAGE: usize = 256;
/// How many objects wait for one pass; with more of them it begins at once.
const WAITING_MAX: usize = 1024;
/// How many objects are remembered, so that none is looked for again by every run that finds it bad.
const PASSED_MAX: usize = 16_384;

/// Objects that were found bad and that nobody looked for yet, and those that somebody did.
#[derive(Debug)]
pub(super) struct Quarantine {
    waiting: BTreeMap<Namespace, BadObjects>,
    passed: HashSet<(Namespace, ObjectClass, NamedDigest)>,
    took: Duration,
    ended: Option<Instant>,
}

impl Quarantine {
    pub(super) fn new() -> Self {
        Self { waiting: BTreeMap::new(), passed: HashSet::new(), took: Duration::ZERO, ended: None }
    }

    /// Takes up objects, but for those that were looked for before.
    pub(super) fn add(&mut self, namespace: &Namespace, bad: &BadObjects) {
        let waiting = self.waiting.entry(namespace.clone()).or_default();
        for object in bad.iter() {
            if !self.passed.contains(&(namespace.clone(), object.class, object.digest)) {
                waiting.add(object);
            }
        }
        self.waiting.retain(|_, bad| !bad.is_empty());
    }

    /// Whether a pass should begin now.
    pub(super) fn is_due(&self) -> bool {
        let rested = self.ended.is_none_or(|ended| ended.elapsed() >= self.took);
        !self.waiting.is_empty() && (rested || self.waiting.values().any(|bad| bad.len() >= WAITING_MAX))
    }

    /// What is found bad from now on is looked for anew: it may have been put again in between.
    pub(super) fn forget_passed(&mut self) {
        self.passed.clear();
    }

    fn take(&mut self) -> Option<(Namespace, BadObjects)> {
        let (namespace, bad) = self.waiting.pop_first()?;
        if self.passed.len() >= PASSED_MAX {
            self.passed.clear();
        }
        self.passed.extend(bad.iter().map(|object| (namespace.clone(), object.class, object.digest)));
        Some((namespace, bad))
    }
}

impl Service {
    /// Finds and logs everything that needs what waits; gives how many artifacts that were.
    pub(super) async fn pass(&self, quarantine: &mut Quarantine) -> Result<u64, Failure> {
        let began = Instant::now();
        let mut touched = 0_u64;
        while let Some((namespace, bad)) = quarantine.take() {
            match self.touch(&namespace, &bad).await {
                Ok((count, more)) => {
                    touched = touched.saturating_add(count);
                    quarantine.add(&namespace, &more);
                }
                Err(failure) => {
                    // Its next scrub finds it bad again, and then it is looked for again.
                    quarantine.forget_passed();
                    return Err(failure);
                }
            }
        }
        (quarantine.took, quarantine.ended) = (began.elapsed(), Some(Instant::now()));
        Ok(touched)
    }

    /// [`Self::pass`] where nobody waits for it.
    pub(super) async fn pass_quietly(&self, quarantine: &mut Quarantine) {
        match self.pass(quarantine).await {
            Ok(artifacts) => tracing::warn!(artifacts, "artifacts need an object that was found bad"),
            Err(error) => {
                tracing::error!(%error, "what needs an object that was found bad could not be found out; its next scrub tries again");
            }
        }
    }

    /// One pass over a namespace. Gives how many artifacts it logged, and what could not be read on the way.
    async fn touch(&self, namespace: &Namespace, bad: &BadObjects) -> Result<(u64, BadObjects), Failure> {
        let (mut touched, mut more, mut after) = (0_u64, BadObjects::default(), None);
        let mut found = Vec::new();
        loop {
            let of = namespace.clone();
            let page =
                move |view: &crate::index::View<'_>| Ok::<_, Failure>(view.live_after(&of, after, PAGE)?);
            let page = self.log().index().scan(page).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.index);
            for fact in page.iter().filter(|fact| !is_unsound(fact)) {
                let finding = self.touched(fact, namespace, bad).await?;
                if finding.outcome == ScrubOutcome::Good {
                    continue;
                }
                touched = touched.saturating_add(1);
                finding.bad.iter().filter(|object| !bad.has(object)).for_each(|object| {
                    more.add(object);
                });
                found.push(finding);
                if found.len() >= ARTIFACTS_PER_STATEMENT {
                    self.log_bad(&std::mem::take(&mut found)).await?;
                }
            }
        }
        self.log_bad(&found).await?;
        Ok((touched, more))
    }

    /// Which of some bad objects an artifact needs. One whose manifest cannot be read is found by its own scrub.
    async fn touched(
        &self,
        fact: &ArtifactFact,
        namespace: &Namespace,
        bad: &BadObjects,
    ) -> Result<Finding, Failure> {
        let mut finding = Finding::good(fact);
        let read = match self.inner.manifests.of(fact).await {
            Ok(read) => read,
            Err(failure) if failure.code() == ProblemCode::Corrupt => return Ok(finding),
            Err(failure) => return Err(failure),
        };
        let catalog = catalog_of(&read.manifest);
        for file in &read.manifest.files {
            let touched =
                self.inner.blobs.touched_by(namespace, &file.digests, catalog.as_ref(), bad).await?;
            finding.take(touched);
        }
        Ok(finding)
    }
}
