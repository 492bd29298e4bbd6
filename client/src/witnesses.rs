//! The witnesses in trust.json: adding and removing them. Whom to trust is the repository's own decision, made by review.

use holdfast_formats::note::NoteKey;
use holdfast_formats::trust::{Trust, TrustedWitnesses};
use holdfast_verify::witness::{Quorum, QuorumError};

use crate::error::ClientError;
use crate::places::Places;

impl Places {
    /// Trusts one more witness. The quorum stays what it is, 1 at first, unless another one is given.
    pub fn add_witness(&self, key: NoteKey, quorum: Option<u16>) -> Result<Trust, ClientError> {
        let mut trust = self.trust()?;
        let of_registry = trust.log_keys.iter().chain(&trust.head_keys).any(|known| known == key.key());
        if of_registry {
            let rule = "this is a key of the registry itself, and nobody witnesses their own log".to_owned();
            return Err(ClientError::Witnesses(rule));
        }
        let before = trust.witnesses.take();
        let quorum = quorum.unwrap_or_else(|| before.as_ref().map_or(1, |before| before.quorum));
        let mut keys = before.map_or_else(Vec::new, |before| before.keys);
        if !keys.contains(&key) {
            keys.push(key);
        }
        self.write_witnesses(trust, TrustedWitnesses { keys, quorum })
    }

    /// Trusts a witness no longer, by its name or verifier key. A quorum that the others cannot meet is never lowered by
    /// itself. Without the last witness no quorum is asked for.
    pub fn remove_witness(&self, witness: &str, quorum: Option<u16>) -> Result<Trust, ClientError> {
        let mut trust = self.trust()?;
        let unknown = || {
            ClientError::Witnesses(format!(
                "{witness:?} is not among the trusted witnesses; `holdfast witness list` shows them"
            ))
        };
        let mut before = trust.witnesses.take().ok_or_else(unknown)?;
        let count = before.keys.len();
        before.keys.retain(|key| key.name().as_str() != witness && key.to_string() != witness);
        match before.keys.len() {
            left if left == count => Err(unknown()),
            0 => {
                self.write_trust(&trust)?;
                Ok(trust)
            }
            _ => {
                let quorum = quorum.unwrap_or(before.quorum);
                self.write_witnesses(trust, TrustedWitnesses { keys: before.keys, quorum })
            }
        }
    }

    fn write_witnesses(&self, trust: Trust, witnesses: TrustedWitnesses) -> Result<Trust, ClientError> {
        if let Err(error) = Quorum::new(&witnesses) {
            let advice = match error {
                QuorumError::Size { .. } => "; say with --quorum how many must cosign",
                _ => "",
            };
            return Err(ClientError::Witnesses(format!("{error}{advice}")));
        }
        let trust = Trust { witnesses: Some(witnesses), ..trust };
        self.write_trust(&trust)?;
        Ok(trust)
    }
}
