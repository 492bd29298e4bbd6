//! The artifacts of an answer: manifests that hash to their digests, publications that name them, and scrubs that read
//! every byte back.

use std::collections::BTreeMap;

use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{MANIFEST_MEDIA_TYPE, Manifest};
use holdfast_formats::number::ByteSize;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, ComponentRef, Publish, Scrub, ScrubOutcome};
use holdfast_formats::wire::v1::HeldArtifact;

use super::error::AnswerError;
use super::evidence::{Proofs, Said};
use crate::denial::component_artifact;
use crate::reach::Ask;

/// One artifact of an answer, as far as it is believed by itself.
pub(super) struct Held {
    pub(super) artifact: Artifact,
    pub(super) publish: Said<Publish>,
    pub(super) manifest: Manifest,
    pub(super) manifest_bytes: Vec<u8>,
    scrub: Option<Said<Scrub>>,
}

/// All artifacts of an answer, by reference.
pub(super) struct HeldArtifacts<'a> {
    proofs: Proofs<'a>,
    by_ref: BTreeMap<ArtifactRef, Held>,
}

impl<'a> HeldArtifacts<'a> {
    /// Reads and checks every artifact of an answer.
    pub(super) fn read(proofs: Proofs<'a>, sent: &[HeldArtifact]) -> Result<Self, AnswerError> {
        let mut by_ref = BTreeMap::new();
        for held in sent {
            let read = read(proofs, held)?;
            if by_ref.insert(held.artifact.r#ref.clone(), read).is_some() {
                return Err(wrong(&held.artifact, "it is sent twice"));
            }
        }
        Ok(Self { proofs, by_ref })
    }

    /// The artifact of exactly this name, version and digests, when it was sent.
    pub(super) fn find(&self, artifact: &Artifact) -> Option<&Held> {
        self.by_ref.get(&artifact.r#ref).filter(|held| held.artifact == *artifact)
    }

    /// An artifact that the answer must contain.
    pub(super) fn get(&self, artifact: &Artifact) -> Result<&Held, AnswerError> {
        self.find(artifact)
            .ok_or_else(|| wrong(artifact, "the answer does not contain it with these digests"))
    }

    /// An artifact that may be answered: published by somebody still trusted, and read back since.
    pub(super) fn answerable(&self, artifact: &Artifact) -> Result<(&Held, &Said<Scrub>), AnswerError> {
        let held = self.get(artifact)?;
        if !self.counts(held) {
            return Err(wrong(artifact, "who published it is no longer trusted"));
        }
        let Some(scrub) = &held.scrub else {
            return Err(wrong(artifact, "no scrub shows that its bytes are there"));
        };
        if scrub.what.outcome != ScrubOutcome::Good {
            return Err(wrong(artifact, "its scrub found something bad or missing"));
        }
        if !scrub.what.artifacts.contains(artifact) {
            return Err(wrong(artifact, "the scrub sent for it does not cover it"));
        }
        if scrub.logged.index() <= held.publish.logged.index() {
            return Err(wrong(artifact, "the scrub sent for it is older than its publication"));
        }
        Ok((held, scrub))
    }

    /// Whether the publication still counts under the newest policy.
    pub(super) fn counts(&self, held: &Held) -> bool {
        self.proofs.still_counts(&Ask::publishers(&held.publish.what.name), &held.publish.logged)
    }
}

impl Held {
    /// Its held components, in the manifest's order.
    pub(super) fn components(&self) -> impl Iterator<Item = Artifact> {
        self.publish.what.components.iter().flatten().map(component_artifact)
    }
}

fn read(proofs: Proofs<'_>, held: &HeldArtifact) -> Result<Held, AnswerError> {
    let artifact = &held.artifact;
    let name = &artifact.r#ref;
    let publish: Said<Publish> = proofs.said(&format!("the publication of {name}"), &held.publish)?;
    let scrub =
        held.scrub.as_ref().map(|entry| proofs.said(&format!("the scrub of {name}"), entry)).transpose()?;
    let said = &publish.what;
    if ArtifactRef::new(said.name.clone(), said.version.clone()) != *name {
        return Err(wrong(artifact, "its publication is of another name or version"));
    }
    if said.manifest.digests != artifact.digests {
        return Err(wrong(artifact, "its publication names another manifest"));
    }
    let bytes = &held.manifest.0;
    if Digests::of(bytes) != artifact.digests || ByteSize::of(bytes) != said.manifest.size {
        return Err(wrong(artifact, "the manifest sent for it does not hash to its digests"));
    }
    if said.manifest.media_type.as_str() != MANIFEST_MEDIA_TYPE {
        return Err(wrong(artifact, "its manifest is of a type that this version does not read"));
    }
    let manifest = Manifest::parse(bytes).map_err(|_| wrong(artifact, "its manifest is malformed"))?;
    check_manifest(artifact, said, &manifest)?;
    Ok(Held { artifact: artifact.clone(), manifest, manifest_bytes: bytes.clone(), scrub, publish })
}

/// The publication repeats what the manifest says: kind and held components.
fn check_manifest(artifact: &Artifact, said: &Publish, manifest: &Manifest) -> Result<(), AnswerError> {
    if manifest.kind() != said.kind {
        return Err(wrong(artifact, "its manifest is of another kind than its publication says"));
    }
    let components = manifest.release().map_or(&[][..], |release| &release.components);
    let held: Vec<_> = components.iter().filter_map(|c| c.held().map(|reference| (c, reference))).collect();
    let repeated: &[ComponentRef] = said.components.as_deref().unwrap_or_default();
    let same = held.len() == repeated.len()
        && held.iter().zip(repeated).all(|((c, reference), r)| *reference == r.r#ref && c.is(&r.digests));
    if same {
        Ok(())
    } else {
        Err(wrong(artifact, "its publication names other components than its manifest"))
    }
}

pub(super) fn wrong(artifact: &Artifact, rule: &'static str) -> AnswerError {
    AnswerError::Artifact { artifact: artifact.r#ref.clone(), rule }
}
