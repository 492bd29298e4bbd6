//! Groups of entries that are judged in one transaction: as many as are ready, with the attachments that they name, and
//! never more than memory may hold.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::AttachmentRef;
use holdfast_formats::tree::TreeSize;
use tokio::time::{Instant, timeout_at};

use super::{Part, Source};
use crate::audit::decode::{Content, KeysAtHand, Piece, Signatures};
use crate::audit::finding::Finding;
use crate::audit::kept::Position;
use crate::audit::replay::{Attachments, Group};
use crate::error::ClientError;

/// How many entries a group has, about.
const GROUP_ENTRIES: usize = 4096;
/// How long a group waits for more: what a transaction costs is shared by its entries, but a slow source must not keep
/// what it has brought from being kept.
const GROUP_WAIT: Duration = Duration::from_millis(500);
/// How much memory its entries take, about. Two groups are in memory at a time.
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// Attachments held at once: no further one is fetched beyond this, so that at most one of the largest comes on top.
const HELD_BYTES: u64 = 16 * 1024 * 1024;
/// How many are fetched at a time.
const IN_FLIGHT: usize = 8;

/// The entries behind a position, in groups.
pub(in crate::audit) struct Groups {
    source: Source,
    keys: KeysAtHand,
    parts: stream::Peekable<BoxStream<'static, Result<Part, ClientError>>>,
    /// Pieces whose attachments did not fit into the group before.
    left: Vec<Piece>,
    /// What ended the log before its time.
    ended: Option<Finding>,
    is_done: bool,
}

impl Groups {
    pub(in crate::audit) fn of(
        source: &Source,
        position: &Position,
        to: TreeSize,
        keys: &KeysAtHand,
        from: TreeSize,
    ) -> Self {
        let parts = source.parts(position, to, keys, from).peekable();
        Self {
            source: source.clone(),
            keys: keys.clone(),
            parts,
            left: Vec::new(),
            ended: None,
            is_done: false,
        }
    }

    /// The next group; `None` at the end.
    pub(in crate::audit) async fn next(&mut self) -> Result<Option<Group>, ClientError> {
        if self.left.is_empty() && !self.is_done {
            self.left = self.ready().await?;
        }
        let mut pieces = std::mem::take(&mut self.left);
        if pieces.is_empty() {
            let last = self.ended.take().map(|finding| Group {
                pieces: Vec::new(),
                attachments: Attachments::new(),
                findings: vec![finding],
            });
            return Ok(last);
        }
        fill_payloads(&self.source, &self.keys, &mut pieces).await?;
        let (covered, within, wanted) = plan(&pieces);
        let mut left = pieces.split_off(covered);
        if within > 0
            && let Some(first) = left.first_mut()
        {
            let rest = first.split_off(within);
            pieces.push(std::mem::replace(first, rest));
        }
        self.left = left;
        let attachments = fetch(&self.source, wanted).await?;
        Ok(Some(Group { pieces, attachments, findings: Vec::new() }))
    }

    /// Waits for one part, and for those that come soon after it, until they make a group.
    async fn ready(&mut self) -> Result<Vec<Piece>, ClientError> {
        let (mut pieces, mut entries, mut bytes) = (Vec::new(), 0, 0);
        let mut next = self.parts.next().await;
        let deadline = Instant::now() + GROUP_WAIT;
        while let Some(part) = next.transpose()? {
            for piece in part.pieces {
                entries += piece.entries.len();
                bytes += piece.entries.iter().map(|entry| entry.bytes).sum::<usize>();
                pieces.push(piece);
            }
            if part.finding.is_some() {
                (self.ended, self.is_done) = (part.finding, true);
                break;
            }
            let full = entries >= GROUP_ENTRIES || bytes >= GROUP_BYTES;
            // An error waits for its turn: what came before it is judged first.
            let more = timeout_at(deadline, Pin::new(&mut self.parts).peek());
            let is_ready = !full && matches!(more.await, Ok(Some(Ok(_))));
            next = if is_ready { self.parts.next().await } else { None };
        }
        Ok(pieces)
    }
}

