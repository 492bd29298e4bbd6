//! Which snapshots a reference means.

use holdfast_formats::manifest::Kind;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::KnownGoodQuery;

use crate::artifact::ArtifactRecord;
use crate::error::ClientError;
use crate::session::Registry;
use crate::tree::TreeError;

impl Registry {
    /// The snapshots that a reference means: itself, or those of a channel's known-good answer, each with the name of
    /// its component, or of its line.
    pub async fn snapshots(
        &self,
        reference: &Reference,
    ) -> Result<Vec<(String, ArtifactRecord)>, ClientError> {
        let found = match reference {
            Reference::Channel(channel) => {
                let query = KnownGoodQuery::EVERYTHING;
                let lookup = self.known_good(channel, &query, None).await?;
                let mut found = Vec::new();
                for answered in lookup.answer.get().closure.iter().filter(|a| a.kind == Kind::Snapshot) {
                    let name =
                        answered.component.as_ref().map_or(answered.line.as_str(), |name| name.as_str());
                    found.push((name.to_owned(), self.same_artifact(&answered.artifact).await?));
                }
                found
            }
            other => {
                let record = self.artifact(other).await?;
                vec![(record.artifact().r#ref.name().to_string(), record)]
            }
        };
        if found.is_empty() || found.iter().any(|(_, record)| record.kind() != Kind::Snapshot) {
            return Err(TreeError::NoSnapshot { reference: reference.to_string() }.into());
        }
        Ok(found)
    }
}
