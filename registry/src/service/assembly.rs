//! Assembly: turns a choice into the entries and proofs that show it, all against one checkpoint.

use std::sync::Arc;

use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::statement::Artifact;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{
    ConsistencyProof, HeldArtifact, LineAnswer, LoggedEntry, PassedOver, ProvenEntry, ShownGrant,
};
use holdfast_verify::facts::GrantFact;
use holdfast_verify::known_good::{Choice, ChosenLine, PassedPin};

use super::granted::{SeenKeys, logged};
use super::manifests::ReadManifest;
use super::{Failure, Service};
use crate::log::Head;

/// One answer in the making.
pub(super) struct Assembly<'a> {
    service: &'a Service,
    head: Arc<Head>,
    /// Who signed what was assembled so far.
    keys: SeenKeys,
}

impl<'a> Assembly<'a> {
    pub(super) fn begin(service: &'a Service, head: Arc<Head>) -> Self {
        Self { service, head, keys: SeenKeys::none() }
    }

    /// The grants by whose keys something was signed that was assembled so far, each with what revoked it.
    pub(super) async fn grants(mut self) -> Result<Vec<ShownGrant>, Failure> {
        let keys = std::mem::replace(&mut self.keys, SeenKeys::none());
        let facts = self.service.grants_of(keys).await?;
        self.shown(facts).await
    }

    /// Grants, each with what revoked it.
    pub(super) async fn shown(mut self, facts: Vec<Arc<GrantFact>>) -> Result<Vec<ShownGrant>, Failure> {
        let mut shown = Vec::with_capacity(facts.len());
        let size = self.head.size();
        // What came after this state of the log is no part of it.
        for fact in facts.into_iter().filter(|f| size.contains(f.index)) {
            let grant = self.entry(fact.index).await?;
            let revoke = self.maybe(fact.revoked.filter(|by| size.contains(*by))).await?;
            shown.push(ShownGrant { grant, revoke });
        }
        Ok(shown)
    }

    /// One entry with its proof against the head's checkpoint.
    async fn entry(&mut self, index: LeafIndex) -> Result<ProvenEntry, Failure> {
        let (leaf, proof) = self.service.proven(&self.head, index).await?;
        self.keys.note(&leaf);
        let LoggedEntry { index, entry, payload } = logged(&leaf);
        Ok(ProvenEntry { index, entry, proof, payload })
    }

    async fn maybe(&mut self, index: Option<LeafIndex>) -> Result<Option<ProvenEntry>, Failure> {
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

    pub(super) async fn lines(&mut self, choice: &Choice) -> Result<Vec<LineAnswer>, Failure> {
        let mut out = Vec::with_capacity(choice.lines.len());
        for line in &choice.lines {
            out.push(self.line(line).await?);
        }
        Ok(out)
    }

    async fn line(&mut self, line: &ChosenLine) -> Result<LineAnswer, Failure> {
        let mut passed_over = Vec::with_capacity(line.passed_over.len());
        for passed in &line.passed_over {
            passed_over.push(self.passed(passed).await?);
        }
        Ok(LineAnswer { name: line.name.clone(), pin: self.entry(line.pin.entry.index).await?, passed_over })
    }

    async fn passed(&mut self, passed: &PassedPin) -> Result<PassedOver, Failure> {
        Ok(PassedOver {
            pin: self.entry(passed.pin.entry.index).await?,
            number: passed.pin.number,
            reason: passed.reason,
            ended_by: self.maybe(passed.ended_by).await?,
        })
    }

    /// Every artifact of the choice, with the manifests that were read for it.
    pub(super) async fn artifacts(
        &mut self,
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
