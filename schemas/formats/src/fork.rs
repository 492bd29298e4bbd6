//! Fork evidence: two signed checkpoints of one log that are not shown to be of one growing tree, in one file.
//!
//! Owns what such a file looks like (JSON, versioned by its first field, self-contained) and nothing else: what two
//! checkpoints prove is decided by `fork` of the verify crate, which trusts none of what stands here but signatures.

use crate::key::PublicKey;
use crate::note::NOTE_BYTES_MAX;
use crate::origin::Origin;
use crate::strict::{JsonError, from_json, record, word};
use crate::time::Timestamp;
use crate::tree::TreeHash;

/// The most bytes of such a file: two notes as JSON, where every byte may be escaped, and a proof.
pub const FORK_BYTES_MAX: usize = 4 * NOTE_BYTES_MAX;

word! {
    /// The format of a file of fork evidence. A change is a new word.
    pub enum ForkFormat {
        /// What this version writes and reads.
        V1 = "holdfast/fork-evidence/v1",
    }
}

record! {
    /// Two signed checkpoints of one log that do not fit each other, as somebody was shown them.
    pub struct ForkEvidence {
        /// What this file is.
        req format: ForkFormat,
        /// The log.
        req origin: Origin,
        /// The log's keys as the finder knew them. Compare them with what the log's operator publishes.
        req log_keys: Vec<PublicKey>,
        /// When the second one was met, by the finder's clock.
        req found_at: Timestamp,
        /// A signed checkpoint, byte for byte: of the smaller tree, or the one seen first.
        req first: String,
        /// Another signed checkpoint, byte for byte.
        req second: String,
        /// What the log gave as consistency proof between the two, and which does not hold; left out where it gave none.
        opt proof: Vec<TreeHash>,
    }
}

impl ForkEvidence {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        from_json(bytes, FORK_BYTES_MAX)
    }

    /// Writes a file, one field a line, for people who look into it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn evidence() -> ForkEvidence {
        ForkEvidence {
            format: ForkFormat::V1,
            origin: "example/log".parse().unwrap(),
            log_keys: vec![SigningKey::from_seed([3; 32]).public()],
            found_at: Timestamp::from_ms(1_795_000_000_000),
            first: "a\n".to_owned(),
            second: "b\n".to_owned(),
            proof: None,
        }
    }

    #[test]
    fn a_file_survives_its_bytes_and_says_what_it_is() {
        let bytes = evidence().to_bytes().unwrap();
        assert_eq!(ForkEvidence::parse(&bytes).unwrap(), evidence());
        assert!(bytes.starts_with(b"{\n  \"format\": \"holdfast/fork-evidence/v1\""));
    }

    #[test]
    fn t20_another_format_or_an_unknown_key_is_refused() {
        let good = String::from_utf8(evidence().to_bytes().unwrap()).unwrap();
        for wrong in
            [good.replacen("/v1", "/v2", 1), good.replacen("\"first\"", "\"extra\": 1, \"first\"", 1)]
        {
            assert_ne!(wrong, good);
            assert!(ForkEvidence::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
