//! Reading commits ahead of whoever applies them: fetched and decoded side by side, handed out in order and in parts.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _, future};
use holdfast_formats::key::SigningKey;

use super::LogParts;
use super::attachments::{AttachmentError, Attachments};
use super::decode::{DecodeError, DecodedCommit};
use super::keys::KeyKind;
use super::replay::ReplayError;
use crate::objects::ObjectKey;

/// How many commits are asked for at a time.
const READ_AHEAD: usize = 8;
/// How many entries a part has, about: what one transaction applies.
const PART_ENTRIES: usize = 4096;
/// How many bytes of commits and attachments a part has, about. Two parts are in memory at a time.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// Successive commits of the store, up to the first empty slot or to one that needs a newer version.
pub(super) struct ReadAhead {
    commits: BoxStream<'static, Result<DecodedCommit, ReplayError>>,
    newest_rules: u32,
    needed: Option<u32>,
}

impl ReadAhead {
    /// Reads from slot `from` on. What is read must be durable already.
    pub(super) fn from(parts: &LogParts, from: u64) -> Self {
        // Whoever applies needs a core of their own; where each read is a request, most of the time is waiting.
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let decoding = if parts.store.is_local() { cores.saturating_sub(1).max(1) } else { READ_AHEAD };
        let (reader, decoder) = (parts.clone(), parts.clone());
        let commits = stream::iter(from..)
            .map(move |number| get(reader.clone(), number))
            .buffered(READ_AHEAD)
            .map(move |read| decode_read(decoder.clone(), read))
            .buffered(decoding)
            .try_take_while(|commit| future::ok(commit.is_some()))
            .try_filter_map(future::ok);
        Self { commits: commits.boxed(), newest_rules: parts.newest_rules.version(), needed: None }
    }

    /// The next commits, as many as one transaction should apply; none at the end of the log.
    pub(super) async fn part(&mut self) -> Result<Vec<DecodedCommit>, ReplayError> {
        let (mut part, mut entries, mut bytes) = (Vec::new(), 0, 0);
        while entries < PART_ENTRIES && bytes < PART_BYTES && self.needed.is_none() {
            let Some(commit) = self.commits.try_next().await? else { break };
            if commit.rules_needed() > self.newest_rules {
                self.needed = Some(commit.rules_needed());
                break;
            }
            entries += commit.entries.len();
            bytes += commit.size_bytes();
            part.push(commit);
        }
        Ok(part)
    }

    /// The rule book at which reading ended because this version does not have it.
    pub(super) const fn rules_needed(&self) -> Option<u32> {
        self.needed
    }
}

/// Reads, makes durable and decodes one commit; `None` when the slot is empty.
pub(super) async fn fetch(parts: &LogParts, number: u64) -> Result<Option<DecodedCommit>, ReplayError> {
    let (number, Some(object)) = get(parts.clone(), number).await? else { return Ok(None) };
    // Its writer may have died before it was synced; nothing is answered from it before it is.
    parts.store.make_durable(&ObjectKey::commit(number)).await?;
    decode(parts, number, object).await.map(Some)
}

/// Decodes the bytes of a commit that was found in a slot.
pub(super) async fn decode(
    parts: &LogParts,
    number: u64,
    object: Bytes,
) -> Result<DecodedCommit, ReplayError> {
    let failed = |error: DecodeError| match error {
        // What the store does not give now it may give in a moment: that says nothing against the commit.
        DecodeError::Attachment(AttachmentError::Object(error)) if !error.is_not_found() => error.into(),
        error => ReplayError::Halt(format!("commit {number}: {error}")),
    };
    // Nodes of one registry share their keys.
    let likely: Vec<_> = parts.keys.held().keys(KeyKind::Registry).iter().map(SigningKey::public).collect();
    let commit = parts.blocking.run(move || DecodedCommit::parse(&object, &likely)).await.map_err(failed)?;
    commit.attach(&Attachments::new(parts.store.clone()), &parts.blocking).await.map_err(failed)
}

type Read = (u64, Option<Bytes>);

async fn get(parts: LogParts, number: u64) -> Result<Read, ReplayError> {
    match parts.store.get(&ObjectKey::commit(number)).await {
        Ok(object) => Ok((number, Some(object))),
        Err(error) if error.is_not_found() => Ok((number, None)),
        Err(error) => Err(error.into()),
    }
}

async fn decode_read(
    parts: LogParts,
    read: Result<Read, ReplayError>,
) -> Result<Option<DecodedCommit>, ReplayError> {
    match read? {
        (number, Some(object)) => decode(&parts, number, object).await.map(Some),
        (_, None) => Ok(None),
    }
}
