//! Chance without a generator that is shared: what happens to a thing follows from the seed and from what the thing is, never
//! from how many others were decided before it.

/// A number that follows from a seed and some words.
pub(crate) fn roll(seed: u64, words: &[&[u8]]) -> u64 {
    // FNV-1a, with a separator, so that no two lists of words are one.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ seed;
    for word in words {
        for byte in word.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mixed(hash)
}

/// The finaliser of `SplitMix64`: one bit more or less changes all of them.
const fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Dice for one purpose: the plan of a run, or what one client does next.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall as seed and purpose say.
    pub(crate) fn of(seed: u64, purpose: &str) -> Self {
        Self(roll(seed, &[purpose.as_bytes()]))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these; `None` when there is none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() {
            return None;
        }
        let at = self.below(of.len() as u64);
        of.get(usize::try_from(at).unwrap_or(0))
    }

    /// 16 bytes, for an id.
    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        let (high, low) = (self.next(), self.next());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }
}
