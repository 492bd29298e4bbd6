//! What a channel's policy wants to happen regularly and what it should reach, and how it stands with that.

use crate::name::{ArtifactName, ChannelName};
use crate::number::Seconds;
use crate::strict::{record, word};
use crate::text::Label;
use crate::time::Timestamp;
use crate::tree::{LeafIndex, TreeSize};

record! {
    /// `GET /v1/schedules?after=&limit=&all=`, and what `POST /v1/operations/schedules` takes
    pub struct ScheduleQuery {
        /// Only channels after this one.
        opt after: ChannelName,
        /// How many channels are looked at for one answer at most.
        opt limit: u32,
        /// Also channels where everything is as it should be.
        opt all: bool,
    }
}

record! {
    /// Channels where something is overdue, or an objective is not known to be met; by name.
    pub struct ScheduleList {
        /// The channels.
        req channels: Vec<ChannelSchedules>,
        /// What to give as `after` to go on; left out at the end.
        opt next: ChannelName,
    }
}

record! {
    /// `GET /v1/channels/{channel}/schedules`: how one channel stands.
    pub struct ChannelSchedules {
        /// The channel.
        req channel: ChannelName,
        /// The size of the log that this follows from.
        req size: TreeSize,
        /// The time that this is of.
        req time: Timestamp,
        /// What must happen regularly, in the order of the policy.
        req due: Vec<DueView>,
        /// What should be reached: RPO, RTO and the rollback window, as far as policy or the known-good release names them.
        req objectives: Vec<ObjectiveView>,
    }
}

record! {
    /// Something that must happen regularly.
    pub struct DueView {
        /// An artifact name whose snapshots are due, or `drill`.
        req name: Label,
        /// How often.
        req every_s: Seconds,
        /// How it stands.
        req state: DueState,
        /// When the newest one that counts was logged; left out where there is none.
        opt last: Timestamp,
        /// Its entry.
        opt entry: LeafIndex,
        /// How long it is overdue, in whole seconds; left out where it is not, or where there never was one.
        opt late_s: Seconds,
        /// The newest drill that failed, when none succeeded since.
        opt failed: LeafIndex,
    }
}

word! {
    /// How it stands with something that must happen regularly.
    pub enum DueState {
        /// It happened in time.
        Kept = "kept",
        /// It is late, or never happened.
        Overdue = "overdue",
        /// It is about an artifact that the reader may not read.
        Hidden = "hidden",
    }
}

record! {
    /// Something that should be reached.
    pub struct ObjectiveView {
        /// What.
        req what: ObjectiveKind,
        /// The goal: at most so long, of a rollback window at least.
        req goal_s: Seconds,
        /// How it stands.
        req state: ObjectiveState,
        /// What is reached, in seconds, rounded up; left out where nobody knows.
        opt measured_s: Seconds,
        /// The entry that shows it: the snapshot's, the drill's or the rollback's.
        opt entry: LeafIndex,
        /// For RPO the snapshots whose newest good one has the oldest data, or of which there is none.
        opt name: ArtifactName,
        /// For RTO the newest drill that failed, when none succeeded since.
        opt failed: LeafIndex,
    }
}

word! {
    /// What should be reached.
    pub enum ObjectiveKind {
        /// How old the newest good data may be.
        Rpo = "rpo",
        /// How long going back may take.
        Rto = "rto",
        /// How long a former answer can be gone back to.
        RollbackWindow = "rollback_window",
    }
}

word! {
    /// How it stands with something that should be reached.
    pub enum ObjectiveState {
        /// It is reached.
        Met = "met",
        /// It is not.
        Unmet = "unmet",
        /// It was never measured, or there is nothing to measure.
        Unknown = "unknown",
    }
}
