//! Artifacts: lists and single ones.

use super::log::{LoggedEntry, Receipt};
use super::retention::Ended;
use crate::envelope::Base64Bytes;
use crate::manifest::Kind;
use crate::name::ArtifactName;
use crate::number::{ByteSize, Count};
use crate::statement::Artifact;
use crate::strict::record;
use crate::text::Label;
use crate::time::Timestamp;
use crate::tree::LeafIndex;

record! {
    /// `GET /v1/artifacts?prefix=&kind=&after=&limit=&ended=`
    pub struct ListQuery {
        /// Only names that begin so.
        opt prefix: Label,
        /// Only this kind.
        opt kind: Kind,
        /// Continue after this reference.
        opt after: Label,
        /// How many at most.
        opt limit: u32,
        /// Whether those that have ended are wanted, too.
        opt ended: bool,
    }
}

record! {
    /// One artifact of a list.
    pub struct ArtifactSummary {
        /// Name, version and digests.
        req artifact: Artifact,
        /// What it is.
        req kind: Kind,
        /// The bytes of all files.
        req size_bytes: ByteSize,
        /// When it was published.
        req time: Timestamp,
        /// Its `publish` entry.
        req index: LeafIndex,
        /// The latest date of its own window and every `extend`; left out where it stays until somebody deletes it. Holds
        /// and pins may keep it for longer.
        opt until: Timestamp,
        /// How many holds stand.
        req holds: Count,
        /// The entry that ended it.
        opt ended: LeafIndex,
    }
}

record! {
    /// Artifacts by name and version.
    pub struct ArtifactList {
        /// This page.
        req artifacts: Vec<ArtifactSummary>,
        /// What to give as `after` for the next page.
        opt next: Label,
    }
}

record! {
    /// `GET /v1/artifacts/{name}@{version}` or `@blake3:{digest}`
    pub struct ArtifactView {
        /// Name, version and digests.
        req artifact: Artifact,
        /// Its `publish` entry.
        req publish: Receipt,
        /// The manifest, byte for byte.
        req manifest: Base64Bytes,
        /// The newest scrub that covers it.
        opt scrub: Receipt,
        /// Denies in force, of whatever scope.
        req denies: Vec<LoggedEntry>,
        /// Attestations about it.
        req attests: Vec<LoggedEntry>,
        /// Holds that stand.
        req holds: Vec<LoggedEntry>,
        /// The latest date of its own window and every `extend`; left out where it stays until somebody deletes it.
        opt until: Timestamp,
        /// How it ended.
        opt ended: Ended,
        /// The `delete` that ended it. A sweep is not shown: it names what not every reader of this artifact may read.
        opt deleted: LoggedEntry,
        /// The grants whose ephemeral keys signed some of those entries.
        req grants: Vec<LoggedEntry>,
        /// The name, for clients that asked by digest.
        req name: ArtifactName,
    }
}
