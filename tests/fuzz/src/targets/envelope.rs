//! A DSSE envelope. Base64 has several forms here, so the second writing is compared with the first.

use holdfast_formats::envelope::Envelope;

use crate::rules::{same_bytes, seen_alike};

pub(crate) fn run(data: &[u8]) {
    let Ok(envelope) = Envelope::parse(data) else { return };
    let written = serde_json::to_vec(&envelope).expect("what was read can be written");
    let again = Envelope::parse(&written).expect("what was written can be read");
    assert!(again == envelope);
    same_bytes(&serde_json::to_vec(&again).expect("it was written before"), &written);
    seen_alike(&envelope, data);
}
