//! Lengths of time and sizes, as a person writes them.

use std::time::Duration;

/// A length of time as a person writes it: `30d` or `12h`, or 0.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    if text.trim() == "0" { Some(Duration::ZERO) } else { humantime::parse_duration(text).ok() }
}

/// A number of bytes as a person writes it: `5000000`, `50M` or `50MiB`. The letters stand for powers of 1024.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_people_write_them() {
        let cases = [("0", Some(0)), ("17", Some(17)), ("50M", Some(50 << 20)), (" 1GiB ", Some(1 << 30))];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
        for text in ["", "M", "-1", "1.5M", "50 M", "50MB/s", "99999999999G"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
