//! A small log for tests: real entries, real proofs, keys that the test holds.

use std::time::Duration;

use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{
    Base64Bytes, CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding,
};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::number::{PolicyNumber, Seconds};
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::RootKeys;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::statement::{EntryRef, Freeze, Predicate, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::trust::{Trust, TrustedPolicy};
use holdfast_formats::wire::v1::{Consistency, LoggedEntry, Receipt};
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};

use crate::statement::Draft;

pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_795_000_000_000);

/// The key that may say everything.
pub(crate) fn user() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

fn log_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn origin() -> Origin {
    "example/log".parse().unwrap()
}

/// Entries from 0 on; entry 0 is policy 1.
#[derive(Clone)]
pub(crate) struct TestLog {
    leaves: Vec<Vec<u8>>,
    policy_sha256: Sha256Digest,
}

impl TestLog {
    /// A log of policy 1 alone. Its bytes differ from run to run.
    pub(crate) fn new() -> Self {
        let public = |seed| SigningKey::from_seed([seed; 32]).public();
        let keys = RegistryKeys { log: log_key().public(), head: public(2), registry: public(3) };
        let policy = solo_policy(origin(), keys, user().public(), "owner".parse().unwrap());
        let payload = payload_of(policy);
        Self { policy_sha256: Sha256Digest::of(&payload), leaves: vec![leaf_of(&payload, &user())] }
    }

    /// Adds a statement signed by a key.
    pub(crate) fn push(&mut self, predicate: impl Into<Predicate>, key: &SigningKey) {
        self.leaves.push(leaf_of(&payload_of(predicate), key));
    }

    /// Adds freezes until the log has this size.
    pub(crate) fn grow_to(&mut self, size: usize) {
        while self.leaves.len() < size {
            let freeze = Freeze {
                channel: "shop/prod".parse().unwrap(),
                reason: "incident".parse().unwrap(),
                until: None,
            };
            self.push(freeze, &user());
        }
    }

    /// Forgets the entries beyond a size.
    pub(crate) fn cut_to(&mut self, size: usize) {
        self.leaves.truncate(size);
    }

    /// What a client starts from, with the registry at an address.
    pub(crate) fn trust(&self, url: &str) -> Trust {
        Trust {
            origin: origin(),
            url: url.parse().unwrap(),
            log_keys: vec![log_key().public()],
            head_keys: vec![SigningKey::from_seed([2; 32]).public()],
            root: RootKeys { keys: vec![user().public()], threshold: 1 },
            policy: TrustedPolicy { number: PolicyNumber::FIRST, sha256: self.policy_sha256 },
            witnesses: None,
            head_max_age_s: Seconds::new(300).unwrap(),
        }
    }

    pub(crate) fn entries(&self) -> Vec<LoggedEntry> {
        (0..).zip(&self.leaves).map(|(at, leaf)| entry(at, leaf)).collect()
    }

    pub(crate) fn checkpoint(&self, size: usize) -> String {
        let root = root(&self.hashes(size));
        let checkpoint = Checkpoint::new(origin(), TreeSize::new(size as u64).unwrap(), root).unwrap();
        sign_checkpoint(&checkpoint, &log_key())
    }

    /// The receipt of an entry under the checkpoint of a size.
    pub(crate) fn receipt(&self, index: usize, size: usize) -> Receipt {
        let LoggedEntry { index: at, entry, .. } = entry(index as u64, &self.leaves[index]);
        let proof = TlogProof::new(at, path(index, &self.hashes(size)), self.checkpoint(size)).unwrap();
        Receipt { index: at, entry, proof: proof.to_string(), payload: None, grant: None }
    }

    pub(crate) fn consistency(&self, from: usize, to: usize) -> Consistency {
        let hashes = subproof(from, &self.hashes(to), true);
        let size = |n: usize| TreeSize::new(n as u64).unwrap();
        Consistency { from: size(from), to: size(to), hashes, checkpoint: self.checkpoint(to) }
    }

    /// Adds a freeze whose type a newer version may have.
    pub(crate) fn push_unknown_type(&mut self, urn: &str) {
        let freeze = Freeze {
            channel: "shop/prod".parse().unwrap(),
            reason: "incident".parse().unwrap(),
            until: None,
        };
        let payload = String::from_utf8(payload_of(freeze)).unwrap();
        assert!(payload.contains("urn:holdfast:freeze:v1"));
        let payload = payload.replace("urn:holdfast:freeze:v1", urn);
        self.leaves.push(leaf_of(payload.as_bytes(), &user()));
    }

    /// Adds a second policy that raises the rule book.
    pub(crate) fn push_rules(&mut self, rules: u32) {
        let first = &self.leaves[0];
        let EntryPayload::Inline(payload) = Entry::parse(first).unwrap().payload else { unreachable!() };
        let Predicate::Policy(mut policy) = Statement::parse(&payload).unwrap().predicate else {
            unreachable!()
        };
        policy.number = PolicyNumber::new(2).unwrap();
        policy.predecessor =
            Some(EntryRef { index: LeafIndex::new(0).unwrap(), leaf: TreeHash::leaf(first) });
        policy.rules = rules;
        self.push(*policy, &user());
    }

    fn hashes(&self, size: usize) -> Vec<TreeHash> {
        self.leaves[..size].iter().map(|leaf| TreeHash::leaf(leaf)).collect()
    }
}

fn entry(index: u64, leaf: &[u8]) -> LoggedEntry {
    LoggedEntry { index: LeafIndex::new(index).unwrap(), entry: Base64Bytes(leaf.to_vec()), payload: None }
}

fn payload_of(predicate: impl Into<Predicate>) -> Vec<u8> {
    let draft = Draft { valid_for: Duration::from_mins(1), ..Draft::new(predicate) };
    draft.prepare(&origin(), NOW).unwrap().payload().to_vec()
}

fn leaf_of(payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let sig = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, payload));
    let signatures = vec![CanonicalSignature { keyid: key.public().id(), sig }];
    let payload = EntryPayload::place(payload);
    Entry { time: NOW, rules: RULE_BOOK_VERSION, payload, signatures }.encode().unwrap()
}

/// The largest power of two below a number above 1.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

/// RFC 6962, section 2.1.
fn root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::empty(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            TreeHash::node(&root(left), &root(right))
        }
    }
}

/// RFC 6962, section 2.1.1.
fn path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut out, sibling) =
        if index < left.len() { (path(index, left), right) } else { (path(index - left.len(), right), left) };
    out.push(root(sibling));
    out
}

/// RFC 6962, section 2.1.2.
fn subproof(from: usize, leaves: &[TreeHash], whole: bool) -> Vec<TreeHash> {
    if from == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut out, other) = if from <= left.len() {
        (subproof(from, left, whole), right)
    } else {
        (subproof(from - left.len(), right, false), left)
    };
    out.push(root(other));
    out
}
