//! Statements to log: as short as the rule book allows, signed with one key.

use holdfast_client::new_id;
use holdfast_formats::digest::{Digests, Sha256Digest};
use holdfast_formats::envelope::{CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::STATEMENT_LIFE_MS_MAX;
use holdfast_formats::manifest::{Body, File, Kind, MANIFEST_MEDIA_TYPE, Manifest};
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::ByteSize;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{
    Artifact, Deny, DenyEffect, DenyScope, Deploy, DeployPhase, Direction, Header, ManifestDescriptor,
    Predicate, Publish,
};
use holdfast_formats::time::Timestamp;
use holdfast_registry::log::{AtSlot, Prepared};
use holdfast_verify::subject::statement;

/// Who signs, for which log, and when.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) log: Origin,
    pub(crate) key: SigningKey,
    pub(crate) now: Timestamp,
}

impl Author {
    /// A signed statement that is ready for the queue.
    pub(crate) fn sign(&self, predicate: impl Into<Predicate>) -> anyhow::Result<Prepared> {
        let header = Header {
            log: self.log.clone(),
            id: new_id(),
            issued_at: self.now,
            not_after: self.now.plus_ms(STATEMENT_LIFE_MS_MAX),
            context: None,
            annotations: None,
        };
        let statement = statement(header, predicate);
        let payload = statement.to_payload()?;
        let sig = self.key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
        Ok(Prepared {
            payload_sha256: Sha256Digest::of(&payload),
            statement,
            payload,
            signatures: vec![CanonicalSignature { keyid: self.key.public().id(), sig }],
            manifest: None,
            attached: None,
            at_slot: AtSlot::Nothing,
        })
    }

    /// The publication of one version with a small file of its own.
    pub(crate) fn publish(&self, name: &ArtifactName, n: u64) -> anyhow::Result<Prepared> {
        let content = format!("{name}@{n}");
        let file = File {
            path: "file".parse()?,
            size: ByteSize::of(content.as_bytes()),
            digests: Digests::of(content.as_bytes()),
            mode: None,
            media_type: None,
            stored: None,
        };
        self.publish_manifest(name, n, Kind::Build, Manifest::of_files(vec![file], Body::None(Kind::Build)))
    }

    /// The publication of one version that has this manifest.
    pub(crate) fn publish_manifest(
        &self,
        name: &ArtifactName,
        n: u64,
        kind: Kind,
        manifest: Manifest,
    ) -> anyhow::Result<Prepared> {
        let bytes = manifest.to_bytes()?;
        let publish = Publish {
            name: name.clone(),
            version: n.to_string().parse()?,
            kind,
            manifest: ManifestDescriptor {
                media_type: MANIFEST_MEDIA_TYPE.parse()?,
                size: ByteSize::of(&bytes),
                digests: Digests::of(&bytes),
                oci: None,
            },
            components: None,
            size_bytes: ByteSize::new(manifest.size_bytes())?,
            keep: None,
            build: None,
            supersedes: None,
            via_grant: None,
        };
        Ok(Prepared { manifest: Some((bytes, manifest)), ..self.sign(publish)? })
    }

    /// A deployment that went well.
    pub(crate) fn deploy(
        &self,
        channel: &ChannelName,
        artifact: &Artifact,
        n: u64,
    ) -> anyhow::Result<Prepared> {
        self.sign(Deploy {
            channel: channel.clone(),
            deploy_id: format!("bench-{n}").parse()?,
            attempt: 1,
            phase: DeployPhase::Succeeded,
            direction: Direction::Forward,
            artifact: artifact.clone(),
            replaces: None,
            pin: None,
            slot: None,
            cohort: None,
            steps: None,
            observed: None,
            started: self.now,
            ended: Some(self.now),
        })
    }
}

/// A deny of content that nobody has.
pub(crate) fn deny(name: &ArtifactName, content: &str) -> anyhow::Result<Deny> {
    Ok(Deny {
        name: name.clone(),
        digests: Digests::of(content.as_bytes()),
        effect: DenyEffect::Lookup,
        scope: DenyScope::Namespace,
        channel: None,
        reason: "measured while others push".parse()?,
    })
}
