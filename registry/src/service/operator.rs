//! Who may make this node work: whoever has its registry key, on its own machine. Nothing secret travels.

use holdfast_formats::key::SigningKey;
use holdfast_formats::operator::{OperatorProof, OperatorRequest};
use holdfast_formats::wire::v1::ProblemCode;

use super::{Failure, Service};
use crate::log::KeyKind;

/// How long a request is good for. What it asks for may be asked for twice, so it need not be remembered.
const APART_MS_MAX: u64 = 60_000;

impl Service {
    /// Lets requests pass that a registry key of this node signed just now.
    pub fn require_operator(&self, path: &str, proof: Option<&str>, body: &[u8]) -> Result<(), Failure> {
        let refused = || {
            Failure::new(
                ProblemCode::Unauthorized,
                "only `holdfast-registry` may ask for this, with the registry's keys and a clock that is right",
            )
        };
        let proof: OperatorProof = proof.and_then(|text| text.parse().ok()).ok_or_else(refused)?;
        let keys = self.log().keys();
        let request = OperatorRequest { origin: &keys.origin, path, issued_at: proof.issued_at, body };
        let held = keys.keys(KeyKind::Registry).iter().map(SigningKey::public);
        let now = self.now();
        let apart_ms = now.ms_since(proof.issued_at).max(proof.issued_at.ms_since(now));
        if apart_ms <= APART_MS_MAX && request.is_signed_by(held, &proof) { Ok(()) } else { Err(refused()) }
    }
}
