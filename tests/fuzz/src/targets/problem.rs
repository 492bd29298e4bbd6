//! What a registry says when it refuses; a client reads it before it believes anything.

use holdfast_formats::wire::v1::Problem;

pub(crate) const EXAMPLES: &[&[u8]] = &[
    br#"{"type":"urn:holdfast:problem:not_found","title":"not found","status":404,"code":"not_found","detail":"not there"}"#,
];

pub(crate) fn run(data: &[u8]) {
    // A client reads it leniently, as RFC 9457 asks: members that it does not know are ignored.
    if let Ok(problem) = serde_json::from_slice::<Problem>(data) {
        let written = serde_json::to_vec(&problem).expect("what was read can be written");
        let again: Problem = serde_json::from_slice(&written).expect("what was written can be read");
        assert!(again == problem);
    }
}
