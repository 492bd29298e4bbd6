//! Statements on their way to the log: a draft says what, a prepared one is ready to be signed, by one key or by several.
//!
//! Owns header and form. Which statements exist and what they need is the caller's; whether one is allowed is the
//! registry's rule book.

mod prepared;

use std::time::Duration;

use holdfast_formats::digest::Digests;
use holdfast_formats::limits::STATEMENT_LIFE_MS_MAX;
use holdfast_formats::number::ByteSize;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{
    Annotations, Attest, AttestedEnvelope, AttestedSubject, Context, Header, Predicate, Statement,
};
use holdfast_formats::text::Uri;
use holdfast_formats::time::Timestamp;
use holdfast_verify::subject::statement;

use crate::error::ClientError;
use crate::randomness::new_id;
pub use prepared::Prepared;

/// How long a statement may wait for its log, unless it is said otherwise.
const VALID_FOR: Duration = Duration::from_mins(10);

/// What is to be said, before it has a time or a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it says.
    pub predicate: Predicate,
    /// Content that it names by digest: manifest, attested envelope.
    pub attachments: Vec<Vec<u8>>,
    /// Where it came from.
    pub context: Option<Context>,
    /// Free notes.
    pub annotations: Option<Annotations>,
    /// How long the log may take it: at most 7 days, which is what several signers may need.
    pub valid_for: Duration,
}

impl Draft {
    /// A draft that says this, without attachments, to be logged within ten minutes.
    pub fn new(predicate: impl Into<Predicate>) -> Self {
        let predicate = predicate.into();
        Self { predicate, attachments: Vec::new(), context: None, annotations: None, valid_for: VALID_FOR }
    }

    /// Adds content that the statement names.
    #[must_use]
    pub fn attach(mut self, bytes: Vec<u8>) -> Self {
        self.attachments.push(bytes);
        self
    }

    /// A draft that attests an envelope about some artifacts.
    pub fn attest(envelope: Vec<u8>, predicate_type: Uri, subjects: Vec<Digests>) -> Self {
        let attested = AttestedEnvelope {
            digests: Digests::of(&envelope),
            size: ByteSize::of(&envelope),
            predicate_type,
        };
        let subjects = subjects.into_iter().map(|digests| AttestedSubject { digests }).collect();
        Self::new(Attest { envelope: attested, subjects }).attach(envelope)
    }

    /// Gives the draft its header and subjects.
    pub(crate) fn prepare(self, origin: &Origin, now: Timestamp) -> Result<Prepared, ClientError> {
        let life_ms = u64::try_from(self.valid_for.as_millis()).unwrap_or(u64::MAX);
        if life_ms == 0 || life_ms > STATEMENT_LIFE_MS_MAX {
            return Err(ClientError::ValidFor);
        }
        let header = Header {
            log: origin.clone(),
            id: new_id(),
            issued_at: now,
            not_after: now.plus_ms(life_ms),
            context: self.context,
            annotations: self.annotations,
        };
        let statement: Statement = statement(header, self.predicate);
        Prepared::unsigned(&statement, self.attachments)
    }
}

#[cfg(test)]
mod tests;
