//! What a sweep did, or would do.

use crate::number::{ByteSize, Count};
use crate::statement::Artifact;
use crate::strict::record;
use crate::time::Timestamp;

record! {
    /// An artifact that nothing keeps any longer.
    pub struct SweptArtifact {
        /// Which.
        req artifact: Artifact,
        /// What kept it, each reason with the moment at which it ended.
        req why: Vec<String>,
    }
}

record! {
    /// What a sweep did; of a dry run, what the next one would do now.
    pub struct SweepReport {
        /// Whether nothing was changed.
        req dry_run: bool,
        /// The log time by which windows were judged.
        req time: Timestamp,
        /// Sweeps of earlier runs whose objects were still to be deleted.
        req resumed: Count,
        /// Artifacts that were announced: they end with a sweep that comes 24 hours later, unless something keeps them by then.
        req announced: Vec<SweptArtifact>,
        /// Artifacts that were announced before and have to wait.
        req waiting: Count,
        /// Artifacts that ended.
        req ended: Vec<SweptArtifact>,
        /// Objects that nothing refers to any more, and that were deleted.
        req objects: Count,
        /// Their bytes.
        req bytes: ByteSize,
        /// Objects that an earlier sweep had named, and that were there still.
        req leftovers: Count,
        /// Bytes of content in the store before, of what was there under its newest key.
        req stored_bytes: ByteSize,
        /// Bytes that nothing refers to and that are too young to be deleted.
        req young_bytes: ByteSize,
    }
}

record! {
    /// How the last sweep of this node ended.
    pub struct LastSweep {
        /// When, by the node's clock.
        req time: Timestamp,
        /// Why it ended before its end; left out when it did not.
        opt failed: String,
        /// Bytes of content that are stored after it.
        opt stored_bytes: ByteSize,
        /// Bytes that nothing refers to, to be deleted by a later one.
        opt reclaimable_bytes: ByteSize,
        /// Bytes that it deleted.
        opt deleted_bytes: ByteSize,
    }
}

record! {
    /// `POST /v1/operations/sweep`: how sweeping does, and perhaps a run that is to begin.
    pub struct SweepRequest {
        /// Left out by whoever only asks.
        opt start: SweepOrder,
    }
}

record! {
    /// A run that is to begin.
    pub struct SweepOrder {
        /// Whether nothing is to be changed.
        req dry_run: bool,
    }
}

record! {
    /// How sweeping does.
    pub struct SweepStatus {
        /// When the run that goes on now began.
        opt running: Timestamp,
        /// The run that ended last since the node was started.
        opt last: SweepRun,
        /// How the last sweep ended that was no dry run, that of an earlier process too.
        opt newest: LastSweep,
    }
}

record! {
    /// One run.
    pub struct SweepRun {
        /// When it began.
        req started: Timestamp,
        /// When it ended.
        req ended: Timestamp,
        /// What it did; left out when it was cut short.
        opt report: SweepReport,
        /// Why it was cut short.
        opt failed: String,
    }
}
