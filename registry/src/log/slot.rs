//! Claiming a slot: exactly one writer's bytes are in it for ever, and we learn whose.

use std::time::Duration;

use bytes::Bytes;

use crate::objects::{Created, ObjectError, ObjectKey, Store};

/// The longest wait between two tries of a store that does not answer.
const WAIT_MS_MAX: u64 = 5_000;

/// Who has the slot.
#[derive(Debug)]
pub(super) enum Claim {
    /// We have.
    Won,
    /// Somebody else has, with these bytes.
    Lost(Bytes),
}

/// Puts `bytes` into a slot and does not return before it is known what is in it. The same bytes are put again and
/// again; other bytes never. An error means that nothing of ours is in the slot and nothing will be.
pub(super) async fn claim(store: &Store, slot: u64, bytes: Bytes) -> Result<Claim, ObjectError> {
    let key = ObjectKey::commit(slot);
    let mut wait_ms = 50;
    loop {
        match store.create_durable(&key, bytes.clone()).await {
            Ok(Created::New) => return Ok(Claim::Won),
            // A retried request may report our own success as somebody else's.
            Ok(Created::AlreadyExisted) | Err(ObjectError::Unavailable { .. }) => {}
            Err(definite) => return Err(definite),
        }
        match store.get(&key).await {
            Ok(found) if found == bytes => return Ok(Claim::Won),
            Ok(found) => return Ok(Claim::Lost(found)),
            Err(error) => tracing::warn!(slot, %error, "the outcome of a commit is unknown, asking again"),
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
    }
}
