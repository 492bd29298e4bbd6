//! What a token claims, once it is believed, and which principals that makes of its bearer.

use data_encoding::BASE64URL_NOPAD;
use holdfast_formats::StrictMap;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::id_token::IdToken;
use holdfast_formats::policy::{Policy, Principal, PrincipalKind};
use holdfast_formats::text::{Label, Uri};
use holdfast_formats::time::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous, decode};
use serde_json::Value;

use super::OidcError;

/// How far the clocks of issuer and registry may be apart. The end of a token is no matter of leeway: its grant ends then.
const LEEWAY_S: u64 = 60;
/// A token that lasts longer is no token of a job.
const LIFE_S_MAX: u64 = 24 * 60 * 60;

type Claims = StrictMap<String, Value>;

/// Somebody for whom an issuer vouches.
#[derive(Debug, Clone)]
pub struct Vouched {
    /// Who vouches.
    pub issuer: Uri,
    /// For whom.
    pub subject: Label,
    /// The SHA-256 of the claims as they were signed.
    pub claims_sha256: Sha256Digest,
    /// Until when.
    pub expires: Timestamp,
    claims: Claims,
    log: String,
}

impl Vouched {
    /// Whether this is who a principal stands for: by issuer, audience and every claim, word for word.
    ///
    /// A principal without any claim stands for nobody: an issuer vouches for everybody who asks it. A principal without
    /// audience wants the log's name.
    pub fn is(&self, principal: &Principal) -> bool {
        let audience = principal.audience.as_ref().map_or(self.log.as_str(), Label::as_str);
        let Some(wanted) = &principal.claims else { return false };
        let wanted = [
            (wanted.repository.as_ref(), &["repository", "project_path"][..]),
            (wanted.r#ref.as_ref(), &["ref", "ref_path"][..]),
            (wanted.environment.as_ref(), &["environment"][..]),
        ];
        let says = |(value, names): (Option<&Label>, &[&str])| {
            value.is_none_or(|value| names.iter().any(|name| self.text(name) == Some(value.as_str())))
        };
        principal.kind == PrincipalKind::Oidc
            && principal.issuer.as_ref() == Some(&self.issuer)
            && audiences(&self.claims).contains(&audience)
            && wanted.iter().any(|(value, _)| value.is_some())
            && wanted.into_iter().all(says)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(&name.to_owned()).and_then(Value::as_str)
    }
}

/// The issuer that a token claims to be of. Not verified.
pub(super) fn issuer_claimed(token: &IdToken) -> Option<String> {
    let claims: Claims = dangerous::insecure_decode_claims(token.expose()).ok()?;
    text(&claims, "iss").map(ToOwned::to_owned)
}

/// Verifies a token by a key of its issuer.
pub(super) fn verify(
    token: &IdToken,
    issuer: &Uri,
    algorithm: Algorithm,
    key: &DecodingKey,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vouched, OidcError> {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer.as_str()]);
    validation.set_audience(&wanted_audiences(policy, issuer));
    // The registry has a clock of its own, which the library does not take: times are compared below.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let claims: Claims = decode(token.expose(), key, &validation).map_err(|e| refusal(e.kind()))?.claims;
    let expires = check_times(&claims, now)?;
    let signed = BASE64URL_NOPAD.decode(token.claims_part().as_bytes()).map_err(|_| OidcError::Unreadable)?;
    let subject = text(&claims, "sub").and_then(|sub| sub.parse().ok()).ok_or(OidcError::Claim("sub"))?;
    Ok(Vouched {
        issuer: issuer.clone(),
        subject,
        claims_sha256: Sha256Digest::of(&signed),
        expires,
        claims,
        log: policy.origin.to_string(),
    })
}

/// Every audience under which the policy takes tokens of this issuer.
fn wanted_audiences(policy: &Policy, issuer: &Uri) -> Vec<String> {
    let principals = policy.principals.iter().filter(|p| p.issuer.as_ref() == Some(issuer));
    let audience = |p: &Principal| p.audience.as_ref().map_or(policy.origin.to_string(), ToString::to_string);
    principals.map(audience).collect()
}

fn refusal(kind: &ErrorKind) -> OidcError {
    match kind {
        ErrorKind::InvalidSignature => OidcError::Signature,
        ErrorKind::InvalidAudience => OidcError::Audience,
        ErrorKind::InvalidIssuer => OidcError::IssuerUnknown,
        ErrorKind::InvalidAlgorithm | ErrorKind::MissingAlgorithm => OidcError::Algorithm,
        ErrorKind::MissingRequiredClaim(name) => {
            let known = ["exp", "iss", "aud", "sub"].into_iter().find(|known| known == name);
            OidcError::Claim(known.unwrap_or("exp"))
        }
        _ => OidcError::Unreadable,
    }
}

/// Compares the token's times with now, and gives its end.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, OidcError> {
    let seconds = |name: &'static str| match claims.get(&name.to_owned()) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(OidcError::Claim(name)),
    };
    let now_s = now.as_ms() / 1000;
    let expires_s = seconds("exp")?.ok_or(OidcError::Claim("exp"))?;
    let issued_s = seconds("iat")?.ok_or(OidcError::Claim("iat"))?;
    let begins_s = seconds("nbf")?.unwrap_or(issued_s).max(issued_s);
    if begins_s > now_s.saturating_add(LEEWAY_S) {
        return Err(OidcError::NotYet);
    }
    if expires_s <= now_s {
        return Err(OidcError::Expired);
    }
    if expires_s.saturating_sub(issued_s) > LIFE_S_MAX {
        return Err(OidcError::Claim("exp"));
    }
    Ok(Timestamp::from_ms(expires_s.saturating_mul(1000)))
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(&name.to_owned()).and_then(Value::as_str)
}

fn audiences(claims: &Claims) -> Vec<&str> {
    match claims.get(&"aud".to_owned()) {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Somebody who claims this, of whom an issuer said so.
#[cfg(test)]
pub(super) fn vouched_in_test(claims: &Value) -> Vouched {
    Vouched {
        issuer: "https://issuer.example".parse().unwrap(),
        subject: "job".parse().unwrap(),
        claims_sha256: Sha256Digest::of(b"claims"),
        expires: Timestamp::from_ms(0),
        claims: serde_json::from_value(claims.clone()).unwrap(),
        log: "log.example/one".to_owned(),
    }
}
