//! Artifacts as the log proves them: who published what, and the manifest that belongs to it.

use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Kind, Manifest};
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Artifact, Attest, Delete, Deny, Hold, Predicate, Publish};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{
    ArtifactList, ArtifactView, Ended, EndedBy, KnownGoodQuery, ListQuery, LoggedEntry, Receipt,
};
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::verified::Verified;

use crate::entries::HistoryEntry;
use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry, SMALL_ANSWER_MAX};
use crate::transport::query_string;

/// One artifact, its publication proven and its manifest checked against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRecord {
    artifact: Artifact,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    publish: Verified<LoggedStatement>,
    receipt: Receipt,
    scrub: Option<Verified<LoggedStatement>>,
    denies: Vec<(LeafIndex, Deny)>,
    attests: Vec<(LeafIndex, Attest)>,
    holds: Vec<(LeafIndex, Hold)>,
    until: Option<Timestamp>,
    ended: Option<Ended>,
    deleted: Option<Delete>,
}

impl ArtifactRecord {
    /// Name, version and digests.
    pub const fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest, byte for byte.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// Its `publish` entry.
    pub const fn publish(&self) -> &Verified<LoggedStatement> {
        &self.publish
    }

    /// What proves that.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// When it was published.
    pub const fn published_at(&self) -> Timestamp {
        self.publish.get().time()
    }

    /// What it is.
    pub const fn kind(&self) -> Kind {
        self.manifest.kind()
    }

    /// The newest scrub that covers it, as far as the registry shows one.
    pub const fn scrub(&self) -> Option<&Verified<LoggedStatement>> {
        self.scrub.as_ref()
    }

    /// The denies of it that the registry tells of. Each is signed; that there are no others is not proven here.
    pub fn denies(&self) -> &[(LeafIndex, Deny)] {
        &self.denies
    }

    /// The attestations about it that the registry tells of, signed like the denies.
    pub fn attests(&self) -> &[(LeafIndex, Attest)] {
        &self.attests
    }

    /// The holds of it that stand, as far as the registry tells of them, signed like the denies.
    pub fn holds(&self) -> &[(LeafIndex, Hold)] {
        &self.holds
    }

    /// The date that its own window gives it, as the registry says; an audit compares it.
    pub const fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// How it ended, as the registry says; an audit compares it.
    pub const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// The statement that deleted it, signed like the denies.
    pub const fn deleted(&self) -> Option<&Delete> {
        self.deleted.as_ref()
    }
}

impl Registry {
    /// One page of the artifacts that the caller may read. Unverified: an overview for people.
    pub async fn list(&self, query: &ListQuery) -> Result<ArtifactList, ClientError> {
        let path = format!("/v1/artifacts{}", query_string(query)?);
        let list: ArtifactList = self.transport().get(&path, "list of artifacts", SMALL_ANSWER_MAX).await?;
        let goes_on = match (&list.next, &query.after) {
            (Some(next), Some(after)) => next > after,
            _ => true,
        };
        let fits = query.limit.is_none_or(|limit| list.artifacts.len() as u64 <= u64::from(limit));
        if goes_on && fits {
            return Ok(list);
        }
        Err(ClientError::malformed("list of artifacts", "it is longer than asked for, or goes back"))
    }

    /// The artifact that a reference means.
    pub async fn resolve(&self, reference: &Reference) -> Result<Artifact, ClientError> {
        Ok(self.artifact(reference).await?.artifact)
    }

    /// An artifact with everything that proves it.
    pub async fn artifact(&self, reference: &Reference) -> Result<ArtifactRecord, ClientError> {
        let wanted = match reference {
            Reference::Channel(channel) => {
                let artifact = self.known_artifact(channel).await?;
                return self.same_artifact(&artifact).await;
            }
            other => other,
        };
        self.artifact_at(wanted, None).await
    }

