//! Statements of the registry's own, signed by its registry key under the policy in force.

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::EntryPayload;
use holdfast_formats::envelope::{CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::id::RandomId;
use holdfast_formats::statement::{Header, Predicate};
use holdfast_formats::time::Timestamp;
use holdfast_verify::subject::statement;

use super::Log;
use super::append::{AppendError, Appended, Prepared};
use super::at_slot::AtSlot;
use super::attachments::AttachmentError;
use crate::objects::ObjectError;
use crate::randomness::random_array;

/// How long the registry's own statements may be submitted.
const LIFE_MS: u64 = 10 * 60 * 1000;

/// Why a statement of the registry's own is not in the log.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// It would not be well-formed: more than one statement may say.
    #[error("the registry cannot say this in one statement: {0}")]
    Form(String),
    /// What it refers to could not be made durable.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// It was not logged.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl OwnError {
    /// Whether this may be so because the store has no room, or the index beside it.
    pub(super) const fn may_be_full(&self) -> bool {
        matches!(
            self,
            Self::Append(AppendError::NoSpace | AppendError::Unavailable(_))
                | Self::Attachment(AttachmentError::Object(ObjectError::NoSpace { .. }))
        )
    }
}

impl Log {
    /// Says something as the registry. What is attached is durable before it queues.
    pub async fn append_own(
        &self,
        predicate: Predicate,
        attached: Option<Vec<u8>>,
        at_slot: AtSlot,
    ) -> Result<Appended, OwnError> {
        let mut prepared = self.own(predicate)?;
        let attachments = self.attachments();
        if let Some(attached) = &attached {
            attachments.put(Bytes::copy_from_slice(attached)).await?;
        }
        if let EntryPayload::Attached(_) = EntryPayload::place(&prepared.payload) {
            attachments.put(Bytes::copy_from_slice(&prepared.payload)).await?;
        }
        (prepared.attached, prepared.at_slot) = (attached, at_slot);
        Ok(self.append(prepared).await?)
    }

    fn own(&self, predicate: Predicate) -> Result<Prepared, OwnError> {
        let now = Timestamp::from_ms(self.parts.clock.now_ms());
        let header = Header {
            log: self.keys().origin.clone(),
            id: RandomId::from_bytes(random_array()),
            issued_at: now,
            not_after: now.plus_ms(LIFE_MS),
            context: None,
            annotations: None,
        };
        let statement = statement(header, predicate);
        let payload = statement.to_payload().map_err(|error| OwnError::Form(error.to_string()))?;
        let message = pre_authentication_encoding(PAYLOAD_TYPE, &payload);
        let head = self.head();
        let key = head.keys().registry();
        let signature = CanonicalSignature { keyid: key.public().id(), sig: key.sign(&message) };
        Ok(Prepared {
            payload_sha256: Sha256Digest::of(&payload),
            statement,
            payload,
            signatures: vec![signature],
            manifest: None,
            attached: None,
            at_slot: AtSlot::Nothing,
        })
    }
}
