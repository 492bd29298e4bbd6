//! `scrub`, `sweep`, `swept`: what the registry itself says about the bytes it stores.

use super::header::{Artifact, AttachmentRef, EntryIndex};
use super::predicate::predicate;
use crate::digest::NamedDigest;
use crate::name::Namespace;
use crate::number::ByteSize;
use crate::strict::{record, word};
use crate::text::Label;
use crate::time::Timestamp;
use crate::tree::LeafIndex;

predicate! {
    /// What was read back and re-hashed, and how it was.
    pub struct Scrub as ScrubPredicate {
        /// Every artifact whose blobs were all read back.
        req artifacts: Vec<Artifact>,
        /// How they were.
        req outcome: ScrubOutcome,
        /// Bytes read.
        req bytes: ByteSize,
        /// When it began.
        req started: Timestamp,
        /// When it ended.
        req ended: Timestamp,
        /// What was bad.
        opt bad: Vec<BadObject>,
    }
}

word! {
    /// How what was read back was.
    pub enum ScrubOutcome {
        /// Every byte hashed to its address.
        Good = "good",
        /// Something did not.
        Bad = "bad",
        /// Something was not there.
        Missing = "missing",
    }
}

word! {
    /// Classes of stored objects that a sweep may name.
    pub enum ObjectClass {
        /// A chunk.
        Chunk = "chunk",
        /// A blob record.
        Blob = "blob",
        /// An alias.
        Alias = "alias",
    }
}

record! {
    /// One object that did not hash to its address.
    pub struct BadObject {
        /// Whose.
        req namespace: Namespace,
        /// What class.
        req class: ObjectClass,
        /// Which.
        req digest: NamedDigest,
        /// Its generation: the newest sweep that named it, else 0.
        req g: LeafIndex,
        /// What was wrong with it.
        req what: Label,
    }
}

predicate! {
    /// What ends now, or will.
    pub struct Sweep as SweepPredicate {
        /// Intended, or ended by this entry.
        req phase: SweepPhase,
        /// The artifacts that end.
        req artifacts: Vec<Artifact>,
        /// The list of objects that nothing refers to any more: an attachment, required at `end`.
        opt objects: AttachmentRef,
        /// Bytes that will be free.
        req bytes: ByteSize,
        /// The `intend` entry at least 24 hours earlier; required when a window ends.
        opt intends: EntryIndex,
    }
}

word! {
    /// The two steps of a sweep.
    pub enum SweepPhase {
        /// Said at least 24 hours ahead.
        Intend = "intend",
        /// Done by this entry.
        End = "end",
    }
}

predicate! {
    /// The objects of one sweep are gone.
    pub struct Swept as SweptPredicate {
        /// Which sweep.
        req sweep: EntryIndex,
    }
}
