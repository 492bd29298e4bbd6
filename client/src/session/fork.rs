//! Two signed states of one log that do not fit: both are kept, so that others can see them too.

use holdfast_formats::fork::{ForkEvidence, ForkFormat};
use holdfast_formats::key::PublicKey;
use holdfast_formats::tree::TreeHash;
use holdfast_formats::wire::v1::KnownGood;
use holdfast_verify::consistency::ConsistencyError;
use holdfast_verify::known_good::AnswerError;

use super::Registry;
use crate::blocking;
use crate::error::ClientError;
use crate::lookup::answer_error;

impl Registry {
    /// The error that says so, once both signed checkpoints are kept in a file. `proof` is what the log gave to connect
    /// them, and which does not.
    pub(super) async fn fork(
        &self,
        first: &str,
        second: &str,
        proof: Option<Vec<TreeHash>>,
        why: &ConsistencyError,
    ) -> ClientError {
        let evidence = ForkEvidence {
            format: ForkFormat::V1,
            origin: self.origin().clone(),
            log_keys: self.known_log_keys(),
            found_at: self.now(),
            first: first.to_owned(),
            second: second.to_owned(),
            proof: proof.filter(|hashes| !hashes.is_empty()),
        };
        let handle = self.clone();
        let kept = blocking::run(move || handle.state().keep_fork(&evidence)).await;
        // That the log lies must be said even when the disk is full.
        let evidence = kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "the evidence could not be kept");
            None
        });
        ClientError::Fork { detail: why.to_string(), evidence }
    }

    /// A refused answer as an error; when its state does not fit what was seen or cosigned, with the evidence.
    pub(crate) async fn refused_answer(&self, wire: &KnownGood, error: AnswerError) -> ClientError {
        match error {
            AnswerError::Witness(error) => self.not_witnessed(&wire.checkpoint, error).await,
            // To show an old state is a lie of another kind: nothing says yet that the two do not fit.
            AnswerError::Consistency(why) if !matches!(why, ConsistencyError::Shrunk { .. }) => {
                let proof = wire.consistency.as_ref().map(|proof| proof.hashes.clone());
                match self.state().checkpoint() {
                    Ok(Some(seen)) => self.fork(&seen, &wire.checkpoint, proof, &why).await,
                    _ => answer_error(why.into()),
                }
            }
            other => answer_error(other),
        }
    }

    /// Every key that signed checkpoints under a policy that is known.
    fn known_log_keys(&self) -> Vec<PublicKey> {
        let mut keys = self.trust().log_keys.clone();
        let chain = self.policies_at_hand().ok().flatten();
        for policy in chain.iter().flat_map(|chain| chain.iter()) {
            for key in &policy.policy.log_keys {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        keys
    }
}
