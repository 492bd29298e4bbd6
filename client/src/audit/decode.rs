//! From bytes to what is judged: everything that needs no facts, so that it can be done on all cores ahead of judging.
//!
//! Leaves and payloads are hashed here and nowhere else, and signatures verified by the keys that are known by now. What
//! that is worth at an entry's own place is decided when it is judged.

use std::sync::{Arc, PoisonError, RwLock};

use holdfast_formats::commit::{Commit, CommitHeader};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::PAYLOAD_TYPE;
use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{AttachmentRef, Predicate, Statement, StatementError};
use holdfast_formats::tree::TreeHash;
use holdfast_verify::signature::{KnownKeys, VerifiedAhead, verify_ahead};

/// What every statement type begins with, in whichever version.
const TYPES_OF_OURS: &str = "urn:holdfast:";
/// Keys that were asked for by signatures beyond those of the policy, and are kept at hand.
const EXTRA_KEYS_MAX: usize = 4096;

/// The keys by which signatures are verified ahead; whoever judges says which.
#[derive(Debug, Clone)]
pub(super) struct KeysAtHand(Arc<RwLock<Arc<KnownKeys>>>);

impl KeysAtHand {
    pub(super) fn none() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(KnownKeys::none()))))
    }

    pub(super) fn get(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub(super) fn set(&self, keys: KnownKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// One more, while there is room: those of a new policy make room again.
    pub(super) fn add(&self, key: PublicKey) {
        let mut keys = self.get().as_ref().clone();
        if keys.len() < EXTRA_KEYS_MAX && keys.get(&key.id()).is_none() {
            keys.insert(key);
            self.set(keys);
        }
    }

    /// The keys of policies that are read ahead, so that what follows need not wait until they are judged.
    fn learn<'p>(&self, policies: impl IntoIterator<Item = &'p Policy>) {
        for policy in policies {
            let principals = policy.principals.iter().filter_map(|principal| principal.key.as_ref());
            for key in principals.chain(&policy.root.keys).chain(&policy.registry_keys) {
                self.add(key.clone());
            }
        }
    }
}

/// Which signatures are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    /// All.
    Verify,
    /// None: whoever audits vouches for them.
    Skip,
}

/// An entry that can be judged as soon as its attachments are there.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) leaf: TreeHash,
    /// About how much memory it takes.
    pub(super) bytes: usize,
    /// What it says, or why nothing can be read.
    pub(super) content: Result<Content, String>,
}

/// What an entry says.
#[derive(Debug)]
pub(super) struct Content {
    /// The entry without its payload.
    pub(super) entry: Entry,
    /// The payload, unless it is an attachment that was not given.
    pub(super) payload: Option<Payload>,
    pub(super) payload_sha256: Sha256Digest,
}

/// The signed bytes, read.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) statement: Result<Statement, Unread>,
    pub(super) ahead: VerifiedAhead,
}

/// Why a payload could not be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is of a type of ours that only a newer version knows.
    Newer(String),
    /// It is nothing that a statement may be.
    Malformed(String),
}

