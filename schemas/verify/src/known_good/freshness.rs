//! How fresh an answer is, and whether its state of the log extends what was seen before.

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::number::Seconds;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::KnownGood;

use super::error::AnswerError;
use crate::consistency::verify_consistency;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From the registry, just now: it must be fresh and extend what was seen.
    Online,
    /// Kept, or from a bundle: its age is said instead of refused, and expiry is judged by the client's clock. A larger
    /// state than the answer's may have been seen since.
    Offline,
}

/// Refuses a head of another time than now.
pub(super) fn check_age(
    time: Timestamp,
    now: Timestamp,
    max: Seconds,
    mode: Mode,
) -> Result<(), AnswerError> {
    if time.ms_since(now) > max.as_ms() {
        return Err(AnswerError::Ahead { time, now, max });
    }
    if mode == Mode::Online && now.ms_since(time) > max.as_ms() {
        return Err(AnswerError::Stale { time, now, max });
    }
    Ok(())
}

/// Whether the answer's state is shown to extend what was seen. Online it must be; a proof that fails is refused always.
pub(super) fn check_extends(
    answer: &KnownGood,
    checkpoint: &Checkpoint,
    seen: Option<(TreeSize, TreeHash)>,
    mode: Mode,
) -> Result<bool, AnswerError> {
    let Some((seen, root)) = seen else { return Ok(true) };
    let proof = answer.consistency.as_ref().filter(|proof| proof.from == seen);
    let hashes = proof.map_or(&[][..], |proof| &proof.hashes);
    let needs_proof = TreeSize::ZERO < seen && seen < checkpoint.size();
    match mode {
        Mode::Online if needs_proof && proof.is_none() => Err(AnswerError::ConsistencyMissing { seen }),
        Mode::Offline if seen > checkpoint.size() || (needs_proof && proof.is_none()) => Ok(false),
        Mode::Online | Mode::Offline => {
            verify_consistency(seen, checkpoint.size(), &root, &checkpoint.root(), hashes)?;
            Ok(true)
        }
    }
}
