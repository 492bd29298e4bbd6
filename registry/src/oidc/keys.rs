//! The keys of issuers, kept for some minutes; asked for again when one is not known, but never often.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_formats::text::Uri;
use holdfast_formats::time::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;

use super::OidcError;
use super::fetch::{Fetcher, keys_of};

/// How long keys are used before they are asked for again, so that one that is taken back stops counting.
const FRESH_MS: u64 = 10 * 60 * 1000;
/// An issuer is asked at most once in so long, whatever is sent here.
const PAUSE_MS: u64 = 10 * 1000;
/// How many issuers are kept; a policy that names more has them asked for more often.
const ISSUERS_MAX: usize = 64;
/// How many keys of one issuer are looked at.
const KEYS_MAX: usize = 64;

/// Keys by issuer.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    fetcher: Fetcher,
    kept: Mutex<HashMap<Uri, Arc<Mutex<Kept>>>>,
}

/// What is known of one issuer.
#[derive(Debug)]
struct Kept {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl IssuerKeys {
    pub(super) fn new() -> Self {
        Self { fetcher: Fetcher::new(), kept: Mutex::new(HashMap::new()) }
    }

    /// The key of an issuer by its id, for this algorithm.
    pub(super) async fn find(
        &self,
        issuer: &Uri,
        kid: &str,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<DecodingKey, OidcError> {
        let kept = self.of(issuer).await;
        // Held while the issuer is asked: whoever else needs the same keys waits for this answer.
        let mut kept = kept.lock().await;
        if !kept.is_fresh(now) || !kept.keys.contains_key(kid) {
            kept.refresh(issuer, &self.fetcher, now).await;
        }
        if !kept.is_fresh(now) {
            return Err(OidcError::Keys);
        }
        match kept.keys.get(kid) {
            Some((of, key)) if *of == algorithm => Ok(key.clone()),
            _ => Err(OidcError::KeyUnknown),
        }
    }

    async fn of(&self, issuer: &Uri) -> Arc<Mutex<Kept>> {
        let mut all = self.kept.lock().await;
        if all.len() >= ISSUERS_MAX && !all.contains_key(issuer) {
            all.clear();
        }
        let nothing = || Arc::new(Mutex::new(Kept { keys: HashMap::new(), fetched: None, tried: None }));
        Arc::clone(all.entry(issuer.clone()).or_insert_with(nothing))
    }
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|at| now.ms_since(at) < FRESH_MS)
    }

    async fn refresh(&mut self, issuer: &Uri, fetcher: &Fetcher, now: Timestamp) {
        if self.tried.is_some_and(|at| now.ms_since(at) < PAUSE_MS) {
            return;
        }
        self.tried = Some(now);
        match keys_of(issuer, fetcher).await {
            Ok(found) => {
                self.keys = found.keys.iter().take(KEYS_MAX).filter_map(usable).collect();
                self.fetched = Some(now);
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%issuer, %error, cause, "an OIDC issuer's keys could not be fetched");
            }
        }
    }
}

/// A key with its id, when it is for signatures of an algorithm that is accepted. The key says which one, not the token.
fn usable(jwk: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(p), None | Some(KeyAlgorithm::ES256))
            if p.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        (AlgorithmParameters::OctetKeyPair(p), None | Some(KeyAlgorithm::EdDSA))
            if p.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    if jwk.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    Some((jwk.common.key_id.clone()?, (algorithm, DecodingKey::from_jwk(jwk).ok()?)))
}
