//! `publish`: this name@version is this manifest, of this kind, with this window.

use super::predicate::predicate;
use crate::digest::Digests;
use crate::manifest::Kind;
use crate::name::ArtifactName;
use crate::number::ByteSize;
use crate::reference::ArtifactRef;
use crate::strict::{record, word};
use crate::text::Label;
use crate::time::Timestamp;
use crate::tree::LeafIndex;
use crate::version::Version;

predicate! {
    /// This name@version is this manifest.
    pub struct Publish as PublishPredicate {
        /// The artifact's name.
        req name: ArtifactName,
        /// The version, never given to anything else.
        req version: Version,
        /// What the artifact is.
        req kind: Kind,
        /// The manifest, an attachment of the entry.
        req manifest: ManifestDescriptor,
        /// Every held component of a release, in the manifest's order.
        opt components: Vec<ComponentRef>,
        /// The bytes of all files together.
        req size_bytes: ByteSize,
        /// How long it must be kept.
        opt keep: Keep,
        /// How it was built.
        opt build: Build,
        /// The version that this one takes the place of.
        opt supersedes: Version,
        /// The grant that pushed, when the registry signs for a plain OCI client.
        opt via_grant: LeafIndex,
    }
}

record! {
    /// The manifest by type, size and digests.
    pub struct ManifestDescriptor {
        /// Its media type.
        req media_type: Label,
        /// Its size.
        req size: ByteSize,
        /// Its digests: the artifact's own digests.
        req digests: Digests,
        /// Set when the manifest is an OCI manifest.
        opt oci: OciDescriptor,
    }
}

record! {
    /// What OCI clients see of the manifest.
    pub struct OciDescriptor {
        /// The OCI artifact type.
        opt artifact_type: Label,
        /// The subject's digests, when the manifest refers to another.
        opt subject: Digests,
    }
}

record! {
    /// One component of a release.
    pub struct ComponentRef {
        /// Which artifact.
        req r#ref: ArtifactRef,
        /// The digests of its manifest.
        req digests: Digests,
    }
}

record! {
    /// The window asked for; only longer or stricter than what policy gives.
    pub struct Keep {
        /// The window's class; the kind's name when left out.
        opt class: Label,
        /// Keep at least until then.
        opt until: Timestamp,
        /// Stricter than policy's mode.
        opt mode: WindowMode,
    }
}

word! {
    /// How strictly a window is kept.
    pub enum WindowMode {
        /// Ends early with a special right, used explicitly and logged.
        Governance = "governance",
        /// Nobody shortens it.
        Compliance = "compliance",
    }
}

record! {
    /// How an artifact was built.
    pub struct Build {
        /// Who built.
        req builder_id: Label,
        /// Which run.
        req invocation_id: Label,
        /// What kind of build.
        req build_type: Label,
        /// Provenance envelopes, by digest.
        req provenance: Vec<Digests>,
    }
}
