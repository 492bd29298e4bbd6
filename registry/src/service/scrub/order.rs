//! What a run is to read back. Pure.

use std::num::NonZeroU64;
use std::time::Duration;

use holdfast_formats::name::Namespace;
use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ProblemCode, ScrubOrder};
use holdfast_verify::facts::ArtifactFact;

use super::super::Failure;

/// Which artifacts, of those that were not read back for longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Every one.
    All,
    /// Those that nobody read back for so long.
    OlderThan(Duration),
    /// So many of a hundred.
    Percent(u32),
    /// The same as [`Self::OlderThan`], and those that were bad: perhaps somebody put them again.
    Due(Duration),
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) choice: Choice,
    /// Of one namespace only.
    pub(super) namespace: Option<Namespace>,
    pub(super) bytes_per_s: Option<NonZeroU64>,
    /// It ends then, even when something is left.
    pub(super) ends_after: Option<Duration>,
}

impl Choice {
    /// Whether an artifact is old enough.
    pub(super) fn takes(self, fact: &ArtifactFact, now: Timestamp) -> bool {
        let (Self::OlderThan(age) | Self::Due(age)) = self else { return true };
        let last = fact.scrub.map_or(fact.time, |scrub| scrub.time);
        u128::from(now.ms_since(last)) >= age.as_millis()
    }

    /// How many artifacts it takes of so many.
    pub(super) fn share_of(self, artifacts: u64) -> u64 {
        match self {
            Self::Percent(percent) => artifacts.saturating_mul(u64::from(percent)).div_ceil(100),
            Self::All | Self::OlderThan(_) | Self::Due(_) => u64::MAX,
        }
    }
}

/// Whether it was bad when it was last read.
pub(super) fn is_unsound(fact: &ArtifactFact) -> bool {
    fact.scrub.is_some_and(|scrub| scrub.outcome != ScrubOutcome::Good)
}

/// Whether all of it was read and found good since it was published.
pub(super) fn was_sound(fact: &ArtifactFact) -> bool {
    fact.scrub.is_some_and(|scrub| scrub.outcome == ScrubOutcome::Good && scrub.index > fact.index)
}

impl TryFrom<ScrubOrder> for Order {
    type Error = Failure;

    fn try_from(order: ScrubOrder) -> Result<Self, Failure> {
        let ScrubOrder { percent, older_than_s, namespace, bytes_per_s, ends_after_s } = order;
        let malformed = |detail| Err(Failure::new(ProblemCode::Malformed, detail));
        let choice = match (percent, older_than_s) {
            (None, None) => Choice::All,
            (Some(percent), None) if (1..=100).contains(&percent) => Choice::Percent(percent),
            (Some(_), None) => return malformed("a sample is 1 to 100 percent"),
            (None, Some(age)) => Choice::OlderThan(Duration::from_millis(age.as_ms())),
            (Some(_), Some(_)) => return malformed("choose by share or by age, not by both"),
        };
        Ok(Self {
            choice,
            namespace,
            bytes_per_s: bytes_per_s.map(ByteSize::get).and_then(NonZeroU64::new),
            ends_after: ends_after_s.map(|after| Duration::from_millis(after.as_ms())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_never_empty_and_never_more_than_all() {
        assert_eq!(Choice::Percent(10).share_of(1), 1);
        assert_eq!(Choice::Percent(10).share_of(11), 2);
        assert_eq!(Choice::Percent(100).share_of(7), 7);
        assert_eq!(Choice::Percent(50).share_of(0), 0);
        assert_eq!(Choice::All.share_of(3), u64::MAX);
    }

    #[test]
    fn an_order_chooses_in_one_way() {
        let order = |percent, older_than_s| {
            let older_than_s: Option<u64> = older_than_s;
            let older_than_s = older_than_s.map(|s| s.try_into().unwrap());
            Order::try_from(ScrubOrder {
                percent,
                older_than_s,
                namespace: None,
                bytes_per_s: None,
                ends_after_s: None,
            })
        };
        assert_eq!(order(None, None).unwrap().choice, Choice::All);
        assert_eq!(order(Some(10), None).unwrap().choice, Choice::Percent(10));
        assert_eq!(order(None, Some(60)).unwrap().choice, Choice::OlderThan(Duration::from_mins(1)));
        assert!(order(Some(0), None).is_err() && order(Some(101), None).is_err());
        assert!(order(Some(10), Some(60)).is_err());
    }
}
