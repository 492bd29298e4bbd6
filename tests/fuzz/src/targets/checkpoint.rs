//! The body of a checkpoint: the first three lines say everything, and are written as they were read.

use holdfast_formats::checkpoint::Checkpoint;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let body = text.split_once("\n\n").map_or(text, |(body, _)| text.get(..=body.len()).unwrap_or(text));
    if let Ok(checkpoint) = Checkpoint::from_body(body) {
        assert!(body.starts_with(&checkpoint.body()), "{body:?} is written as {:?}", checkpoint.body());
    }
}
