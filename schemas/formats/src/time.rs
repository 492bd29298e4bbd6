//! Times: milliseconds since 1970 in UTC, written as RFC 3339 with exactly three decimals and `Z`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use crate::strict::text_form;
use crate::text::TextError;

/// The last millisecond of the year 9999, beyond which RFC 3339 has no form.
const MILLISECONDS_MAX: u64 = 253_402_300_799_999;

/// A moment in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `ms` milliseconds after 1970; a later one than the year 9999 is taken as the end of that year.
    pub const fn from_ms(ms: u64) -> Self {
        Self(if ms > MILLISECONDS_MAX { MILLISECONDS_MAX } else { ms })
    }

    /// Milliseconds since 1970.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// This moment and `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment, 0 when it is not earlier.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = UNIX_EPOCH + Duration::from_millis(self.0);
        humantime::format_rfc3339_millis(moment).fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = || TextError::grammar("a time", text, "write it in UTC as 2026-11-21T07:00:00.000Z");
        if !is_canonical(text.as_bytes()) {
            return Err(wrong());
        }
        let moment = humantime::parse_rfc3339(text).map_err(|_| wrong())?;
        let since = moment.duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
        Ok(Self::from_ms(u64::try_from(since.as_millis()).map_err(|_| wrong())?))
    }
}

/// Whether a text is in the one canonical form, if it is a time: with other decimals or a leap second it is not.
fn is_canonical(text: &[u8]) -> bool {
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', s, t, b'.', millis @ .., b'Z'] =
        text
    else {
        return false;
    };
    [*s, *t] != *b"60" && millis.len() == 3 && millis.iter().all(u8::is_ascii_digit)
}

text_form!(Timestamp, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_exactly_one_written_form() {
        let time: Timestamp = "2026-11-21T07:00:00.123Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-21T07:00:00.123Z");
        for wrong in [
            "2026-11-21T07:00:00Z",
            "2026-11-21t07:00:00.123Z",
            "2026-11-21T07:00:60.000Z",
            "1969-12-31T23:59:59.000Z",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_parses_is_written_as_it_was_read() {
        for text in ["2026-11-21T07:00:00.123Z", "1970-01-01T00:00:59.000Z", "9999-12-31T23:59:59.999Z"] {
            let every_one = (0..text.len()).flat_map(|at| (0..128_u8).map(move |byte| (at, byte)));
            for (at, byte) in every_one {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                for variant in [changed.clone(), changed.replace('Z', "+00:00"), changed.replace('.', ".0")] {
                    if let Ok(time) = variant.parse::<Timestamp>() {
                        assert_eq!(time.to_string(), variant);
                    }
                }
            }
        }
    }
}
