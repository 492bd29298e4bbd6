//! The exporter's signature: a DSSE envelope whose type says that it is a pack's manifest, and nothing else.

use holdfast_formats::envelope::{Base64Bytes, Envelope, pre_authentication_encoding};
use holdfast_formats::from_json;
use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;

use super::keys::owner;
use super::{MANIFEST, PackError, PackManifest};
use crate::error::ClientError;
use crate::keys::Signer;

/// Signed together with the payload, so that neither can be taken for anything else.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.holdfast.evidence-pack.v1+json";

/// Signs a manifest.
pub(super) async fn seal(manifest: &PackManifest, signer: &Signer) -> Result<Vec<u8>, ClientError> {
    let encode = |source| ClientError::Encode { what: "manifest of the pack", source };
    let payload = serde_json::to_vec(manifest).map_err(encode)?;
    let (payload, payload_type) = (Base64Bytes(payload), PAYLOAD_TYPE.to_owned());
    let envelope = Envelope { payload, payload_type, signatures: Vec::new() };
    let signature = signer.sign(&envelope.message()).await?;
    serde_json::to_vec(&envelope.with_signature(&signer.public(), signature)).map_err(encode)
}

/// A manifest that was read and is not believed yet.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) manifest: PackManifest,
    message: Vec<u8>,
    keyid: Option<String>,
    sig: [u8; 64],
}

impl Sealed {
    /// Reads an envelope of exactly this type with exactly one signature.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PackError> {
        let broken = |rule: &str| PackError::broken(MANIFEST, rule);
        let envelope: Envelope =
            from_json(bytes, bytes.len()).map_err(|e| PackError::broken(MANIFEST, e.to_string()))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(broken("it is an envelope of another type"));
        }
        let [signature] = envelope.signatures.as_slice() else {
            return Err(broken("it must have one signature"));
        };
        let sig = signature.sig.0.as_slice().try_into();
        let sig = sig.map_err(|_| broken("its signature does not have 64 bytes"))?;
        let payload = envelope.payload.0;
        let manifest =
            from_json(&payload, payload.len()).map_err(|e| PackError::broken(MANIFEST, e.to_string()))?;
        let message = pre_authentication_encoding(PAYLOAD_TYPE, &payload);
        Ok(Self { manifest, message, keyid: signature.keyid.clone(), sig })
    }

    /// Who signed it: somebody whose key a policy names and does not distrust.
    pub(super) fn signer(&self, policy: &Policy) -> Result<String, PackError> {
        let principals = policy.principals.iter().filter_map(|p| p.key.as_ref());
        let is_right = |key: &&PublicKey| {
            self.keyid == Some(key.id().to_string()) && key.verify(&self.message, &self.sig).is_ok()
        };
        let signer = principals.chain(&policy.root.keys).find(is_right).and_then(|key| owner(policy, key));
        let unknown = "nobody whom the policy in force names and trusts has signed it";
        signer.ok_or_else(|| PackError::broken(MANIFEST, unknown))
    }
}
