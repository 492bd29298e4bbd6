//! Single artifacts and their bytes. Bytes are read through an artifact that the reader may read.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::DenyEffect;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ArtifactView, EndedBy, ProblemCode};
use holdfast_verify::facts::{ArtifactFact, Facts as _};
use holdfast_verify::retention::ended;

use super::manifests::ReadManifest;
use super::{Failure, Identity, Service};
use crate::blobs::BlobError;

/// How many attestations of one artifact are shown at most.
const ATTESTS_MAX: usize = 64;

/// Which bytes of a blob are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobRange {
    /// All.
    Whole,
    /// From the first to the last one named, as far as there are any.
    Part(RangeInclusive<u64>),
    /// From here to the end.
    From(u64),
    /// The last so many.
    Last(u64),
}

impl BlobRange {
    /// The first byte and the one after the last, in a blob of `size` bytes; `None` when there is nothing in the range.
    fn resolve(&self, size: u64) -> Option<(u64, u64)> {
        let (start, end) = match self {
            Self::Whole => return Some((0, size)),
            Self::Part(range) => (*range.start(), range.end().saturating_add(1).min(size)),
            Self::From(start) => (*start, size),
            Self::Last(count) => (size.saturating_sub(*count), size),
        };
        (start < end).then_some((start, end))
    }
}

/// A stream of checked bytes and where they stand.
pub struct OpenBlob {
    /// The bytes. The first of them are checked already, so that damage there is a failure and no broken stream.
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
    /// The first byte and the one after the last.
    pub range: (u64, u64),
    /// The size of the whole blob.
    pub size: u64,
}

impl Service {
    /// The artifact that a reference names, when the reader may read it.
    pub(super) async fn find(&self, who: &Identity, reference: &Reference) -> Result<ArtifactFact, Failure> {
        let name = match reference {
            Reference::Version(artifact) => artifact.name(),
            Reference::Digest(name, _) => name,
            Reference::Channel(_) => {
                return Err(Failure::new(
                    ProblemCode::Malformed,
                    "ask /v1/channels/{channel}/known-good for what is known-good",
                ));
            }
        };
        self.require_read(who, name)?;
        let reference = reference.clone();
        let found = self
            .log()
            .index()
            .read(move |view| match &reference {
                Reference::Version(artifact) => view.artifact(artifact).map_err(Failure::from),
                Reference::Digest(name, NamedDigest::Blake3(digest)) => {
                    view.readable_by_blake3(name, digest).map_err(Failure::from)
                }
                Reference::Digest(..) | Reference::Channel(_) => Ok(None),
            })
            .await?;
        found.ok_or_else(Failure::not_found)
    }

    /// One artifact with everything that shows it.
    pub async fn artifact(&self, who: &Identity, reference: &Reference) -> Result<ArtifactView, Failure> {
        let fact = self.find(who, reference).await?;
        let digests = fact.artifact.digests;
        let wanted = fact.clone();
        let (denies, attests, holds, ended) = self
            .log()
            .index()
            .read(move |view| {
                let denies = view.denies_of(&digests)?;
                let holds = view.holds(&wanted.artifact.r#ref)?;
                let attests = view.attests_about(&digests, ATTESTS_MAX)?;
                Ok::<_, Failure>((denies, attests, holds, ended(view, &wanted)?))
            })
            .await?;
        let denies: Vec<_> = denies.into_iter().filter(|deny| deny.lifted.is_none()).collect();
        if denies.iter().any(|deny| deny.effect == DenyEffect::Read) {
            return Err(read_denied());
        }
        let manifest = self.inner.manifests.of(&fact).await?;
        let publish = self.receipt(fact.index).await?;
        let scrub = match fact.scrub {
            Some(scrub) => Some(self.receipt(scrub.index).await?),
            None => None,
        };
        let deleted = ended.as_ref().filter(|ended| ended.by == EndedBy::Delete).map(|ended| ended.entry);
        let counts = (denies.len(), holds.len());
        let all = denies.iter().map(|deny| deny.index).chain(holds.iter().map(|hold| hold.index));
        let all: Vec<_> = all.chain(deleted).chain(attests).collect();
        let (mut denies, grants) = self.entries_with_grants(all).await?;
        let mut holds = denies.split_off(counts.0);
        let mut rest = holds.split_off(counts.1);
        let attests = rest.split_off(usize::from(deleted.is_some()));
        let until = fact.own_until();
        Ok(ArtifactView {
            name: fact.artifact.r#ref.name().clone(),
            artifact: fact.artifact,
            publish,
            manifest: Base64Bytes(manifest.bytes.to_vec()),
            scrub,
            denies,
            attests,
            holds,
            until,
            ended,
            deleted: rest.pop(),
            grants,
        })
    }

    /// The artifact that a reference names and its manifest, when the reader may read its bytes now.
    pub(super) async fn open_artifact(
        &self,
        who: &Identity,
        reference: &Reference,
    ) -> Result<(ArtifactFact, Arc<ReadManifest>), Failure> {
        let fact = self.find(who, reference).await?;
        let digests: Digests = fact.artifact.digests;
        let denies =
            self.log().index().read(move |view| view.denies_of(&digests).map_err(Failure::from)).await?;
        if denies.iter().any(|deny| deny.lifted.is_none() && deny.effect == DenyEffect::Read) {
            return Err(read_denied());
        }
        if let Some(ended) = fact.ended {
            return Err(gone(&fact, ended.index));
        }
        let manifest = self.inner.manifests.of(&fact).await?;
        Ok((fact, manifest))
    }

    /// The bytes of one file of an artifact. Nothing is answered that did not hash to its address.
    pub async fn open_blob(
        &self,
        who: &Identity,
        reference: &Reference,
        digest: Blake3Digest,
        range: &BlobRange,
    ) -> Result<OpenBlob, Failure> {
        let (fact, manifest) = self.open_artifact(who, reference).await?;
        let file = manifest.manifest.files.iter().find(|file| file.digests.blake3 == digest);
        let size = file.ok_or_else(Failure::not_found)?.size.get();
        let resolved = range.resolve(size).ok_or_else(|| {
            Failure::new(
                ProblemCode::RangeNotSatisfiable,
                format!("the blob has {size} bytes; ask for a range inside"),
            )
        })?;
        let namespace = fact.artifact.r#ref.name().namespace();
        let mut rest = self.inner.blobs.reader(&namespace, digest, Some(resolved)).await?.into_stream();
        let first = rest.next().await.transpose()?;
        let bytes = stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(OpenBlob { bytes, range: resolved, size })
    }
}

fn gone(fact: &ArtifactFact, by: LeafIndex) -> Failure {
    let reference = &fact.artifact.r#ref;
    let detail = format!(
        "{reference} has ended by entry {by} and its bytes are no longer given; `holdfast show {reference}` says why, and the same bytes may be there under another name"
    );
    Failure::new(ProblemCode::Gone, detail)
}

fn read_denied() -> Failure {
    Failure::new(
        ProblemCode::Denied,
        "a deny with the effect `read` stands on this artifact; `holdfast history` shows who and why",
    )
}
