//! What whoever runs a registry can do: log what the rule book refuses, grow two logs out of one, and sign all of it.

use std::path::Path;

use anyhow::Context as _;
use holdfast_client::new_id;
use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::note::Note;
use holdfast_formats::origin::Origin;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::statement::{Header, Predicate, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::wire::v1::{
    Consistency, ConsistencyProof, KnownGood, LogEntries, LoggedEntry, ProvenEntry, Receipt,
};
use holdfast_registry::log::{KeyKind, NodeKeys};
use holdfast_verify::channel_head::sign_head;
use holdfast_verify::merkle::{MerkleError, NodeAddress, consistency_proof, inclusion_proof, tree_root};
use holdfast_verify::subject::statement;

use super::reply::Asked;
use crate::{Person, TestRegistry};

/// A statement as it is going to be logged. Its fields are what honest ones have; a test changes what it wants.
pub struct Signed {
    /// What is said.
    pub statement: Statement,
    /// What its bytes are said to be where they are signed.
    pub payload_type: &'static str,
    /// The rule book that is said to have judged it.
    pub rules: u32,
    /// When it is said to have been logged.
    pub time: Timestamp,
}

/// What a registry signs with.
#[derive(Clone)]
pub struct OperatorKeys {
    /// The log's name.
    pub origin: Origin,
    /// Signs checkpoints.
    pub log: SigningKey,
    /// Signs channel heads.
    pub head: SigningKey,
    /// Signs commits and the registry's own statements.
    pub registry: SigningKey,
}

impl OperatorKeys {
    fn load(folder: &Path) -> anyhow::Result<Self> {
        let keys = NodeKeys::load(folder)?.context("a registry has keys")?;
        let first = |kind| keys.keys(kind).first().cloned().context("no kind is empty");
        let (log, registry) = (first(KeyKind::Log)?, first(KeyKind::Registry)?);
        Ok(Self { origin: keys.origin.clone(), log, head: first(KeyKind::Head)?, registry })
    }
}

/// A log and the keys to sign it, and nobody to say what goes in.
#[derive(Clone)]
pub struct Operator {
    /// The keys of log, heads and registry.
    pub keys: OperatorKeys,
    leaves: Vec<LoggedEntry>,
    now: Timestamp,
}

impl Operator {
    /// Takes what a registry has logged so far.
    pub async fn of(registry: &TestRegistry, auditor: &Person) -> anyhow::Result<Self> {
        let keys = OperatorKeys::load(&registry.keys_folder())?;
        let (http, mut leaves) = (auditor.http()?, Vec::new());
        loop {
            let page: LogEntries = http.read(&format!("/v1/log/entries?from={}", leaves.len())).await?;
            if page.entries.is_empty() || page.size.get() == leaves.len() as u64 {
                return Ok(Self { keys, leaves, now: registry.clock().timestamp() });
            }
            leaves.extend(page.entries);
            if page.size.get() == leaves.len() as u64 {
                return Ok(Self { keys, leaves, now: registry.clock().timestamp() });
            }
        }
    }

    /// How many entries it has.
    pub fn size(&self) -> TreeSize {
        size(self.leaves.len() as u64)
    }

    /// Forgets what comes after a size.
    pub fn cut_to(&mut self, size: TreeSize) {
        self.leaves.truncate(usize::try_from(size.get()).unwrap_or(usize::MAX));
    }

    /// The statement that this would be, said now.
    pub fn statement(&self, predicate: impl Into<Predicate>) -> Signed {
        let header = Header {
            log: self.keys.origin.clone(),
            id: new_id(),
            issued_at: self.now,
            not_after: self.now.plus_ms(600_000),
            context: None,
            annotations: None,
        };
        let statement = statement(header, predicate);
        Signed { statement, payload_type: PAYLOAD_TYPE, rules: RULE_BOOK_VERSION, time: self.now }
    }

    /// Logs a statement that nobody judges, signed by whoever is there.
    pub fn log(&mut self, predicate: impl Into<Predicate>, by: &[&SigningKey]) -> LeafIndex {
        let signed = self.statement(predicate);
        self.log_signed(&signed, by)
    }

    /// Logs a statement as it is.
    pub fn log_signed(&mut self, signed: &Signed, by: &[&SigningKey]) -> LeafIndex {
        let payload = signed.statement.to_payload().unwrap_or_else(|error| unreachable!("{error}"));
        self.log_payload(&payload, signed, by)
    }

    /// Logs any bytes in the place of a statement's.
    pub fn log_payload(&mut self, payload: &[u8], signed: &Signed, by: &[&SigningKey]) -> LeafIndex {
        let message = pre_authentication_encoding(signed.payload_type, payload);
        let sign =
            |key: &&SigningKey| CanonicalSignature { keyid: key.public().id(), sig: key.sign(&message) };
        let mut signatures: Vec<_> = by.iter().map(sign).collect();
        signatures.sort();
        let payload = EntryPayload::place(payload);
        let entry = Entry { time: signed.time, rules: signed.rules, payload, signatures };
        self.log_leaf(&entry.encode().unwrap_or_else(|error| unreachable!("{error}")))
    }

    /// Logs the bytes of a leaf.
    pub fn log_leaf(&mut self, leaf: &[u8]) -> LeafIndex {
        let index = self.size().next_index();
        self.leaves.push(LoggedEntry {
            index,
            entry: holdfast_formats::envelope::Base64Bytes(leaf.to_vec()),
            payload: None,
        });
        index
    }

    /// An entry as it was logged.
    pub fn entry(&self, index: LeafIndex) -> LoggedEntry {
        let at = usize::try_from(index.get()).unwrap_or(usize::MAX);
        self.leaves.get(at).unwrap_or_else(|| unreachable!("the log has no entry {index}")).clone()
    }

    /// Puts another leaf in the place of one.
    pub fn replace(&mut self, index: LeafIndex, leaf: Vec<u8>) {
        let at = usize::try_from(index.get()).unwrap_or(usize::MAX);
        if let Some(entry) = self.leaves.get_mut(at) {
            entry.entry.0 = leaf;
        }
    }

    /// The root at a size.
    pub fn root(&self, size: TreeSize) -> TreeHash {
        tree_root(size, &|node| Ok(self.node(node)))
            .unwrap_or_else(|error: MerkleError| unreachable!("{error}"))
    }

    /// The signed checkpoint of a size.
    pub fn checkpoint(&self, size: TreeSize) -> String {
        self.checkpoint_of(size, self.root(size), &self.keys.log)
    }

    /// A checkpoint that says anything.
    pub fn checkpoint_of(&self, size: TreeSize, root: TreeHash, key: &SigningKey) -> String {
        let checkpoint = Checkpoint::new(self.keys.origin.clone(), size, root);
        sign_checkpoint(&checkpoint.unwrap_or_else(|error| unreachable!("{error}")), key)
    }

    /// An entry with its proof at the size of now.
    pub fn proven(&self, index: LeafIndex) -> ProvenEntry {
        let LoggedEntry { index, entry, payload } = self.entry(index);
        ProvenEntry { index, entry, proof: self.path(index), payload }
    }

    /// The receipt of an entry at the size of now.
    pub fn receipt(&self, index: LeafIndex) -> Receipt {
        let LoggedEntry { index, entry, payload } = self.entry(index);
        let proof = TlogProof::new(index, self.path(index), self.checkpoint(self.size()));
        let proof = proof.unwrap_or_else(|error| unreachable!("{error}")).to_string();
        Receipt { index, entry, proof, payload, grant: None }
    }

    /// What `GET /v1/log/consistency` answers from this log.
    pub fn consistency(&self, asked: &Asked) -> Consistency {
        let newest = self.size().get();
        let (from, to) = (asked.number("from").unwrap_or(0), asked.number("to").unwrap_or(newest));
        let (from, to) = (size(from.min(to).min(newest)), size(to.min(newest)));
        Consistency { from, to, hashes: self.extends(from, to), checkpoint: self.checkpoint(self.size()) }
    }

    /// Proves everything in an answer anew, at the size of now, and signs head and checkpoint.
    pub fn prove(&self, answer: &mut KnownGood, asked: &Asked) {
        for entry in entries_of(answer) {
            entry.proof = self.path(entry.index);
        }
        let to = self.size();
        answer.checkpoint = self.checkpoint(to);
        answer.consistency = asked
            .number("min_size")
            .map(size)
            .filter(|from| *from < to)
            .map(|from| ConsistencyProof { from, hashes: self.extends(from, to) });
        self.sign_head(answer, |head| (head.size, head.root) = (to, self.root(to)));
    }

    /// Signs the head of an answer again after a change.
    pub fn sign_head(&self, answer: &mut KnownGood, change: impl FnOnce(&mut ChannelHead)) {
        let note = Note::parse(answer.head.as_bytes()).unwrap_or_else(|error| unreachable!("{error}"));
        let head = note.unverified_text().parse::<ChannelHead>();
        let mut head = head.unwrap_or_else(|error| unreachable!("{error}"));
        change(&mut head);
        answer.head = sign_head(&head, &self.keys.head);
    }

    fn path(&self, index: LeafIndex) -> Vec<TreeHash> {
        inclusion_proof(index, self.size(), &|node| Ok(self.node(node)))
            .unwrap_or_else(|error: MerkleError| unreachable!("{error}"))
    }

    fn extends(&self, from: TreeSize, to: TreeSize) -> Vec<TreeHash> {
        consistency_proof(from, to, &|node| Ok(self.node(node)))
            .unwrap_or_else(|error: MerkleError| unreachable!("{error}"))
    }

    fn node(&self, node: NodeAddress) -> TreeHash {
        let width = 1 << node.level();
        let first = usize::try_from(node.index()).unwrap_or(usize::MAX).saturating_mul(width);
        perfect(self.leaves.get(first..first + width).unwrap_or_default())
    }
}

fn size(number: u64) -> TreeSize {
    TreeSize::new(number).unwrap_or_else(|error| unreachable!("{error}"))
}

/// The root of a power of two of leaves.
fn perfect(leaves: &[LoggedEntry]) -> TreeHash {
    match leaves {
        [] => TreeHash::empty(),
        [leaf] => TreeHash::leaf(&leaf.entry.0),
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            TreeHash::node(&perfect(left), &perfect(right))
        }
    }
}

/// Every proven entry of an answer.
fn entries_of(answer: &mut KnownGood) -> Vec<&mut ProvenEntry> {
    let mut all: Vec<&mut ProvenEntry> = answer.policies.iter_mut().chain(&mut answer.deploys).collect();
    for grant in &mut answer.grants {
        all.push(&mut grant.grant);
        all.extend(&mut grant.revoke);
    }
    for line in &mut answer.lines {
        all.push(&mut line.pin);
        for passed in &mut line.passed_over {
            all.push(&mut passed.pin);
            all.extend(&mut passed.ended_by);
        }
    }
    for artifact in &mut answer.artifacts {
        all.push(&mut artifact.publish);
        all.extend(&mut artifact.scrub);
    }
    all
}
