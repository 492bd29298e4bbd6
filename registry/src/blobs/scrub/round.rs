//! A round of scrubbing over many artifacts: what was read in it already, and how fast it may read.
//!
//! What many artifacts share is read once a round as far as memory allows: a table of fixed size remembers the addresses of
//! what was found good, whole, so that nothing is ever taken for something else. Where two fall on one place the newer stays,
//! and the older is read again when it comes up. 8 MiB remember 262,144 chunks, some 250 GB.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use holdfast_formats::catalog::{FileContent, Part};
use holdfast_formats::name::Namespace;
use tokio::time::Instant;

use super::super::address::Address;
use super::handful::Desks;

/// What one address takes.
const PLACE_BYTES: u64 = 32;
const EMPTY: [u8; 32] = [0; 32];

/// What the reading back of many artifacts shares.
#[derive(Debug)]
pub struct Round {
    good: Mutex<Vec<[u8; 32]>>,
    bytes_per_s: Option<NonZeroU64>,
    /// When the next byte may be read.
    free_at: Mutex<Instant>,
    /// Where its chunks are read.
    pub(super) desks: Desks,
}

impl Round {
    pub(in super::super) fn new(memory_bytes: u64, bytes_per_s: Option<NonZeroU64>) -> Self {
        let places = usize::try_from(memory_bytes / PLACE_BYTES).unwrap_or(1).max(1);
        let free_at = Mutex::new(Instant::now());
        Self { good: Mutex::new(vec![EMPTY; places]), bytes_per_s, free_at, desks: Desks::default() }
    }

    /// Whether something was found good in this round.
    pub(in super::super) fn has_read(&self, address: &Address) -> bool {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(place(address, good.len())) == Some(address.as_bytes())
    }

    /// Notes that something was read and found good.
    pub(in super::super) fn note(&self, address: &Address) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let at = place(address, good.len());
        if let Some(kept) = good.get_mut(at) {
            *kept = *address.as_bytes();
        }
    }

    /// Whether it reads no faster than it may.
    pub(in super::super) const fn is_paced(&self) -> bool {
        self.bytes_per_s.is_some()
    }

    /// Waits for the turn of so many bytes. To be called before memory for them is set aside: whoever waits holds none.
    pub(in super::super) async fn turn(&self, bytes: u64) {
        let Some(bytes_per_s) = self.bytes_per_s else { return };
        let takes_ns = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_s.get());
        let takes = Duration::from_nanos(u64::try_from(takes_ns).unwrap_or(u64::MAX));
        let turn = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*free_at).max(Instant::now());
            *free_at = turn.checked_add(takes).unwrap_or(turn);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// A file of a tree in 32 bytes: where its bytes are, and what they make.
pub(in super::super) fn address_of_file(namespace: &Namespace, file: &FileContent) -> Address {
    let mut hasher = blake3::Hasher::new();
    for part in [b"file/", namespace.as_str().as_bytes(), b"/", file.blake3.as_bytes()] {
        hasher.update(part);
    }
    for part in &file.parts {
        match part {
            Part::Data(extent) => {
                hasher.update(extent.chunk.as_bytes());
                hasher.update(&extent.offset.to_be_bytes());
                hasher.update(&extent.length.to_be_bytes());
            }
            Part::Hole(bytes) => {
                hasher.update(b"hole");
                hasher.update(&bytes.to_be_bytes());
            }
        }
    }
    Address::from_bytes(*hasher.finalize().as_bytes())
}

fn place(address: &Address, places: usize) -> usize {
    let spread = address.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    let places = u128::try_from(places).unwrap_or(1);
    usize::try_from((u128::from(spread) * places) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(byte: u8) -> Address {
        Address::from_bytes([byte; 32])
    }

    #[test]
    fn a_round_remembers_what_was_good_and_takes_nothing_else_for_it() {
        let round = Round::new(64, None);
        round.note(&address(1));
        round.note(&address(255));
        assert!(round.has_read(&address(1)) && round.has_read(&address(255)));
        assert!(!round.has_read(&address(2)), "it falls on the place of the first");
        round.note(&address(2));
        assert!(!round.has_read(&address(1)), "the newer stays");
        let tiny = Round::new(0, None);
        tiny.note(&address(9));
        assert!(tiny.has_read(&address(9)));
    }

    #[tokio::test]
    async fn a_paced_round_reads_no_faster_than_it_may() {
        let round = Round::new(32, NonZeroU64::new(1000));
        let began = Instant::now();
        for _ in 0..5 {
            round.turn(10).await;
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(40), "{took:?}");
        Round::new(32, None).turn(u64::MAX).await;
    }
}
