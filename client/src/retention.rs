//! Until when an artifact stays, as the registry says. An audit compares it with what follows from the log.

use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::RetentionView;

use crate::artifact::is_meant;
use crate::error::ClientError;
use crate::session::{Registry, SMALL_ANSWER_MAX};

impl Registry {
    /// Until when an artifact stays, and why. Of what is in the answer only the name is certain: a statement that is signed
    /// about another digest than the published one is refused by every rule book.
    pub async fn retention(&self, reference: &Reference) -> Result<RetentionView, ClientError> {
        let (reference, digests) = match reference {
            Reference::Channel(channel) => {
                let artifact = self.known_artifact(channel).await?;
                (Reference::Version(artifact.r#ref), Some(artifact.digests))
            }
            other => (other.clone(), None),
        };
        let path = format!("/v1/artifacts/{reference}/retention");
        let view: RetentionView = self.transport().get(&path, "retention", SMALL_ANSWER_MAX).await?;
        if is_meant(&reference, digests, &view.artifact) {
            return Ok(view);
        }
        let found = view.artifact.digests.blake3;
        Err(ClientError::OtherArtifact { reference: reference.to_string(), found })
    }
}
