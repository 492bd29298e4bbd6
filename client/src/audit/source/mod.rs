//! Where the entries of a log come from: the registry, or the store that it writes to.
//!
//! Owns reading and decoding ahead, and fetching what entries name within a bound of memory. It judges nothing.

#[cfg(feature = "buckets")]
mod cloud;
mod commits;
mod group;
mod objects;
mod pages;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use futures::stream::BoxStream;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::statement::AttachmentRef;
use holdfast_formats::tree::TreeSize;

use super::decode::{KeysAtHand, Piece};
use super::finding::Finding;
use super::kept::Position;
use crate::error::ClientError;
use crate::session::Registry;
pub(super) use commits::{Commits, commit_key};
pub(super) use group::Groups;
pub(super) use objects::{Object, Objects};

/// Most parts that are decoded at a time, whatever the cores.
const DECODING_MAX: usize = 6;

/// An attachment that was asked for.
type Fetched = (Sha256Digest, Option<Vec<u8>>);

/// Successive entries, and what ended them.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) pieces: Vec<Piece>,
    pub(super) finding: Option<Finding>,
}

impl Part {
    const fn empty() -> Self {
        Self { pieces: Vec::new(), finding: None }
    }

    const fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.finding.is_none()
    }
}

/// Where entries come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The registry's own answers.
    Registry(Registry),
    /// The store, without the registry.
    Store(Commits),
}

impl Source {
    /// The entries behind a position, decoded. A registry is asked up to a size; a store is read to its end.
    fn parts(
        &self,
        position: &Position,
        to: TreeSize,
        keys: &KeysAtHand,
        from: TreeSize,
    ) -> BoxStream<'static, Result<Part, ClientError>> {
        match self {
            Self::Registry(registry) => registry.pages(position.size(), to, keys, from),
            Self::Store(commits) => commits.parts(position.slot, position.size(), keys, from),
        }
    }

    /// An attachment whose bytes hash to its digest; one that cannot be had is left out.
    async fn attachment(&self, wanted: AttachmentRef) -> Result<Fetched, ClientError> {
        let size = wanted.size.get().min(holdfast_formats::limits::ATTACHMENT_BYTES_MAX as u64);
        let (digest, bytes) = match self {
            Self::Registry(registry) => registry.attachment(wanted.sha256, size).await?,
            Self::Store(commits) => commits.attachment(wanted.sha256).await?,
        };
        let Some(bytes) = bytes else { return Ok((digest, None)) };
        let check = move || (Sha256Digest::of(&bytes) == digest).then_some(bytes);
        Ok((digest, crate::blocking::compute(size, check).await))
    }
}

/// How many parts are decoded at a time: some are ready whenever judging asks for more, and slots are left for others.
fn decoding_at_once() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get).saturating_mul(2).min(DECODING_MAX)
}