/// Payloads that are attachments say which further attachment their entry needs.
async fn fill_payloads(source: &Source, keys: &KeysAtHand, pieces: &mut [Piece]) -> Result<(), ClientError> {
    for piece in pieces {
        for decoded in &mut piece.entries {
            let Ok(content) = &mut decoded.content else { continue };
            let Some(wanted) = content.payload_wanted() else { continue };
            if let (_, Some(bytes)) = source.attachment(wanted).await? {
                content.give_payload(bytes, &keys.get(), Signatures::Verify);
            }
        }
    }
    Ok(())
}

async fn fetch(source: &Source, wanted: Wanted) -> Result<Attachments, ClientError> {
    if wanted.is_empty() {
        return Ok(Attachments::new());
    }
    let fetched = stream::iter(wanted.into_values())
        .map(|wanted| source.attachment(wanted))
        .buffer_unordered(IN_FLIGHT)
        .boxed();
    let keep = |mut found: Attachments, (digest, bytes): (Sha256Digest, Option<Vec<u8>>)| async move {
        found.extend(bytes.map(|bytes| (digest, bytes)));
        Ok::<_, ClientError>(found)
    };
    fetched.try_fold(Attachments::new(), keep).await
}

type Wanted = BTreeMap<Sha256Digest, AttachmentRef>;

/// What to fetch, each once, and what that covers: so many whole pieces, and so many entries of the next; at least one
/// entry.
fn plan(pieces: &[Piece]) -> (usize, usize, Wanted) {
    let (mut wanted, mut held) = (Wanted::new(), 0);
    for (at, piece) in pieces.iter().enumerate() {
        for (within, decoded) in piece.entries.iter().enumerate() {
            if held >= HELD_BYTES {
                return (at, within, wanted);
            }
            // What cannot be read is reported when it is judged.
            let content = decoded.content.as_ref().ok().and_then(Content::content_wanted);
            if let Some(attachment) = content
                && wanted.insert(attachment.sha256, attachment).is_none()
            {
                held += attachment.size.get().min(ATTACHMENT_BYTES_MAX as u64);
            }
        }
    }
    (pieces.len(), 0, wanted)
}

#[cfg(test)]
mod tests {
    use holdfast_formats::digest::Digests;
    use holdfast_formats::number::ByteSize;
    use holdfast_formats::statement::{Attest, AttestedEnvelope, AttestedSubject};
    use holdfast_verify::signature::KnownKeys;

    use super::*;
    use crate::audit::decode::decode;
    use crate::test_log::{TestLog, user};

    fn attest(log: &mut TestLog, name: &str, size: u64) {
        let digests = Digests::of(name.as_bytes());
        let envelope = AttestedEnvelope {
            digests,
            size: ByteSize::new(size).unwrap(),
            predicate_type: "https://example/test".parse().unwrap(),
        };
        log.push(Attest { envelope, subjects: vec![AttestedSubject { digests }] }, &user());
    }

    fn piece(log: &TestLog) -> Piece {
        let keys = KnownKeys::none();
        let read = |entry: &[u8]| decode(entry, None, &keys, Signatures::Verify);
        Piece::page(log.entries().iter().map(|logged| read(&logged.entry.0)).collect())
    }

    #[test]
    fn no_more_is_fetched_at_once_than_memory_may_hold_and_each_once() {
        let mut log = TestLog::new();
        for name in ["a", "a", "b", "c", "d"] {
            attest(&mut log, name, HELD_BYTES / 2);
        }
        let mut first = piece(&log);
        let (covered, within, wanted) = plan(std::slice::from_ref(&first));
        assert_eq!((covered, within, wanted.len()), (0, 4, 2), "the policy, a, a again and b");
        let rest = first.split_off(within);
        let (covered, within, wanted) = plan(&[rest]);
        assert_eq!((covered, within, wanted.len()), (1, 0, 2));
    }

    #[test]
    fn a_size_that_no_attachment_has_does_not_stop_the_audit() {
        let mut log = TestLog::new();
        attest(&mut log, "endless", 1 << 52);
        attest(&mut log, "b", 1);
        let (covered, within, wanted) = plan(&[piece(&log)]);
        assert_eq!((covered, within, wanted.len()), (0, 2, 1));
    }
}
