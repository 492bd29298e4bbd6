//! A statement that waits for signatures: what `--prepare` writes, `sign` adds to and `submit` sends.

use std::collections::BTreeMap;

use holdfast_formats::envelope::{Base64Bytes, Envelope, PAYLOAD_TYPE};
use holdfast_formats::from_json;
use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::Statement;
use holdfast_formats::wire::v1::Submission;

use crate::error::ClientError;
use crate::keys::Signer;

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
    pub async fn signed_by(self, signer: &Signer) -> Result<Self, ClientError> {
        let key = signer.public();
        if self.is_signed_by(&key) {
            return Err(ClientError::SignedAlready(key.id()));
        }
        let Submission { envelope, attachments } = self.0;
        let signature = signer.sign(&envelope.message()).await?;
        Ok(Self(Submission { envelope: envelope.with_signature(&key, signature), attachments }))
    }

    /// Whether a key is said to have signed.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let hint = key.id().to_string();
        self.0.envelope.signatures.iter().any(|s| s.keyid.as_deref() == Some(hint.as_str()))
    }

    /// Adds the signatures of a copy that somebody else signed.
    pub fn merged(self, copy: Self) -> Result<Self, ClientError> {
        let (Submission { mut envelope, attachments }, Submission { envelope: other, attachments: theirs }) =
            (self.0, copy.0);
        if (&envelope.payload, &attachments) != (&other.payload, &theirs) {
            return Err(ClientError::OtherStatement);
        }
        for signature in other.signatures {
            if !envelope.signatures.contains(&signature) {
                envelope.signatures.push(signature);
            }
        }
        Ok(Self(Submission { envelope, attachments }))
    }

    /// Verifies the signatures so far: which of these keys signed, and which other keys are said to have.
    pub fn signers<'k>(
        &self,
        known: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<(Vec<KeyId>, Vec<KeyId>), ClientError> {
        let known: BTreeMap<KeyId, &PublicKey> = known.into_iter().map(|key| (key.id(), key)).collect();
        let message = self.0.envelope.message();
        let (mut signed, mut unknown) = (Vec::new(), Vec::new());
        for signature in &self.0.envelope.signatures {
            let untrue = |what: &str| ClientError::untrue("prepared statement's signature", what.to_owned());
            let id: KeyId = signature
                .keyid
                .as_deref()
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| untrue("it does not name its key"))?;
            let Some(key) = known.get(&id) else {
                unknown.push(id);
                continue;
            };
            let sig =
                signature.sig.0.as_slice().try_into().map_err(|_| untrue("it does not have 64 bytes"))?;
            key.verify(&message, sig).map_err(|_| untrue(&format!("it is not one of key {id}")))?;
            signed.push(id);
        }
        Ok((signed, unknown))
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
