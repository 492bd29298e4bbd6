//! What every statement carries, and the small records that several predicates share.

use serde::{Deserialize, Serialize};

use crate::digest::{Digests, Sha256Digest};
use crate::id::RandomId;
use crate::limits::ANNOTATIONS_BYTES_MAX;
use crate::number::ByteSize;
use crate::origin::Origin;
use crate::reference::ArtifactRef;
use crate::strict::{StrictMap, record};
use crate::text::{Label, Text, Uri};
use crate::time::Timestamp;
use crate::tree::{LeafIndex, TreeHash};

/// Free notes of a signer, which never affect state; at most 4 KiB together.
pub type Annotations = StrictMap<Label, Text<4096>>;

/// The fields that every predicate begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The log this statement is for; no other log accepts it.
    pub log: Origin,
    /// 128 random bits, so that no two statements are the same bytes.
    pub id: RandomId,
    /// When it was signed, by the signer's clock.
    pub issued_at: Timestamp,
    /// When a log stops accepting it: at most 7 days after `issued_at`.
    pub not_after: Timestamp,
    /// Where it came from.
    pub context: Option<Context>,
    /// Free notes.
    pub annotations: Option<Annotations>,
}

impl Header {
    /// The size of the annotations when it is over the limit.
    pub(super) fn annotations_over_limit(&self) -> Option<usize> {
        let size = self
            .annotations
            .iter()
            .flat_map(Annotations::iter)
            .map(|(k, v)| k.as_str().len() + v.as_str().len())
            .sum();
        (size > ANNOTATIONS_BYTES_MAX).then_some(size)
    }
}

record! {
    /// Where a statement came from: incident, pipeline run, runbook and source.
    pub struct Context {
        /// Incidents this belongs to.
        opt incident: Vec<Label>,
        /// W3C trace context.
        opt traceparent: Label,
        /// The pipeline run.
        opt run: RunContext,
        /// The runbook that was followed.
        opt runbook: RunbookContext,
        /// The source code it was made from.
        opt source: SourceContext,
    }
}

record! {
    /// One run of a pipeline.
    pub struct RunContext {
        /// The system, for example `github-actions`.
        req system: Label,
        /// Where to look at it.
        req url: Uri,
        /// The system's id of the run.
        req id: Label,
        /// Which attempt.
        req attempt: u32,
    }
}

record! {
    /// One step of a runbook.
    pub struct RunbookContext {
        /// The runbook.
        req r#ref: ArtifactRef,
        /// Its manifest's digests.
        req digest: Digests,
        /// Which step.
        req step: Label,
    }
}

record! {
    /// A state of a source repository.
    pub struct SourceContext {
        /// The repository.
        req repo: Uri,
        /// The full commit id.
        req git_commit: Label,
        /// Branch or tag.
        req r#ref: Label,
        /// Whether there were uncommitted changes.
        req dirty: bool,
    }
}

record! {
    /// Exactly one name@version, with the digests of its manifest.
    pub struct Artifact {
        /// `namespace/name@version`
        req r#ref: ArtifactRef,
        /// The digests of the manifest.
        req digests: Digests,
    }
}

record! {
    /// An earlier entry and its leaf hash, so that a predecessor is named without doubt.
    #[derive(Copy)]
    pub struct EntryRef {
        /// Its place in the log.
        req index: LeafIndex,
        /// Its leaf hash.
        req leaf: TreeHash,
    }
}

record! {
    /// An earlier entry of the same log.
    #[derive(Copy)]
    pub struct EntryIndex {
        /// Its place in the log.
        req index: LeafIndex,
    }
}

record! {
    /// Content under `log/attachments/`, named by SHA-256 and size.
    #[derive(Copy)]
    pub struct AttachmentRef {
        /// SHA-256 of the content.
        req sha256: Sha256Digest,
        /// Its size.
        req size: ByteSize,
    }
}

impl AttachmentRef {
    /// Names content that is in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Sha256Digest::of(bytes), size: ByteSize::of(bytes) }
    }
}