impl Unread {
    fn because(error: &StatementError) -> Self {
        match error {
            StatementError::UnknownType(urn) if urn.starts_with(TYPES_OF_OURS) => Self::Newer(urn.clone()),
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// Entries that follow each other: of a page, or of a commit or a part of one.
#[derive(Debug)]
pub(super) struct Piece {
    /// The commit that begins with them.
    pub(super) begins: Option<CommitHead>,
    pub(super) entries: Vec<Decoded>,
    /// What is claimed of the tree with them, where a commit ends.
    pub(super) ends: Option<CommitEnd>,
}

impl Piece {
    /// Entries that no commit brought.
    pub(super) const fn page(entries: Vec<Decoded>) -> Self {
        Self { begins: None, entries, ends: None }
    }

    /// Leaves the first so many entries here, and gives the rest.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { begins: None, entries: self.entries.split_off(at), ends: self.ends.take() }
    }
}

/// A commit without its entries.
#[derive(Debug)]
pub(super) struct CommitHead {
    pub(super) header: CommitHeader,
    /// The policies that its own entries bring.
    pub(super) brought: Vec<Policy>,
    commit: Commit,
    /// Whether the writer's key was at hand, and its signature verified.
    ahead: Option<bool>,
}

/// The end of a commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitEnd {
    pub(super) number: u64,
    pub(super) hash: Sha256Digest,
    pub(super) root: TreeHash,
}

impl CommitHead {
    /// Whether one of these keys is the writer's and its signature verifies.
    pub(super) fn is_signed_by_one_of(&self, keys: &[PublicKey]) -> bool {
        let Some(key) = keys.iter().find(|key| key.id() == self.header.writer) else { return false };
        self.ahead.unwrap_or_else(|| self.commit.verify(key).is_ok())
    }
}

/// Decodes a leaf, and its payload where that is an attachment and was given.
pub(super) fn decode(leaf: &[u8], attached: Option<Vec<u8>>, keys: &KnownKeys, how: Signatures) -> Decoded {
    let hash = TreeHash::leaf(leaf);
    // An entry in memory takes about twice its bytes.
    let bytes = 2 * leaf.len() + attached.as_ref().map_or(0, Vec::len);
    let content = Entry::parse(leaf).map_err(|e| e.to_string());
    Decoded { leaf: hash, bytes, content: content.and_then(|entry| content_of(entry, attached, keys, how)) }
}

fn content_of(
    mut entry: Entry,
    attached: Option<Vec<u8>>,
    keys: &KnownKeys,
    how: Signatures,
) -> Result<Content, String> {
    let (payload, payload_sha256) = match (&mut entry.payload, attached) {
        (EntryPayload::Inline(bytes), None) => {
            let bytes = std::mem::take(bytes);
            let digest = Sha256Digest::of(&bytes);
            (Some(bytes), digest)
        }
        (EntryPayload::Inline(_), Some(_)) => {
            return Err("a payload came beside the one in its leaf".to_owned());
        }
        (EntryPayload::Attached(named), attached) => {
            (attached.filter(|bytes| AttachmentRef::of(bytes) == *named), named.sha256)
        }
    };
    let mut content = Content { entry, payload: None, payload_sha256 };
    if let Some(bytes) = payload {
        content.give_payload(bytes, keys, how);
    }
    Ok(content)
}

impl Content {
    /// The attachment that holds the payload, while it was not given.
    pub(super) fn payload_wanted(&self) -> Option<AttachmentRef> {
        match &self.entry.payload {
            EntryPayload::Attached(named) if self.payload.is_none() => Some(*named),
            _ => None,
        }
    }

    /// Gives the payload, which hashes to what the leaf names.
    pub(super) fn give_payload(&mut self, bytes: Vec<u8>, keys: &KnownKeys, how: Signatures) {
        let statement = Statement::parse(&bytes).map_err(|error| Unread::because(&error));
        let ahead = match how {
            Signatures::Verify => verify_ahead(PAYLOAD_TYPE, &bytes, &self.entry.signatures, keys),
            Signatures::Skip => VerifiedAhead::nothing(),
        };
        self.payload = Some(Payload { bytes, statement, ahead });
    }

    /// The attachment that the rule book reads.
    pub(super) fn content_wanted(&self) -> Option<AttachmentRef> {
        match &self.payload.as_ref()?.statement.as_ref().ok()?.predicate {
            Predicate::Publish(publish) => {
                Some(AttachmentRef { sha256: publish.manifest.digests.sha256, size: publish.manifest.size })
            }
            Predicate::Attest(attest) => Some(attest.envelope.attachment()),
            Predicate::Sweep(sweep) => sweep.objects,
            _ => None,
        }
    }
}

/// Decodes the leaves of a page, each with its payload where that is an attachment and was given.
pub(super) fn decode_page(
    leaves: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    at_hand: &KeysAtHand,
    how: Signatures,
) -> Piece {
    let keys = at_hand.get();
    let leaves = leaves.into_iter();
    let entries: Vec<_> = leaves.map(|(leaf, attached)| decode(&leaf, attached, &keys, how)).collect();
    at_hand.learn(entries.iter().filter_map(policy_of));
    Piece::page(entries)
}

/// Decodes a commit; an error says why it is none.
pub(super) fn decode_commit(bytes: &[u8], at_hand: &KeysAtHand, how: Signatures) -> Result<Piece, String> {
    let keys = at_hand.get();
    let mut commit = Commit::parse(bytes).map_err(|e| e.to_string())?;
    let leaves = std::mem::take(&mut commit.entries);
    let entries: Vec<Decoded> = leaves.iter().map(|leaf| decode(leaf, None, &keys, how)).collect();
    let ahead = keys.get(&commit.header.writer).map(|key| commit.verify(key).is_ok());
    let header = commit.header.clone();
    let ends = Some(CommitEnd { number: header.number, hash: commit.hash, root: header.root });
    at_hand.learn(entries.iter().filter_map(policy_of));
    let brought = entries.iter().filter_map(policy_of).cloned().collect();
    Ok(Piece { begins: Some(CommitHead { header, brought, commit, ahead }), entries, ends })
}

fn policy_of(decoded: &Decoded) -> Option<&Policy> {
    match &decoded.content.as_ref().ok()?.payload.as_ref()?.statement.as_ref().ok()?.predicate {
        Predicate::Policy(policy) => Some(policy),
        _ => None,
    }
}
