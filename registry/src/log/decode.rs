//! Decoding what is logged: from a commit object to entries whose leaves are hashed and statements parsed.

use bytes::Bytes;
use holdfast_formats::commit::{Commit, CommitError, CommitHeader};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::key::PublicKey;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::tree::{LeafIndex, TreeHash};

use super::attachments::{AttachmentError, Attachments, checked};
use crate::blocking::Blocking;

/// A commit, decoded as far as that needs no facts.
#[derive(Debug)]
pub(super) struct DecodedCommit {
    pub(super) header: CommitHeader,
    pub(super) hash: Sha256Digest,
    /// Where the first entry's frame begins in the object.
    pub(super) body_at: u64,
    pub(super) entries: Vec<DecodedEntry>,
    commit: Commit,
    /// Whose signature was verified already.
    signed_by: Option<PublicKey>,
    object_bytes: usize,
    attached_bytes: usize,
}

/// One entry of a commit.
#[derive(Debug)]
pub(super) struct DecodedEntry {
    pub(super) entry: Entry,
    pub(super) length: u64,
    pub(super) leaf: TreeHash,
    pub(super) payload: Bytes,
    pub(super) payload_sha256: Sha256Digest,
    /// What it says; an error makes it an entry without effect.
    pub(super) statement: Result<Statement, String>,
    pub(super) manifest: Option<(Bytes, Manifest)>,
    /// The envelope of an `attest`, or the list of objects of a `sweep`.
    pub(super) attached: Option<Bytes>,
}

/// Why a commit object could not be decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// The object is malformed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// An entry is not in canonical form.
    #[error("entry {at} of the commit: {reason}")]
    Entry { at: usize, reason: String },
    /// An attachment is missing or corrupt.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
}

impl DecodedCommit {
    /// Parses an object, hashes its leaves, and checks the signature if it is by a `likely` writer, so that whoever applies
    /// it need not. No I/O: payloads that are attachments are filled in by [`Self::attach`].
    pub(super) fn parse(object: &[u8], likely: &[PublicKey]) -> Result<Self, DecodeError> {
        let mut commit = Commit::parse(object)?;
        let framed: usize = commit.entries.iter().map(|e| e.len() + 2).sum();
        let body_at = (object.len() - framed) as u64;
        let leaves = std::mem::take(&mut commit.entries);
        let entries =
            leaves.iter().enumerate().map(|(at, leaf)| decode_entry(at, leaf)).collect::<Result<_, _>>()?;
        let (header, hash, object_bytes) = (commit.header.clone(), commit.hash, object.len());
        let signed_by = likely.iter().find(|key| commit.verify(key).is_ok()).cloned();
        Ok(Self { header, hash, body_at, entries, commit, signed_by, object_bytes, attached_bytes: 0 })
    }

    /// Whether one of these keys is the writer's and its signature verifies.
    pub(super) fn is_signed_by_one_of(&self, keys: &[PublicKey]) -> bool {
        keys.iter().any(|key| self.signed_by.as_ref() == Some(key) || self.commit.verify(key).is_ok())
    }

    /// Reads payloads, manifests and envelopes that are attachments.
    pub(super) async fn attach(
        self,
        attachments: &Attachments,
        blocking: &Blocking,
    ) -> Result<Self, DecodeError> {
        // A payload says which manifest or envelope its entry needs.
        let read = self.fill(attachments, blocking, DecodedEntry::payload_named, DecodedEntry::take_payload);
        read.await?.fill(attachments, blocking, DecodedEntry::content_named, DecodedEntry::take_content).await
    }

