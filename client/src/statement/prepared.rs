//! A statement that waits for signatures: what `--prepare` writes, `sign` adds to and `submit` sends.

use holdfast_formats::envelope::{Base64Bytes, Envelope, PAYLOAD_TYPE};
use holdfast_formats::from_json;
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::Statement;
use holdfast_formats::wire::v1::Submission;

use crate::error::ClientError;

/// Base64 of an attachment and a payload, each of the largest size.
const BYTES_MAX: usize = 2 * (ATTACHMENT_BYTES_MAX / 3 * 4) + 1024 * 1024;

/// A submission with as many signatures as were added so far, perhaps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared(Submission);

impl Prepared {
    pub(super) fn unsigned(statement: &Statement, attachments: Vec<Vec<u8>>) -> Result<Self, ClientError> {
        let payload =
            statement.to_payload().map_err(|source| ClientError::Encode { what: "statement", source })?;
        let envelope = Envelope {
            payload: Base64Bytes(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: Vec::new(),
        };
        Ok(Self(Submission { envelope, attachments: attachments.into_iter().map(Base64Bytes).collect() }))
    }

    /// Reads what [`Prepared::to_json`] wrote. The statement inside must be well-formed.
    pub fn parse(json: &[u8]) -> Result<Self, ClientError> {
        let submission: Submission =
            from_json(json, BYTES_MAX).map_err(|e| ClientError::malformed("prepared statement", e))?;
        let prepared = Self(submission);
        prepared.statement()?;
        Ok(prepared)
    }

    /// Writes it to be handed to the next signer.
    pub fn to_json(&self) -> Result<Vec<u8>, ClientError> {
        let mut json = serde_json::to_vec_pretty(&self.0)
            .map_err(|source| ClientError::Encode { what: "prepared statement", source })?;
        json.push(b'\n');
        Ok(json)
    }

    /// Adds one signature. A key signs once.
    pub fn signed_by(self, key: &SigningKey) -> Result<Self, ClientError> {
        let key_id = key.public().id();
        let hint = key_id.to_string();
        if self.0.envelope.signatures.iter().any(|s| s.keyid.as_deref() == Some(hint.as_str())) {
            return Err(ClientError::SignedAlready { key: key_id });
        }
        Ok(Self(Submission {
            envelope: self.0.envelope.signed_also_by(key),
            attachments: self.0.attachments,
        }))
    }

    /// What is said: to be shown to whoever is asked to sign it.
    pub fn statement(&self) -> Result<Statement, ClientError> {
        Statement::parse(self.payload()).map_err(|e| ClientError::malformed("prepared statement", e))
    }

    /// How many signatures it has.
    pub fn signatures(&self) -> usize {
        self.0.envelope.signatures.len()
    }

    /// The bytes that are signed.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.0.envelope.payload.0
    }

    /// What is sent.
    pub(crate) const fn submission(&self) -> &Submission {
        &self.0
    }
}
