//! One reason for which an artifact stays.

use std::fmt;

use holdfast_formats::name::ChannelName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::WindowMode;
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use crate::facts::{ArtifactFact, HoldFact};

/// Why an artifact stays, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The reason.
    pub why: Why,
    /// Until when it holds, that moment not included; `None` for one without a date.
    pub until: Option<Timestamp>,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The window that it got when it was published.
    Class {
        /// Its class.
        class: Label,
        /// How strictly.
        mode: WindowMode,
    },
    /// Its class has no window and its publisher asked for none: it stays until somebody deletes it.
    Unlimited {
        /// Its class.
        class: Label,
    },
    /// A longer window.
    Extend {
        /// Its entry.
        extend: LeafIndex,
        /// How strictly.
        mode: WindowMode,
    },
    /// A legal hold.
    Hold {
        /// Its entry.
        hold: LeafIndex,
        /// The case.
        case: Label,
        /// Why.
        reason: Reason,
    },
    /// It is the answer of a line.
    Answer {
        /// The channel.
        channel: ChannelName,
        /// The pin.
        number: PinNumber,
    },
    /// One of the last pins of a line that could be answered.
    RecentPin {
        /// The channel.
        channel: ChannelName,
        /// The pin.
        number: PinNumber,
    },
    /// It was the answer of a line, and can still be gone back to.
    FormerAnswer {
        /// The channel.
        channel: ChannelName,
        /// The pin.
        number: PinNumber,
    },
    /// A release has it as a component.
    Component {
        /// The release.
        of: ArtifactRef,
    },
}

impl Kept {
    /// Whether it keeps the artifact at a moment. A release that has not ended does so whatever its dates.
    pub fn stands_at(&self, now: Timestamp) -> bool {
        matches!(self.why, Why::Component { .. }) || self.until.is_none_or(|until| now < until)
    }
}

impl Kept {
    /// The reason without the names of channels and releases, which whoever is refused may not be allowed to read.
    pub(crate) fn without_names(&self) -> String {
        let what = match &self.why {
            Why::Answer { .. } => "the answer of a channel",
            Why::RecentPin { .. } => "one of the last pins of a channel that can be answered",
            Why::FormerAnswer { .. } => "the rollback window of a channel",
            Why::Component { .. } => "a component of a release",
            Why::Class { .. } | Why::Unlimited { .. } | Why::Extend { .. } | Why::Hold { .. } => {
                return self.to_string();
            }
        };
        self.until.map_or_else(|| what.to_owned(), |until| format!("{what}, until {until}"))
    }
}

impl Why {
    /// Whether the special right ends it early.
    pub(super) const fn is_governed(&self) -> bool {
        matches!(
            self,
            Self::Class { mode: WindowMode::Governance, .. }
                | Self::Extend { mode: WindowMode::Governance, .. }
        )
    }
}

pub(super) fn window(fact: &ArtifactFact) -> Kept {
    let (class, until) = (fact.window.class.clone(), fact.window.until);
    let why = match until {
        Some(_) => Why::Class { class, mode: fact.window.mode },
        None => Why::Unlimited { class },
    };
    // An artifact without a window that somebody extended has one now.
    let until = until.or_else(|| fact.extended.map(|extend| extend.until));
    Kept { why, until }
}

pub(super) fn extended(fact: &ArtifactFact) -> Option<Kept> {
    let extend = fact.extended?;
    let why = Why::Extend { extend: extend.index, mode: fact.window.mode };
    Some(Kept { why, until: Some(extend.until) })
}

pub(super) fn hold(fact: HoldFact) -> Kept {
    let HoldFact { index, case, reason, .. } = fact;
    Kept { why: Why::Hold { hold: index, case, reason }, until: None }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class { class, mode } => write!(f, "the {mode} window of its class {class}"),
            Self::Unlimited { class } => {
                write!(f, "its class {class}, which has no window: it stays until somebody deletes it")
            }
            Self::Extend { extend, mode } => write!(f, "the {mode} window that entry {extend} extended"),
            Self::Hold { hold, case, reason } => write!(f, "the hold of entry {hold} for {case}: {reason}"),
            Self::Answer { channel, number } => write!(f, "the answer of {channel}, pin {number}"),
            Self::RecentPin { channel, number } => {
                write!(f, "one of the last pins of {channel} that can be answered, pin {number}")
            }
            Self::FormerAnswer { channel, number } => {
                write!(f, "the rollback window of {channel}, pin {number}")
            }
            Self::Component { of } => write!(f, "a component of {of}"),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "{}, until {until}", self.why),
            None => self.why.fmt(f),
        }
    }
}
