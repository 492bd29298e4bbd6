//! The manifests and envelopes that entries name: several at a time, and never more than memory may hold.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::Predicate;
use holdfast_formats::wire::v1::{LoggedEntry, ProblemCode};
use holdfast_verify::logged::LoggedStatement;

use crate::error::ClientError;
use crate::session::Registry;
use crate::transport::Request;

/// Attachments held at once: no further one is fetched beyond this, so that at most one of the largest comes on top.
const HELD_BYTES: u64 = 64 * 1024 * 1024;
/// How many are fetched at a time.
const IN_FLIGHT: usize = 8;

/// Attachments by their digest.
pub(super) type Attachments = HashMap<Sha256Digest, Vec<u8>>;

impl Registry {
    /// What the first entries name, and how many entries that covers: as many as fit into memory. An attachment that
    /// cannot be had is left out, and its entry is then a finding.
    pub(super) async fn attachments(
        &self,
        entries: &[LoggedEntry],
    ) -> Result<(usize, Attachments), ClientError> {
        let (covered, wanted) = plan(entries);
        let fetched = stream::iter(wanted)
            .map(|(digest, size)| async move { Ok((digest, self.attachment(digest, size).await?)) })
            .buffer_unordered(IN_FLIGHT)
            .boxed();
        let keep = |mut found: Attachments, (digest, bytes): (Sha256Digest, Option<Vec<u8>>)| async move {
            found.extend(bytes.map(|bytes| (digest, bytes)));
            Ok::<_, ClientError>(found)
        };
        Ok((covered, fetched.try_fold(HashMap::new(), keep).await?))
    }

    async fn attachment(&self, digest: Sha256Digest, size: u64) -> Result<Option<Vec<u8>>, ClientError> {
        let path = format!("/v1/log/attachments/{digest}");
        match self.transport().call_bytes(&Request::get(&path, "attachment", size)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_lost(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the registry does not have something whole, or has something else in its place.
fn is_lost(error: &ClientError) -> bool {
    let code = matches!(error.code(), Some(ProblemCode::NotFound | ProblemCode::Gone | ProblemCode::Corrupt));
    code || matches!(error, ClientError::AnswerTooLarge { .. })
}

/// What to fetch with the sizes that the statements say, each once, and how many entries that covers.
fn plan(entries: &[LoggedEntry]) -> (usize, BTreeMap<Sha256Digest, u64>) {
    let (mut wanted, mut held) = (BTreeMap::new(), 0);
    for (at, entry) in entries.iter().enumerate() {
        if held >= HELD_BYTES {
            return (at, wanted);
        }
        // What cannot be read is reported when it is judged.
        let Ok(logged) = LoggedStatement::of_logged(entry) else { continue };
        let (digest, size) = match &logged.statement().predicate {
            Predicate::Publish(publish) => (publish.manifest.digests.sha256, publish.manifest.size),
            Predicate::Attest(attest) => (attest.envelope.digests.sha256, attest.envelope.size),
            _ => continue,
        };
        let size = size.get().min(ATTACHMENT_BYTES_MAX as u64);
        if wanted.insert(digest, size).is_none() {
            held += size;
        }
    }
    (entries.len(), wanted)
}

#[cfg(test)]
mod tests {
    use holdfast_formats::digest::Digests;
    use holdfast_formats::number::ByteSize;
    use holdfast_formats::statement::{Attest, AttestedEnvelope, AttestedSubject};

    use super::*;
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

    #[test]
    fn no_more_is_fetched_at_once_than_memory_may_hold_and_each_once() {
        let mut log = TestLog::new();
        for name in ["a", "a", "b", "c", "d"] {
            attest(&mut log, name, HELD_BYTES / 2);
        }
        let entries = log.entries();
        let (covered, wanted) = plan(&entries);
        assert_eq!((covered, wanted.len()), (4, 2), "the policy, a, a again and b");
        let (rest, wanted) = plan(&entries[covered..]);
        assert_eq!((rest, wanted.len()), (2, 2));
    }

    #[test]
    fn a_size_that_no_attachment_has_does_not_stop_the_audit() {
        let mut log = TestLog::new();
        attest(&mut log, "endless", 1 << 52);
        attest(&mut log, "b", 1);
        let entries = log.entries();
        let (covered, wanted) = plan(&entries[1..]);
        assert_eq!(covered, 1);
        assert!(wanted.values().all(|size| *size == ATTACHMENT_BYTES_MAX as u64));
    }
}
