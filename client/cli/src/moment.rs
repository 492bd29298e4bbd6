//! Times as a person writes them: `30d`, `90m`, or RFC 3339 in UTC.

use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use holdfast_formats::time::Timestamp;

/// Why a text is no time.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{0}' is neither a duration such as 2y, 30d, 12h or 90m nor a time in UTC such as 2026-11-21T07:00:00Z"
)]
pub(crate) struct MomentError(String);

/// A moment: a fixed one, or one that is so far away from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At this time.
    At(Timestamp),
    /// So long from now, forward or back as the option says.
    Away(Duration),
}

impl Moment {
    /// The moment, counted forward from now.
    pub(crate) fn ahead_of(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Away(distance) => now.plus_ms(milliseconds(distance)),
        }
    }

    /// The moment, counted back from now.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Away(distance) => Timestamp::from_ms(now.as_ms().saturating_sub(milliseconds(distance))),
        }
    }
}

impl FromStr for Moment {
    type Err = MomentError;
    fn from_str(text: &str) -> Result<Self, MomentError> {
        if let Ok(distance) = humantime::parse_duration(text) {
            return Ok(Self::Away(distance));
        }
        let wrong = || MomentError(text.chars().take(40).collect());
        let since = humantime::parse_rfc3339(text)
            .map_err(|_| wrong())?
            .duration_since(UNIX_EPOCH)
            .map_err(|_| wrong())?;
        Ok(Self::At(Timestamp::from_ms(milliseconds(since))))
    }
}

/// A length of time as a person writes it.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

/// A length of time as a person reads it, to the second.
pub(crate) fn shown_duration(milliseconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(milliseconds / 1000)).to_string()
}

/// The version that `@now` stands for: the time to the second, in characters that every version may have.
pub(crate) fn version_of(now: Timestamp) -> String {
    let text = now.to_string();
    let to_the_second = text.split('.').next().unwrap_or(&text);
    format!("{}Z", to_the_second.replace(':', ""))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T07:00:00.123Z".parse().unwrap()
    }

    #[test]
    fn a_moment_is_a_distance_from_now_or_a_time() {
        let day = "1d".parse::<Moment>().unwrap();
        assert_eq!(day.ahead_of(now()).to_string(), "2026-11-22T07:00:00.123Z");
        assert_eq!(day.before(now()).to_string(), "2026-11-20T07:00:00.123Z");
        let fixed = "2026-12-24T18:00:00Z".parse::<Moment>().unwrap();
        assert_eq!(fixed.ahead_of(now()), fixed.before(now()));
        assert_eq!(fixed.ahead_of(now()).to_string(), "2026-12-24T18:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "tomorrow", "30", "2026-11-21", "1969-01-01T00:00:00Z", "-1d"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn now_becomes_a_version_that_an_oci_tag_may_be() {
        let version = version_of(now());
        assert_eq!(version, "2026-11-21T070000Z");
        assert!(version.parse::<holdfast_formats::version::Version>().is_ok());
    }
}
