//! Who an OIDC issuer says that somebody is: its token verified against the keys that it publishes, and compared with the
//! principals of the policy.
//!
//! Only issuers that the policy names are ever asked, over TLS or on this machine. A token is never logged and never kept.
//! What a principal may do is not decided here.

mod claims;
mod error;
mod fetch;
mod keys;
mod ring_provider;

#[cfg(test)]
mod tests;

use holdfast_formats::id_token::IdToken;
use holdfast_formats::policy::{Policy, PrincipalKind};
use holdfast_formats::time::Timestamp;
use jsonwebtoken::{Algorithm, decode_header};

pub use claims::Vouched;
pub use error::OidcError;

use keys::IssuerKeys;

/// Never `none`, and nothing symmetric: a public key must not be usable as a secret.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The issuers and their keys, as far as they were asked for.
#[derive(Debug)]
pub struct Issuers {
    keys: IssuerKeys,
}

impl Issuers {
    /// None of them was asked yet.
    pub fn unasked() -> Self {
        ring_provider::install();
        Self { keys: IssuerKeys::new() }
    }

    /// Verifies a token of an issuer that the policy names.
    pub async fn verify(
        &self,
        token: &IdToken,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vouched, OidcError> {
        let header = decode_header(token.expose()).map_err(|_| OidcError::Unreadable)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(OidcError::Algorithm);
        }
        // Not believed yet: it only says whose keys to verify with, and must be one that the policy names.
        let claimed = claims::issuer_claimed(token).ok_or(OidcError::Unreadable)?;
        let known = policy.principals.iter().filter(|p| p.kind == PrincipalKind::Oidc);
        let issuer = known.filter_map(|p| p.issuer.as_ref()).find(|issuer| issuer.as_str() == claimed);
        let issuer = issuer.ok_or(OidcError::IssuerUnknown)?;
        let kid = header.kid.ok_or(OidcError::KeyUnknown)?;
        let key = self.keys.find(issuer, &kid, header.alg, now).await?;
        claims::verify(token, issuer, header.alg, &key, policy, now)
    }
}
