//! What an envelope says of itself: its predicate type, and what it is about.
//!
//! Owns how a DSSE envelope or a bare in-toto statement is looked into. It checks no signature: the envelope may be anybody's.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_client::ArtifactRecord;
use holdfast_formats::digest::Digests;
use holdfast_formats::text::Uri;
use serde::Deserialize;

/// Only what is asked for; all else is kept as it is.
#[derive(Default, Deserialize)]
pub(super) struct Attested {
    payload: Option<String>,
    #[serde(rename = "predicateType")]
    pub(super) predicate_type: Option<Uri>,
    #[serde(default)]
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

impl Attested {
    /// What can be read of it; nothing of what is neither an envelope nor a statement.
    pub(super) fn read(envelope: &[u8]) -> Self {
        let outer: Self = serde_json::from_slice(envelope).unwrap_or_default();
        match (&outer.predicate_type, &outer.payload) {
            (None, Some(payload)) => BASE64
                .decode(payload.as_bytes())
                .ok()
                .and_then(|inner| serde_json::from_slice(&inner).ok())
                .unwrap_or_default(),
            _ => outer,
        }
    }

    /// True when it names digests that we know too, and none of them is the artifact's or one of its files'.
    pub(super) fn is_about_another_than(&self, record: &ArtifactRecord) -> bool {
        let files = record.manifest().files.iter().map(|file| file.digests);
        let ours: Vec<Digests> = std::iter::once(record.artifact().digests).chain(files).collect();
        self.names_none_of(&ours)
    }

    fn names_none_of(&self, ours: &[Digests]) -> bool {
        let mut compared = false;
        for (algorithm, digest) in self.subject.iter().flat_map(|subject| &subject.digest) {
            let is_ours = |digests: &Digests| match algorithm.as_str() {
                "sha256" => Some(digests.sha256.to_string() == *digest),
                "blake3" => Some(digests.blake3.to_string() == *digest),
                _ => None,
            };
            let found: Vec<bool> = ours.iter().filter_map(is_ours).collect();
            if found.contains(&true) {
                return false;
            }
            compared |= !found.is_empty();
        }
        compared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(algorithm: &str, digest: &str) -> Vec<u8> {
        serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "of", "digest": {algorithm: digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
        })
        .to_string()
        .into_bytes()
    }

    fn enveloped(statement: &[u8]) -> Vec<u8> {
        format!(r#"{{"payload":"{}","signatures":[]}}"#, BASE64.encode(statement)).into_bytes()
    }

    #[test]
    fn the_predicate_type_is_found_in_a_statement_and_in_an_envelope() {
        let bare = statement("sha256", "00");
        for bytes in [enveloped(&bare), bare] {
            let found = Attested::read(&bytes).predicate_type.unwrap();
            assert_eq!(found.as_str(), "https://slsa.dev/provenance/v1");
        }
        assert!(Attested::read(b"<testsuite/>").predicate_type.is_none());
    }

    #[test]
    fn an_envelope_about_something_else_is_told_from_one_that_cannot_be_compared() {
        let (ours, file, other) = (Digests::of(b"artifact"), Digests::of(b"file"), Digests::of(b"other"));
        let is_other = |algorithm: &str, digest: String| {
            Attested::read(&enveloped(&statement(algorithm, &digest))).names_none_of(&[ours, file])
        };
        assert!(!is_other("sha256", ours.sha256.to_string()));
        assert!(!is_other("blake3", file.blake3.to_string()));
        assert!(is_other("sha256", other.sha256.to_string()));
        assert!(is_other("blake3", other.blake3.to_string()));
        assert!(!is_other("gitCommit", "0".repeat(40)));
        assert!(!Attested::read(b"<testsuite/>").names_none_of(&[ours]));
    }
}
