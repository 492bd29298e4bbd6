//! Reading back what is stored, and logging how it was.

use holdfast_formats::id::RandomId;
use holdfast_formats::number::ByteSize;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, BadObject, Header, Scrub, ScrubOutcome};
use holdfast_formats::time::Timestamp;
use holdfast_verify::facts::{ArtifactFact, Facts as _};
use holdfast_verify::subject::statement;

use super::submission::own;
use super::{Failure, Service};
use crate::randomness::random_array;

/// How many artifacts one statement names at most, so that it stays a small leaf.
const ARTIFACTS_PER_STATEMENT: usize = 64;
/// How many bad objects one statement names at most; the first ones are enough to act on.
const BAD_PER_STATEMENT: usize = 32;
/// How long the registry's own statements may be submitted.
const LIFE_MS: u64 = 10 * 60 * 1000;

/// What reading back one artifact came to.
struct Finding {
    artifact: Artifact,
    outcome: ScrubOutcome,
    bytes: u64,
    bad: Vec<BadObject>,
}

impl Service {
    /// Reads back every file of these artifacts, trees of snapshots included, and logs what was found, whatever it was.
    pub(super) async fn scrub(&self, artifacts: &[ArtifactRef]) -> Result<(), Failure> {
        let started = self.now();
        let mut findings = Vec::with_capacity(artifacts.len());
        for reference in artifacts {
            let wanted = reference.clone();
            let found =
                self.log().index().read(move |view| view.artifact(&wanted).map_err(Failure::from)).await?;
            findings.push(self.read_back(&found.ok_or_else(Failure::not_found)?).await?);
        }
        for outcome in [ScrubOutcome::Good, ScrubOutcome::Bad, ScrubOutcome::Missing] {
            let alike: Vec<&Finding> = findings.iter().filter(|f| f.outcome == outcome).collect();
            for some in alike.chunks(ARTIFACTS_PER_STATEMENT) {
                self.log_scrub(some, outcome, started).await?;
            }
        }
        Ok(())
    }

    async fn read_back(&self, fact: &ArtifactFact) -> Result<Finding, Failure> {
        let namespace = fact.artifact.r#ref.name().namespace();
        let manifest = self.inner.manifests.of(fact).await?;
        let mut finding = Finding {
            artifact: fact.artifact.clone(),
            outcome: ScrubOutcome::Good,
            bytes: 0,
            bad: Vec::new(),
        };
        let (blobs, is_tree) = (&self.inner.blobs, manifest.manifest.catalog().is_some());
        for file in &manifest.manifest.files {
            let size = file.size.get();
            let found = if is_tree {
                blobs.scrub_tree(&namespace, &file.digests, size).await?
            } else {
                blobs.scrub(&namespace, &file.digests, size).await?
            };
            finding.bytes = finding.bytes.saturating_add(found.bytes);
            finding.outcome = worse(finding.outcome, found.outcome);
            finding.bad.extend(found.bad);
        }
        Ok(finding)
    }

    async fn log_scrub(
        &self,
        some: &[&Finding],
        outcome: ScrubOutcome,
        started: Timestamp,
    ) -> Result<(), Failure> {
        let head = self.log().head();
        let now = self.now();
        let bad: Vec<BadObject> =
            some.iter().flat_map(|f| f.bad.iter().cloned()).take(BAD_PER_STATEMENT).collect();
        let bytes = some.iter().fold(0, |sum: u64, f| sum.saturating_add(f.bytes));
        let scrub = Scrub {
            artifacts: some.iter().map(|f| f.artifact.clone()).collect(),
            outcome,
            bytes: ByteSize::new(bytes).map_err(Failure::internal)?,
            started,
            ended: now,
            bad: if bad.is_empty() { None } else { Some(bad) },
        };
        let header = Header {
            log: self.log().keys().origin.clone(),
            id: RandomId::from_bytes(random_array()),
            issued_at: now,
            not_after: now.plus_ms(LIFE_MS),
            context: None,
            annotations: None,
        };
        self.log().append(own(statement(header, scrub), &head.keys().registry)?).await?;
        Ok(())
    }
}

/// Something missing is worse than something bad, and that than nothing wrong.
fn worse(a: ScrubOutcome, b: ScrubOutcome) -> ScrubOutcome {
    a.max(b)
}
