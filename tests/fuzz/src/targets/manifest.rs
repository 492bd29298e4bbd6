//! A manifest.

use holdfast_formats::manifest::Manifest;

use crate::rules::{same_bytes, seen_alike_written};

pub(crate) fn run(data: &[u8]) {
    let Ok(manifest) = Manifest::parse(data) else { return };
    let written = manifest.to_bytes().expect("what was read can be written");
    seen_alike_written(&written, data);
    let again = Manifest::parse(&written).expect("what was written can be read");
    same_bytes(&again.to_bytes().expect("it was written before"), &written);
}
