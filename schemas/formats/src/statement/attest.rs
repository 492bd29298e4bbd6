//! `attest` and `tag`: statements about artifacts that have no effect on known-good.

use super::header::AttachmentRef;
use super::predicate::predicate;
use crate::digest::Digests;
use crate::name::ArtifactName;
use crate::number::ByteSize;
use crate::strict::record;
use crate::text::Uri;
use crate::version::Version;

predicate! {
    /// This envelope (provenance, SBOM, test result) is about these digests. It is an attachment of the entry.
    pub struct Attest as AttestPredicate {
        /// The attested envelope.
        req envelope: AttestedEnvelope,
        /// What it is about.
        req subjects: Vec<AttestedSubject>,
    }
}

record! {
    /// An envelope by digests and size, with the predicate type it claims.
    pub struct AttestedEnvelope {
        /// Its digests.
        req digests: Digests,
        /// Its size.
        req size: ByteSize,
        /// The predicate type inside, for example `https://slsa.dev/provenance/v1`.
        req predicate_type: Uri,
    }
}

impl AttestedEnvelope {
    /// The envelope as the attachment it must be.
    pub const fn attachment(&self) -> AttachmentRef {
        AttachmentRef { sha256: self.digests.sha256, size: self.size }
    }
}

record! {
    /// One attested artifact.
    pub struct AttestedSubject {
        /// The digests of its manifest.
        req digests: Digests,
    }
}

predicate! {
    /// A moving tag points here; never answered as known-good.
    pub struct Tag as TagPredicate {
        /// The artifact's name.
        req name: ArtifactName,
        /// The tag, one of the namespace's `moving_tags`.
        req tag: Version,
        /// Where it points from now on.
        req target: TagTarget,
    }
}

record! {
    /// What a tag points to.
    pub struct TagTarget {
        /// The digests of a published manifest of the same name.
        req digests: Digests,
    }
}
