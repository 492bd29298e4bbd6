//! Assembly: turns a choice into the entries and proofs that show it, all against one checkpoint.

use std::sync::Arc;

use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::statement::Artifact;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{ConsistencyProof, HeldArtifact, LineAnswer, PassedOver, ProvenEntry};
use holdfast_verify::known_good::{Choice, ChosenLine, PassedPin};

use super::manifests::ReadManifest;
use super::receipts::attached;
use super::{Failure, Service};
use crate::log::Head;

/// One answer in the making.
pub(super) struct Assembly<'a> {
    service: &'a Service,
    head: Arc<Head>,
}

impl<'a> Assembly<'a> {
    pub(super) fn begin(service: &'a Service, head: Arc<Head>) -> Self {
        Self { service, head }
    }

    /// One entry with its proof against the head's checkpoint.
    async fn entry(&self, index: LeafIndex) -> Result<ProvenEntry, Failure> {
        let log = self.service.log();
        let leaf = log.entries().read(index).await?;
        let (prover, head) = (log.prover().clone(), Arc::clone(&self.head));
        let proof = log
            .index()
            .read(move |view| prover.inclusion(view, &head, index, head.size()).map_err(Failure::from))
            .await?;
        let payload = attached(&leaf);
        Ok(ProvenEntry { index, entry: Base64Bytes(leaf.bytes.to_vec()), proof, payload })
    }

    async fn maybe(&self, index: Option<LeafIndex>) -> Result<Option<ProvenEntry>, Failure> {
        match index {
            Some(index) => self.entry(index).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn entries(
        &mut self,
        indices: impl Iterator<Item = LeafIndex>,
    ) -> Result<Vec<ProvenEntry>, Failure> {
        let mut out = Vec::new();
        for index in indices {
            out.push(self.entry(index).await?);
        }
        Ok(out)
    }

    /// That the log extends what the client saw.
    pub(super) async fn consistency(
        &self,
        seen: Option<TreeSize>,
    ) -> Result<Option<ConsistencyProof>, Failure> {
        let Some(from) = seen.filter(|seen| *seen != self.head.size() && seen.get() > 0) else {
            return Ok(None);
        };
        let log = self.service.log();
        let (prover, head) = (log.prover().clone(), Arc::clone(&self.head));
        let hashes = log
            .index()
            .read(move |view| prover.consistency(view, &head, from, head.size()).map_err(Failure::from))
            .await?;
        Ok(Some(ConsistencyProof { from, hashes }))
    }

    pub(super) async fn lines(&self, choice: &Choice) -> Result<Vec<LineAnswer>, Failure> {
        let mut out = Vec::with_capacity(choice.lines.len());
        for line in &choice.lines {
            out.push(self.line(line).await?);
        }
        Ok(out)
    }

    async fn line(&self, line: &ChosenLine) -> Result<LineAnswer, Failure> {
        let mut passed_over = Vec::with_capacity(line.passed_over.len());
        for passed in &line.passed_over {
            passed_over.push(self.passed(passed).await?);
        }
        Ok(LineAnswer { name: line.name.clone(), pin: self.entry(line.pin.entry.index).await?, passed_over })
    }

    async fn passed(&self, passed: &PassedPin) -> Result<PassedOver, Failure> {
        Ok(PassedOver {
            pin: self.entry(passed.pin.entry.index).await?,
            number: passed.pin.number,
            reason: passed.reason,
            ended_by: self.maybe(passed.ended_by).await?,
        })
    }

    /// Every artifact of the choice, with the manifests that were read for it.
    pub(super) async fn artifacts(
        &self,
        choice: &Choice,
        manifests: &[(Artifact, Arc<ReadManifest>)],
    ) -> Result<Vec<HeldArtifact>, Failure> {
        let mut out = Vec::with_capacity(manifests.len());
        for (fact, (_, manifest)) in choice.artifacts().into_iter().zip(manifests) {
            out.push(HeldArtifact {
                artifact: fact.artifact.clone(),
                publish: self.entry(fact.index).await?,
                scrub: self.maybe(fact.scrub.map(|scrub| scrub.index)).await?,
                manifest: Base64Bytes(manifest.bytes.to_vec()),
            });
        }
        Ok(out)
    }
}