    /// The record of an artifact whose digests are known.
    pub(crate) async fn same_artifact(&self, artifact: &Artifact) -> Result<ArtifactRecord, ClientError> {
        self.artifact_at(&Reference::Version(artifact.r#ref.clone()), Some(artifact.digests)).await
    }

    pub(crate) async fn known_artifact(
        &self,
        channel: &holdfast_formats::name::ChannelName,
    ) -> Result<Artifact, ClientError> {
        let query = KnownGoodQuery::EVERYTHING;
        let lookup = self.known_good(channel, &query, None).await?;
        match lookup.answer.get().lines.as_slice() {
            [line] => Ok(line.artifact.clone()),
            lines => {
                let lines = lines.iter().map(|line| line.name.clone()).collect();
                Err(ClientError::SeveralLines { channel: channel.clone(), lines })
            }
        }
    }

    async fn artifact_at(
        &self,
        reference: &Reference,
        digests: Option<Digests>,
    ) -> Result<ArtifactRecord, ClientError> {
        let view: ArtifactView =
            self.transport().get(&format!("/v1/artifacts/{reference}"), "artifact", LARGE_ANSWER_MAX).await?;
        let publish = self.check_receipt("receipt of the artifact", &view.publish).await?;
        let Predicate::Publish(said) = &publish.get().statement().predicate else {
            return Err(ClientError::untrue("receipt of the artifact", "it is no publish statement"));
        };
        let artifact = artifact_of(said);
        if !is_meant(reference, digests, &artifact) || artifact != view.artifact {
            return Err(ClientError::OtherArtifact {
                reference: reference.to_string(),
                found: artifact.digests.blake3,
            });
        }
        let manifest = check_manifest(&view.manifest.0, said)?;
        let scrub = match &view.scrub {
            Some(receipt) => Some(self.check_scrub(receipt, &artifact).await?),
            None => None,
        };
        let denies = self.read_entries(&view.denies, &view.grants, |p| match p {
            Predicate::Deny(deny) if deny.digests == artifact.digests => Some(*deny),
            _ => None,
        });
        let denies = denies.await?;
        let attests = self.read_entries(&view.attests, &view.grants, |p| match p {
            Predicate::Attest(attest) if attest.subjects.iter().any(|s| s.digests == artifact.digests) => {
                Some(*attest)
            }
            _ => None,
        });
        let attests = attests.await?;
        let holds = self.read_entries(&view.holds, &view.grants, |p| match p {
            Predicate::Hold(hold) if hold.artifact == artifact => Some(*hold),
            _ => None,
        });
        let holds = holds.await?;
        let deleted = Box::pin(self.read_deleted(&view, &artifact)).await?;
        Ok(ArtifactRecord {
            artifact,
            manifest,
            manifest_bytes: view.manifest.0,
            publish,
            receipt: view.publish,
            scrub,
            denies,
            attests,
            holds,
            until: view.until,
            ended: view.ended,
            deleted,
        })
    }

    /// The statement by which it ended, when it was deleted.
    async fn read_deleted(
        &self,
        view: &ArtifactView,
        artifact: &Artifact,
    ) -> Result<Option<Delete>, ClientError> {
        let shown = view.deleted.as_slice();
        let mut found = self
            .read_entries(shown, &view.grants, |p| match p {
                Predicate::Delete(delete) if delete.artifact == *artifact => Some(*delete),
                _ => None,
            })
            .await?;
        let said = view.ended.as_ref().filter(|ended| ended.by == EndedBy::Delete).map(|ended| ended.entry);
        if said == found.first().map(|(index, _)| *index) {
            return Ok(found.pop().map(|(_, delete)| delete));
        }
        Err(ClientError::untrue("artifact's record", "how it ended is not what is shown for it"))
    }

    async fn check_scrub(
        &self,
        receipt: &Receipt,
        artifact: &Artifact,
    ) -> Result<Verified<LoggedStatement>, ClientError> {
        let verified = self.check_receipt("receipt of the scrub", receipt).await?;
        match &verified.get().statement().predicate {
            Predicate::Scrub(scrub) if scrub.artifacts.contains(artifact) => Ok(verified),
            _ => Err(ClientError::untrue("receipt of the scrub", "it is not about this artifact")),
        }
    }

    async fn read_entries<T>(
        &self,
        entries: &[LoggedEntry],
        grants: &[LoggedEntry],
        own: impl Fn(Predicate) -> Option<T>,
    ) -> Result<Vec<(LeafIndex, T)>, ClientError> {
        let read = self.check_entries(entries, grants).await?;
        let own = |entry: HistoryEntry| match own(entry.statement.predicate) {
            Some(own) => Ok((entry.index, own)),
            None => Err(ClientError::untrue(
                "artifact's record",
                format!("entry {} is shown with it and not about it", entry.index),
            )),
        };
        read.into_iter().map(own).collect()
    }
}

fn artifact_of(publish: &Publish) -> Artifact {
    let r#ref = holdfast_formats::reference::ArtifactRef::new(publish.name.clone(), publish.version.clone());
    Artifact { r#ref, digests: publish.manifest.digests }
}

/// Whether an artifact is what a reference names, and has these digests when they are known.
pub(crate) fn is_meant(reference: &Reference, digests: Option<Digests>, found: &Artifact) -> bool {
    let named = match reference {
        Reference::Version(wanted) => *wanted == found.r#ref,
        Reference::Digest(name, digest) => name == found.r#ref.name() && digest.is_one_of(&found.digests),
        Reference::Channel(_) => false,
    };
    named && digests.is_none_or(|digests| digests == found.digests)
}

/// The manifest must be the very bytes that were published.
fn check_manifest(bytes: &[u8], publish: &Publish) -> Result<Manifest, ClientError> {
    let found = Digests::of(bytes);
    if found != publish.manifest.digests {
        let (wanted, found) = (publish.manifest.digests.blake3, found.blake3);
        return Err(ClientError::Digest { path: "manifest".to_owned(), wanted, found });
    }
    let manifest = Manifest::parse(bytes).map_err(|e| ClientError::malformed("manifest", e))?;
    if manifest.kind() != publish.kind {
        return Err(ClientError::untrue(
            "manifest",
            format!("it is of kind {}, but {} was published", manifest.kind(), publish.kind),
        ));
    }
    Ok(manifest)
}
