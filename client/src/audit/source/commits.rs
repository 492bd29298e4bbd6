//! Reading a log from the store that its registry writes to: the commits, which are the truth, and what they name.

use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::tree::TreeSize;

use super::objects::{Object, Objects};
use super::{Fetched, Part, decoding_at_once};
use crate::audit::decode::{KeysAtHand, Signatures, decode_commit};
use crate::audit::finding::{Finding, FindingKind};
use crate::blocking;
use crate::error::ClientError;

const COMMITS_PER_FOLDER: u64 = 10_000;
/// A commit has at most 256 entries of 64 KiB, and a header.
const COMMIT_BYTES_MAX: u64 = 17 * 1024 * 1024;
/// How many commits are read in one go where that is cheap.
const RUN_COMMITS: u64 = 256;
/// About how many bytes that may be.
const RUN_BYTES: usize = 1024 * 1024;
/// How many requests are under way at a time.
const REQUESTS: usize = 8;
/// How far behind an empty slot others are looked for: the next eight, then at doubled distances.
const DISTANCES: [u64; 20] =
    [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 10_000, 65_536, 262_144, 1_048_576];

/// Where the commit of a slot lies.
pub(in crate::audit) fn commit_key(slot: u64) -> String {
    format!("log/commits/{}/{slot:020}", slot / COMMITS_PER_FOLDER)
}

/// Where an attachment lies.
pub(in crate::audit) fn attachment_key(digest: &Sha256Digest) -> String {
    format!("log/attachments/{digest}")
}

/// The log in a store.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Commits {
    pub(in crate::audit) objects: Objects,
}

/// What was read of one run of slots.
type Run = (u64, Vec<Object>);

impl Commits {
    /// The commits from a slot on, decoded, to the first empty one; what is wrong with them ends the stream as a finding.
    pub(in crate::audit) fn parts(
        &self,
        slot: u64,
        size: TreeSize,
        keys: &KeysAtHand,
        from: TreeSize,
    ) -> BoxStream<'static, Result<Part, ClientError>> {
        // Before it nothing is verified, and a commit says itself where it begins.
        let how = if size < from { Signatures::Skip } else { Signatures::Verify };
        let (source, keys) = (self.clone(), keys.clone());
        stream::try_unfold(Some(slot), move |slot| source.clone().run(slot))
            .map(move |run| {
                let keys = keys.clone();
                async move {
                    let run = run?;
                    Ok(blocking::run(move || decode_run(run, &keys, how)).await)
                }
            })
            .buffered(decoding_at_once())
            .try_take_while(|part| futures::future::ready(Ok(!part.is_empty())))
            .boxed()
    }

    /// Reads the next slots, and says with which one to go on.
    async fn run(self, slot: Option<u64>) -> Result<Option<(Run, Option<u64>)>, ClientError> {
        let Some(slot) = slot else { return Ok(None) };
        let keys = (slot..slot.saturating_add(RUN_COMMITS)).map(commit_key).collect();
        let objects = self.objects.run(keys, COMMIT_BYTES_MAX, RUN_BYTES, REQUESTS).await?;
        let is_end = objects.iter().any(|object| !matches!(object, Object::Here(_)));
        let next = (!is_end).then(|| slot + objects.len() as u64);
        Ok(Some(((slot, objects), next)))
    }

    /// A commit behind an empty slot, if there is one.
    pub(in crate::audit) async fn later_than(&self, slot: u64) -> Result<Option<u64>, ClientError> {
        for distance in DISTANCES {
            let later = slot.saturating_add(distance);
            if self.objects.get(&commit_key(later), COMMIT_BYTES_MAX).await? != Object::Missing {
                return Ok(Some(later));
            }
        }
        Ok(None)
    }

    /// Attachments by their digests. One that cannot be had, or hashes to something else, is left out.
    pub(in crate::audit) async fn attachment(&self, digest: Sha256Digest) -> Result<Fetched, ClientError> {
        let object = self.objects.get(&attachment_key(&digest), ATTACHMENT_BYTES_MAX as u64).await?;
        Ok((digest, object.bytes()))
    }
}

/// Decodes what was read; the first slot that holds no commit ends it.
fn decode_run((slot, objects): Run, keys: &KeysAtHand, how: Signatures) -> Part {
    let mut part = Part::empty();
    for (number, object) in (slot..).zip(objects) {
        let why = match object {
            Object::Missing => return part,
            Object::TooLarge => "it is larger than any commit".to_owned(),
            Object::Here(bytes) => match decode_commit(&bytes, keys, how) {
                Ok(piece) => {
                    part.pieces.push(piece);
                    continue;
                }
                Err(why) => why,
            },
        };
        let what = format!("commit {number} cannot be read: {why}");
        part.finding = Some(Finding::new(FindingKind::CommitMalformed, what));
        return part;
    }
    part
}
