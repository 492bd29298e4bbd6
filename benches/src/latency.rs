//! What several workers measured of the same thing: how often, and how long each time took.

use std::time::Duration;

use crate::report::figure;

/// Durations of one kind of request.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// All of them, in any order.
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// Prints count, rate, p50, p99 and the longest.
    pub(crate) fn report(&self, took: Duration) -> std::io::Result<()> {
        self.report_as("", took)
    }

    /// The same under names that begin so.
    pub(crate) fn report_as(&self, what: &str, took: Duration) -> std::io::Result<()> {
        figure(&format!("{what}count"), self.0.len())?;
        figure(
            &format!("{what}per_s"),
            format!("{:.1}", self.count() / took.as_secs_f64().max(f64::EPSILON)),
        )?;
        for (name, share) in [("p50_ms", 0.50), ("p99_ms", 0.99), ("max_ms", 1.0)] {
            figure(&format!("{what}{name}"), format!("{:.3}", self.at(share).as_secs_f64() * 1e3))?;
        }
        Ok(())
    }

    /// How many there are.
    fn count(&self) -> f64 {
        u32::try_from(self.0.len()).map_or(f64::INFINITY, f64::from)
    }

    /// The duration that this share of all stayed within.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1 of a length is a length"
    )]
    fn at(&self, share: f64) -> Duration {
        let place = (self.count() * share).ceil() as usize;
        self.0.get(place.saturating_sub(1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_is_the_p99() {
        let latencies = Latencies::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(latencies.at(0.50), Duration::from_millis(50));
        assert_eq!(latencies.at(0.99), Duration::from_millis(99));
        assert_eq!(latencies.at(1.0), Duration::from_millis(100));
        assert_eq!(Latencies::of(Vec::new()).at(0.99), Duration::ZERO);
    }
}
