//! The start-up probe: does create-if-absent hold, and whose clock is right?

use bytes::Bytes;
use futures::future::join_all;

use super::error::{ObjectError, ProbeError};
use super::key::ObjectKey;
use super::store::{Created, Store};
use crate::randomness::random_hex;

const RACERS: usize = 8;
/// A check-then-write store may win one race by luck.
const ROUNDS: usize = 3;
/// A retried request can report the loss of a race that it had won; such a round says nothing and is run again.
const UNDECIDED_ROUNDS_MAX: usize = 3;

enum Round {
    Exclusive,
    Undecided,
}

/// Races creates on fresh keys, each of which must have exactly one winner.
pub(super) async fn create_is_exclusive(store: &Store) -> Result<(), ProbeError> {
    let (mut exclusive, mut undecided) = (0, 0);
    while exclusive < ROUNDS {
        match race(store).await? {
            Round::Exclusive => exclusive += 1,
            Round::Undecided if undecided < UNDECIDED_ROUNDS_MAX => undecided += 1,
            Round::Undecided => return Err(ProbeError::NotExclusive { winners: 0, racers: RACERS }),
        }
    }
    Ok(())
}

async fn race(store: &Store) -> Result<Round, ProbeError> {
    let key = ObjectKey::probe(&random_hex());
    let racers: Vec<Bytes> = (0..RACERS).map(|_| Bytes::from(random_hex())).collect();
    let outcomes = join_all(racers.iter().map(|bytes| store.create(&key, bytes.clone()))).await;
    let stored = store.get(&key).await;
    // One more, after the race: it must lose against what is plainly there.
    let late = store.create(&key, Bytes::from_static(b"late")).await;
    let kept = store.get(&key).await;
    store.discard_probe(&key).await;

    let mut winners = Vec::new();
    for (bytes, outcome) in racers.iter().zip(outcomes) {
        if outcome? == Created::New {
            winners.push(bytes);
        }
    }
    let (stored, kept) = (stored?, kept?);
    if late? == Created::New || stored != kept {
        return Err(ProbeError::Overwritten);
    }
    match winners.as_slice() {
        [] => Ok(Round::Undecided),
        [winner] if **winner == stored => Ok(Round::Exclusive),
        [_] => Err(ProbeError::Overwritten),
        several => Err(ProbeError::NotExclusive { winners: several.len(), racers: RACERS }),
    }
}

/// The store's clock minus this node's in milliseconds; stores stamp objects to the second.
pub(super) async fn time_skew_ms(store: &Store) -> Result<i64, ObjectError> {
    let key = ObjectKey::probe(&random_hex());
    let before_ms = store.clock().now_ms();
    store.create(&key, Bytes::from_static(b"time")).await?;
    let after_ms = store.clock().now_ms();
    let modified_ms = store.modified_ms(&key).await;
    store.discard_probe(&key).await;
    Ok(skew_ms(before_ms, after_ms, modified_ms?))
}

/// How far `store_ms` lies outside the time in which the store was asked; 0 inside it.
fn skew_ms(before_ms: u64, after_ms: u64, store_ms: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    // The stamp is cut to whole seconds, so the store's own time is up to 999 ms later.
    let (earliest, latest) = (signed(store_ms), signed(store_ms).saturating_add(999));
    if latest < signed(before_ms) {
        latest.saturating_sub(signed(before_ms))
    } else if earliest > signed(after_ms) {
        earliest.saturating_sub(signed(after_ms))
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_counts_only_what_lies_outside_the_time_of_asking() {
        assert_eq!(skew_ms(10_500, 10_600, 10_000), 0);
        assert_eq!(skew_ms(10_500, 10_600, 9_000), -501);
        assert_eq!(skew_ms(10_500, 10_600, 71_600), 61_000);
    }
}
