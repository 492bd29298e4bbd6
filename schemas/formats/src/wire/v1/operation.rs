//! What a command on a node's machine asks the running node to do: signed by a registry key, see [`crate::operator`].

use crate::name::Namespace;
use crate::number::{ByteSize, Count, Seconds};
use crate::reference::ArtifactRef;
use crate::strict::record;
use crate::time::Timestamp;

record! {
    /// `POST /v1/operations/scrub`: how scrubbing does, and perhaps a run that is to begin.
    pub struct ScrubRequest {
        /// What to read back; left out by whoever only asks.
        opt start: ScrubOrder,
    }
}

record! {
    /// What a run reads back, those first that nobody read for longest. Without a choice it is every artifact.
    pub struct ScrubOrder {
        /// Only so many of a hundred artifacts.
        opt percent: u32,
        /// Only artifacts that nobody read back for so long.
        opt older_than_s: Seconds,
        /// Only artifacts of this namespace.
        opt namespace: Namespace,
        /// How many bytes a second it may read.
        opt bytes_per_s: ByteSize,
        /// After how long it ends, even when something is left.
        opt ends_after_s: Seconds,
    }
}

record! {
    /// How the reading back of all that is stored does.
    pub struct ScrubStatus {
        /// Every artifact was read back since then; left out while there is one that never was.
        opt full: Timestamp,
        /// The artifact that was not read back for longest.
        opt oldest: ArtifactRef,
        /// How many artifacts were bad or not all there when they were last read.
        req unsound: Count,
        /// The run that goes on now.
        opt running: ScrubRun,
        /// The run that ended last since the node was started.
        opt last: ScrubRun,
    }
}

record! {
    /// One run.
    pub struct ScrubRun {
        /// When it began.
        req started: Timestamp,
        /// When it ended.
        opt ended: Timestamp,
        /// How many artifacts it read back.
        req artifacts: Count,
        /// How many of them were bad or not all there.
        req bad: Count,
        /// How many others need an object that it found bad.
        req touched: Count,
        /// How many it could not read back; they stay due.
        req unread: Count,
        /// How many bytes it read and hashed.
        req bytes: ByteSize,
        /// Why it ended before it was through.
        opt stopped: String,
    }
}
