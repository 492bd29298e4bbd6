//! Everything that an artifact is made of, from facts. One level deep: a release lists artifacts, never releases.

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;

use crate::denial::component_artifact;
use crate::facts::{ArtifactFact, Facts, FactsError};

/// Facts that cannot follow from any log.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is pinned, deployed or a component, yet was never published so; the index does not fit the log: rebuild it"
)]
struct NeverPublished(ArtifactRef);

/// The artifact that something refers to by name, version and digests.
pub(super) fn find(facts: &dyn Facts, artifact: &Artifact) -> Result<ArtifactFact, FactsError> {
    match facts.artifact(&artifact.r#ref)? {
        Some(fact) if fact.artifact.digests == artifact.digests => Ok(fact),
        _ => Err(FactsError(Box::new(NeverPublished(artifact.r#ref.clone())))),
    }
}

/// All held components of an artifact, in its manifest's order.
pub(super) fn components(facts: &dyn Facts, whole: &ArtifactFact) -> Result<Vec<ArtifactFact>, FactsError> {
    whole.components.iter().map(|component| find(facts, &component_artifact(component))).collect()
}
