//! Channels: what happened there, and whether something may go there.

use super::log::LoggedEntry;
use crate::name::ChannelName;
use crate::reference::{ArtifactRef, Reference};
use crate::strict::record;
use crate::text::Reason;
use crate::tree::LeafIndex;

record! {
    /// `GET /v1/channels/{channel}/history?before=&limit=`
    pub struct HistoryQuery {
        /// Only entries before this one.
        opt before: LeafIndex,
        /// How many at most.
        opt limit: u32,
    }
}

record! {
    /// Entries that touch a channel, newest first.
    pub struct History {
        /// The channel.
        req channel: ChannelName,
        /// The entries.
        req entries: Vec<LoggedEntry>,
        /// The grants whose ephemeral keys signed some of them.
        req grants: Vec<LoggedEntry>,
        /// What to give as `before` for the next page.
        opt next: LeafIndex,
    }
}

record! {
    /// `GET /v1/channels/{channel}/gate?ref=`
    pub struct GateQuery {
        /// What would be deployed.
        req r#ref: Reference,
    }
}

record! {
    /// Whether an artifact may be deployed to a channel now.
    pub struct Gate {
        /// The channel.
        req channel: ChannelName,
        /// What would be deployed.
        req artifact: ArtifactRef,
        /// Whether it may.
        req allowed: bool,
        /// Why not.
        req reasons: Vec<Reason>,
    }
}