    /// Reads what entries name, all at once, and gives it to them.
    async fn fill(
        mut self,
        attachments: &Attachments,
        blocking: &Blocking,
        named: fn(&DecodedEntry) -> Option<Sha256Digest>,
        take: fn(&mut DecodedEntry, Bytes),
    ) -> Result<Self, DecodeError> {
        let digests: Vec<Sha256Digest> = self.entries.iter().filter_map(named).collect();
        if digests.is_empty() {
            return Ok(self);
        }
        let contents = attachments.get_unchecked(&digests).await?;
        let give = move || {
            self.attached_bytes += contents.iter().map(Bytes::len).sum::<usize>();
            let takers = self.entries.iter_mut().filter(|entry| named(entry).is_some());
            for ((entry, digest), bytes) in takers.zip(&digests).zip(contents) {
                take(entry, checked(digest, bytes)?);
            }
            Ok(self)
        };
        blocking.run(give).await
    }

    /// The newest rule book that its entries, or the policies in it, need.
    pub(super) fn rules_needed(&self) -> u32 {
        self.entries.iter().map(DecodedEntry::rules_needed).max().unwrap_or_default()
    }

    /// The place of its last publish.
    pub(super) fn newest_publish(&self) -> Option<LeafIndex> {
        let is_publish = |entry: &DecodedEntry| {
            matches!(entry.statement.as_ref().map(|s| &s.predicate), Ok(Predicate::Publish(_)))
        };
        let at = self.entries.iter().rposition(is_publish)?;
        LeafIndex::new(self.header.previous_size.get() + at as u64).ok()
    }

    /// About how much memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        self.object_bytes + self.attached_bytes
    }
}

fn decode_entry(at: usize, leaf: &[u8]) -> Result<DecodedEntry, DecodeError> {
    let mut entry =
        Entry::parse(leaf).map_err(|error| DecodeError::Entry { at, reason: error.to_string() })?;
    let length = leaf.len() as u64;
    let leaf = TreeHash::leaf(leaf);
    let (payload, payload_sha256) = match &mut entry.payload {
        EntryPayload::Inline(bytes) => {
            let bytes = Bytes::from(std::mem::take(bytes));
            let digest = Sha256Digest::of(&bytes);
            (bytes, digest)
        }
        EntryPayload::Attached(attachment) => (Bytes::new(), attachment.sha256),
    };
    let statement = parse_statement(&payload);
    Ok(DecodedEntry {
        entry,
        length,
        leaf,
        payload,
        payload_sha256,
        statement,
        manifest: None,
        attached: None,
    })
}

fn parse_statement(payload: &[u8]) -> Result<Statement, String> {
    Statement::parse(payload).map_err(|error| error.to_string())
}

impl DecodedEntry {
    fn rules_needed(&self) -> u32 {
        match self.statement.as_ref().map(|statement| &statement.predicate) {
            Ok(Predicate::Policy(policy)) => policy.rules.max(self.entry.rules),
            _ => self.entry.rules,
        }
    }

    fn payload_named(&self) -> Option<Sha256Digest> {
        match &self.entry.payload {
            EntryPayload::Attached(attachment) => Some(attachment.sha256),
            EntryPayload::Inline(_) => None,
        }
    }

    fn take_payload(&mut self, bytes: Bytes) {
        self.statement = parse_statement(&bytes);
        self.payload = bytes;
    }

    fn content_named(&self) -> Option<Sha256Digest> {
        match &self.statement.as_ref().ok()?.predicate {
            Predicate::Publish(publish) => Some(publish.manifest.digests.sha256),
            Predicate::Attest(attest) => Some(attest.envelope.digests.sha256),
            Predicate::Sweep(sweep) => sweep.objects.map(|list| list.sha256),
            _ => None,
        }
    }

    fn take_content(&mut self, bytes: Bytes) {
        if matches!(self.statement.as_ref().map(|s| &s.predicate), Ok(Predicate::Publish(_))) {
            // A manifest that does not parse leaves the candidate without one, and the rule book refuses it.
            self.manifest = Manifest::parse(&bytes).ok().map(|manifest| (bytes, manifest));
        } else {
            self.attached = Some(bytes);
        }
    }
}
