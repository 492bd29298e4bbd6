//! A statement as it stands in the log: the leaf read strictly, its payload at hand, nothing believed yet.
//!
//! Owns the checks that every use of a logged entry needs: that it is this log's, that it is under a checkpoint, that its
//! times held when it was logged, and that its signatures verify. Which keys may say what is not decided here.

use std::collections::BTreeMap;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryError, EntryPayload};
use holdfast_formats::envelope::{CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::limits::{ISSUED_AHEAD_MS_MAX, STATEMENT_LIFE_MS_MAX};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{AttachmentRef, EntryRef, Statement, StatementError, StatementType};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_formats::wire::v1::{LoggedEntry, ProvenEntry, Receipt};

use crate::rule_book::RuleBook;
use crate::subject::expected_subjects;

/// Why a logged entry is refused, whatever it is used for.
#[derive(Debug, thiserror::Error)]
pub enum LoggedError {
    /// The leaf is not the one canonical form of an entry.
    #[error("its leaf is malformed")]
    Entry(#[from] EntryError),
    /// The payload is an attachment and was not sent, or was sent beside an inline one.
    #[error("its payload must be sent exactly when the leaf names it as an attachment")]
    Payload,
    /// The payload sent is not the one that the leaf names.
    #[error("its payload is not the attachment that the leaf names")]
    OtherPayload,
    /// The payload is no statement.
    #[error("its payload is no statement")]
    Statement(#[from] StatementError),
    /// Judged by a rule book that this version does not have.
    #[error(
        "it was judged by rule book {0}, which this version does not know; use a newer version of Holdfast"
    )]
    RuleBook(u32),
    /// For another log.
    #[error("it was signed for the log {found}, not for {expected}")]
    OtherLog {
        /// The log that was asked.
        expected: Origin,
        /// The log that the signer meant.
        found: Origin,
    },
    /// Logged before it was signed, or after it had expired.
    #[error("it was logged at {time}, outside the time for which it was signed ({issued_at} to {not_after})")]
    OutOfTime {
        /// When it was logged.
        time: Timestamp,
        /// When it was signed.
        issued_at: Timestamp,
        /// Until when it could be logged.
        not_after: Timestamp,
    },
    /// Its subjects are not those that its type demands.
    #[error("its subject is not what a {0} statement is about")]
    Subject(StatementType),
    /// Signed by a key that nobody at hand knows.
    #[error(
        "it is signed by the key {0}, which neither the policy in force then nor a grant that is shown names"
    )]
    KeyUnknown(KeyId),
    /// A signature that does not verify.
    #[error("the signature of key {0} does not verify")]
    Signature(KeyId),
}

/// A statement at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStatement {
    index: LeafIndex,
    leaf: TreeHash,
    time: Timestamp,
    payload: Vec<u8>,
    statement: Statement,
    signatures: Vec<CanonicalSignature>,
}

impl LoggedStatement {
    /// Reads a leaf and its payload.
    pub fn read(index: LeafIndex, leaf: &[u8], attached: Option<&[u8]>) -> Result<Self, LoggedError> {
        let entry = Entry::parse(leaf)?;
        if RuleBook::of(entry.rules).is_none() {
            return Err(LoggedError::RuleBook(entry.rules));
        }
        let payload = match (entry.payload, attached) {
            (EntryPayload::Inline(bytes), None) => bytes,
            (EntryPayload::Attached(named), Some(bytes)) if AttachmentRef::of(bytes) == named => {
                bytes.to_vec()
            }
            (EntryPayload::Attached(_), Some(_)) => return Err(LoggedError::OtherPayload),
            (EntryPayload::Inline(_), Some(_)) | (EntryPayload::Attached(_), None) => {
                return Err(LoggedError::Payload);
            }
        };
        let statement = Statement::parse(&payload)?;
        let (leaf, time, signatures) = (TreeHash::leaf(leaf), entry.time, entry.signatures);
        Ok(Self { index, leaf, time, payload, statement, signatures })
    }

    /// Reads an entry that came with a proof.
    pub fn of_proven(entry: &ProvenEntry) -> Result<Self, LoggedError> {
        Self::read(entry.index, &entry.entry.0, entry.payload.as_ref().map(|payload| payload.0.as_slice()))
    }

    /// Reads the entry of a receipt.
    pub fn of_receipt(receipt: &Receipt) -> Result<Self, LoggedError> {
        Self::read(
            receipt.index,
            &receipt.entry.0,
            receipt.payload.as_ref().map(|payload| payload.0.as_slice()),
        )
    }

    /// Reads an entry that came without proof.
    pub fn of_logged(entry: &LoggedEntry) -> Result<Self, LoggedError> {
        Self::read(entry.index, &entry.entry.0, entry.payload.as_ref().map(|payload| payload.0.as_slice()))
    }

    /// Its place, as it was claimed.
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The hash of its leaf.
    pub const fn leaf(&self) -> TreeHash {
        self.leaf
    }

    /// Place and leaf hash together, as later statements name it.
    pub const fn entry(&self) -> EntryRef {
        EntryRef { index: self.index, leaf: self.leaf }
    }

    /// When the log took it.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What it says.
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The SHA-256 of the bytes that were signed.
    pub fn payload_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.payload)
    }

    /// The keys that are said to have signed, sorted, each once.
    pub fn signers(&self) -> Vec<KeyId> {
        self.signatures.iter().map(|signature| signature.keyid).collect()
    }

    /// Checks what holds for every statement of a log, whatever it says: which log, when, about what.
    pub fn check_form(&self, origin: &Origin) -> Result<(), LoggedError> {
        let header = &self.statement.header;
        if header.log != *origin {
            return Err(LoggedError::OtherLog { expected: origin.clone(), found: header.log.clone() });
        }
        let (time, issued_at, not_after) = (self.time, header.issued_at, header.not_after);
        let in_time = issued_at <= time.plus_ms(ISSUED_AHEAD_MS_MAX)
            && issued_at <= not_after
            && not_after <= issued_at.plus_ms(STATEMENT_LIFE_MS_MAX)
            && time <= not_after;
        if !in_time {
            return Err(LoggedError::OutOfTime { time, issued_at, not_after });
        }
        if self.statement.subject != expected_subjects(header, &self.statement.predicate) {
            return Err(LoggedError::Subject(self.statement.kind()));
        }
        Ok(())
    }

    /// Verifies every signature: each must be by one of these keys. A leaf never carries one that did not count.
    pub fn check_signatures<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<(), LoggedError> {
        let known: BTreeMap<KeyId, &PublicKey> = keys.into_iter().map(|key| (key.id(), key)).collect();
        let message = pre_authentication_encoding(PAYLOAD_TYPE, &self.payload);
        for signature in &self.signatures {
            let key = known.get(&signature.keyid).ok_or(LoggedError::KeyUnknown(signature.keyid))?;
            key.verify(&message, &signature.sig).map_err(|_| LoggedError::Signature(signature.keyid))?;
        }
        Ok(())
    }
}
