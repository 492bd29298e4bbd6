//! What a reader of an answer should know: a pin that will soon not be answered any more.

use holdfast_formats::name::ArtifactName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::text::Reason;
use holdfast_formats::time::Timestamp;

/// A warning about a pin of which no more than a quarter of its time is left. Both sides word it alike.
pub fn expiry_warning(
    line: &ArtifactName,
    number: PinNumber,
    pinned: Timestamp,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Option<Reason> {
    let expires = expires?;
    let (whole, left) = (expires.ms_since(pinned), expires.ms_since(now));
    if left > whole / 4 {
        return None;
    }
    let text = format!("pin {number} of {line} expires at {expires}; pin again what is known to be good");
    Some(text.parse().expect("a name, a number and a time have fewer than 2,048 bytes and no NUL"))
}
