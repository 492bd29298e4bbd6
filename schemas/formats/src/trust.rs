//! `.holdfast/trust.json`: what a client starts from. It lies in a project's repository and changes by review; from there
//! a client follows the chain of policies, and never backwards.

use crate::digest::Sha256Digest;
use crate::key::PublicKey;
use crate::note::NoteKey;
use crate::number::{PolicyNumber, Seconds};
use crate::origin::Origin;
use crate::policy::RootKeys;
use crate::strict::{JsonError, from_json, record};
use crate::text::Uri;

/// The most bytes of a trust file: far more than any number of keys that people maintain.
const TRUST_BYTES_MAX: usize = 256 * 1024;

record! {
    /// What a client starts from.
    pub struct Trust {
        /// The log.
        req origin: Origin,
        /// Where the registry is.
        req url: Uri,
        /// The keys that signed checkpoints when this was written.
        req log_keys: Vec<PublicKey>,
        /// The keys that signed channel heads when this was written.
        req head_keys: Vec<PublicKey>,
        /// The keys that change the policy, and how many of them it takes.
        req root: RootKeys,
        /// The policy that the chain is followed from.
        req policy: TrustedPolicy,
        /// Who must have seen checkpoints besides.
        opt witnesses: TrustedWitnesses,
        /// How far a channel head's time may lie from the client's clock.
        req head_max_age_s: Seconds,
    }
}

record! {
    /// One policy, named without doubt.
    #[derive(Copy)]
    pub struct TrustedPolicy {
        /// Its number.
        req number: PolicyNumber,
        /// SHA-256 of its payload: the bytes that its root keys signed.
        req sha256: Sha256Digest,
    }
}

record! {
    /// Witnesses, and how many of them must have cosigned.
    pub struct TrustedWitnesses {
        /// Their keys.
        req keys: Vec<NoteKey>,
        /// How many.
        req quorum: u16,
    }
}

impl Trust {
    /// How far a channel head's time may lie from the client's clock when nobody says otherwise: 5 minutes.
    pub const HEAD_MAX_AGE_S: u64 = 5 * 60;

    /// Reads a trust file.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        from_json(bytes, TRUST_BYTES_MAX)
    }

    /// Writes a trust file, one field a line, so that a review shows what changed.
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

    fn trust() -> Trust {
        let key = SigningKey::from_seed([3; 32]).public();
        Trust {
            origin: "example/log".parse().unwrap(),
            url: "http://127.0.0.1:7420".parse().unwrap(),
            log_keys: vec![key.clone()],
            head_keys: vec![key.clone()],
            root: RootKeys { keys: vec![key], threshold: 1 },
            policy: TrustedPolicy { number: PolicyNumber::FIRST, sha256: Sha256Digest::of(b"policy") },
            witnesses: None,
            head_max_age_s: Seconds::new(Trust::HEAD_MAX_AGE_S).unwrap(),
        }
    }

    #[test]
    fn a_trust_file_survives_its_bytes() {
        let bytes = trust().to_bytes().unwrap();
        assert_eq!(Trust::parse(&bytes).unwrap(), trust());
    }

    #[test]
    fn t20_a_trust_file_with_unknown_or_repeated_keys_is_refused() {
        let good = String::from_utf8(trust().to_bytes().unwrap()).unwrap();
        for wrong in [
            good.replacen("\"url\"", "\"extra\": 1, \"url\"", 1),
            good.replacen("\"url\"", "\"origin\": \"other\", \"url\"", 1),
            good.replacen("\"number\": 1", "\"number\": 1.5", 1),
        ] {
            assert_ne!(wrong, good);
            assert!(Trust::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
