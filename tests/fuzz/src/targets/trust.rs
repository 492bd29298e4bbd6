//! `trust.json`.

use holdfast_formats::trust::Trust;

use crate::rules::{same_bytes, seen_alike};

pub(crate) fn run(data: &[u8]) {
    let Ok(trust) = Trust::parse(data) else { return };
    seen_alike(&trust, data);
    let written = trust.to_bytes().expect("what was read can be written");
    let again = Trust::parse(&written).expect("what was written can be read");
    same_bytes(&again.to_bytes().expect("it was written before"), &written);
}
