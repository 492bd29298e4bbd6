//! Until when an artifact stays, and why.

use crate::name::ChannelName;
use crate::number::PinNumber;
use crate::reference::ArtifactRef;
use crate::statement::{Artifact, WindowMode};
use crate::strict::{record, word};
use crate::text::{Label, Reason};
use crate::time::Timestamp;
use crate::tree::{LeafIndex, TreeSize};

record! {
    /// `GET /v1/artifacts/{ref}/retention`
    pub struct RetentionView {
        /// Name, version and digests.
        req artifact: Artifact,
        /// The size of the log that this follows from.
        req size: TreeSize,
        /// The log time that this is of: not before the newest entry's.
        req time: Timestamp,
        /// Every reason for which it stays, and those whose date has passed; none once it ended.
        req reasons: Vec<KeptReason>,
        /// The latest date of all reasons; left out while one of them has none.
        opt until: Timestamp,
        /// Whether a sweep may say now that it will end.
        req sweep: bool,
        /// Whether it may be deleted now.
        req delete: bool,
        /// Whether it may be deleted now by whoever may end a window in governance mode early.
        req bypass: bool,
        /// The newest sweep that said that it will end, while nothing keeps it.
        opt intended: LeafIndex,
        /// How it ended.
        opt ended: Ended,
    }
}

record! {
    /// One reason for which an artifact stays. Names that the reader may not read are left out.
    pub struct KeptReason {
        /// Which.
        req why: KeptWhy,
        /// Whether it keeps the artifact at the time of the answer.
        req stands: bool,
        /// Until when, that moment not included; left out for one without a date.
        opt until: Timestamp,
        /// The class, of its own window.
        opt class: Label,
        /// How strictly, of a window.
        opt mode: WindowMode,
        /// The entry of an `extend` or a hold.
        opt entry: LeafIndex,
        /// The case of a hold.
        opt case: Label,
        /// Why it is held.
        opt reason: Reason,
        /// The channel, of a pin.
        opt channel: ChannelName,
        /// The pin.
        opt number: PinNumber,
        /// The release that has it as a component.
        opt release: ArtifactRef,
    }
}

word! {
    /// Kinds of reasons for which an artifact stays.
    pub enum KeptWhy {
        /// The window that it got when it was published.
        Class = "class",
        /// Its class has no window and its publisher asked for none: it stays until somebody deletes it.
        Unlimited = "unlimited",
        /// A longer window.
        Extend = "extend",
        /// A legal hold.
        Hold = "hold",
        /// It is the answer of a line.
        Answer = "answer",
        /// It is one of the last pins of a line that could be answered.
        RecentPin = "recent-pin",
        /// It was the answer of a line, and can still be gone back to.
        FormerAnswer = "former-answer",
        /// A release has it as a component.
        Component = "component",
    }
}

record! {
    /// The end of an artifact.
    pub struct Ended {
        /// By what.
        req by: EndedBy,
        /// The entry.
        req entry: LeafIndex,
        /// When it was logged.
        req time: Timestamp,
    }
}

word! {
    /// What ends artifacts.
    pub enum EndedBy {
        /// Somebody deleted it.
        Delete = "delete",
        /// Nothing kept it any longer.
        Sweep = "sweep",
    }
}
