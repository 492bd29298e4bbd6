//! How often one caller may ask: a token bucket for each grant, and for each address that shows none.
//!
//! A bucket is one number, the moment at which it is full again (the generic cell rate algorithm), so that to take from it
//! is one compare-and-swap behind one read of a sharded map. The map is bounded; whoever asked longest ago is forgotten
//! first, and begins with a full bucket.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ProblemCode;
use quick_cache::sync::Cache;

use super::answer::Refused;
use crate::config::RequestRates;

/// How many callers are remembered.
const CALLERS_MAX: usize = 65_536;
/// A bucket holds what flows into it in so long.
const BURST_S: u64 = 5;
const NS_PER_S: u64 = 1_000_000_000;

/// Who asks, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// The bearer of a grant.
    Grant(LeafIndex),
    /// An address that showed no grant, or a bad one.
    Stranger(IpAddr),
}

impl Caller {
    /// A stranger by address. A customer gets 2^64 addresses of IPv6, so those count as one.
    pub(super) fn stranger(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self::Stranger(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 @ IpAddr::V4(_) => Self::Stranger(v4),
        }
    }
}

/// The buckets of all callers.
#[derive(Debug)]
pub(super) struct RateLimits {
    rates: RequestRates,
    buckets: Cache<Caller, Arc<AtomicU64>>,
    started: Instant,
}

impl RateLimits {
    pub(super) fn new(rates: RequestRates) -> Self {
        Self { rates, buckets: Cache::new(CALLERS_MAX), started: Instant::now() }
    }

    /// Takes one request out of a caller's bucket.
    pub(super) fn take(&self, caller: Caller) -> Result<(), Refused> {
        let rate = match caller {
            Caller::Grant(_) => self.rates.grants,
            Caller::Stranger(_) => self.rates.strangers,
        };
        let Some(rate) = rate else { return Ok(()) };
        let now_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if self.bucket(caller).take(rate, now_ns) { Ok(()) } else { Err(too_many(rate)) }
    }

    fn bucket(&self, caller: Caller) -> Bucket {
        if let Some(known) = self.buckets.get(&caller) {
            return Bucket(known);
        }
        // Two who come at once may make two buckets, and one of them loses a single request.
        let fresh = Arc::new(AtomicU64::new(0));
        self.buckets.insert(caller, Arc::clone(&fresh));
        Bucket(fresh)
    }
}

struct Bucket(Arc<AtomicU64>);

impl Bucket {
    fn take(&self, rate: NonZeroU32, now_ns: u64) -> bool {
        let one_ns = NS_PER_S / u64::from(rate.get());
        let next = |full_at_ns: u64| {
            let next_ns = full_at_ns.max(now_ns).saturating_add(one_ns);
            (next_ns - now_ns <= BURST_S * NS_PER_S).then_some(next_ns)
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// At one request a second or more, the next one fits within a second: what `Retry-After` says.
fn too_many(rate: NonZeroU32) -> Refused {
    Refused::new(
        ProblemCode::TooManyRequests,
        format!(
            "more than {rate} requests a second came from here; wait a second and ask again, or ask less often"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(strangers: u32, grants: u32) -> RateLimits {
        RateLimits::new(RequestRates {
            strangers: NonZeroU32::new(strangers),
            grants: NonZeroU32::new(grants),
        })
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_as_much_as_flows_in() {
        let (bucket, rate) = (Bucket(Arc::new(AtomicU64::new(0))), NonZeroU32::new(10).unwrap());
        let taken = |now_ns| (0..1000).filter(|_| bucket.take(rate, now_ns)).count();
        assert_eq!(taken(0), 50);
        assert_eq!(taken(NS_PER_S), 10);
        assert_eq!(taken(NS_PER_S), 0);
        assert_eq!(taken(1000 * NS_PER_S), 50, "it never holds more than a burst");
    }

    #[test]
    fn callers_have_buckets_of_their_own_and_a_network_of_ipv6_has_one() {
        let limits = limits(1, 1);
        let stranger = |text: &str| Caller::stranger(text.parse().unwrap());
        let takes = |caller: &Caller| (0..100).filter(|_| limits.take(caller.clone()).is_ok()).count();
        assert_eq!(takes(&stranger("192.0.2.1")), 5);
        assert_eq!(takes(&stranger("::ffff:192.0.2.1")), 0, "the same address in other clothes");
        assert_eq!(takes(&stranger("192.0.2.2")), 5);
        assert_eq!(takes(&stranger("2001:db8::1")), 5);
        assert_eq!(takes(&stranger("2001:db8::ffff:2")), 0);
        assert_eq!(takes(&stranger("2001:db8:0:1::1")), 5);
        assert_eq!(takes(&Caller::Grant("7".parse().unwrap())), 5);
    }

    #[test]
    fn what_has_no_limit_is_never_refused_and_takes_no_memory() {
        let limits = limits(0, 0);
        let caller = Caller::stranger("192.0.2.1".parse().unwrap());
        assert!((0..10_000).all(|_| limits.take(caller.clone()).is_ok()));
        assert_eq!(limits.buckets.len(), 0);
    }

    #[test]
    fn the_memory_for_callers_is_bounded() {
        let limits = limits(1, 1);
        for at in 0..200_000_u32 {
            drop(limits.take(Caller::stranger(std::net::Ipv4Addr::from(at).into())));
        }
        assert!(limits.buckets.len() <= CALLERS_MAX, "{}", limits.buckets.len());
    }
}
