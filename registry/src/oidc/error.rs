//! Why a token is not believed. None of it quotes the token.

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// It is no token.
    #[error("the ID token cannot be read; send it as the issuer gave it")]
    Unreadable,
    /// Anything but RS256, ES256 and `EdDSA`.
    #[error(
        "the ID token is signed by an algorithm that is not accepted; the issuer must use RS256, ES256 or EdDSA"
    )]
    Algorithm,
    /// The policy names no such issuer.
    #[error("the policy has no principal of this ID token's issuer; add one of kind oidc")]
    IssuerUnknown,
    /// The issuer publishes no such key, or one that is for something else.
    #[error("the issuer publishes no key of this ID token's kid and algorithm; ask it for a new token")]
    KeyUnknown,
    /// The signature is not by that key.
    #[error("the ID token's signature is wrong; ask the issuer for a new token")]
    Signature,
    /// It is for somebody else.
    #[error("the ID token is for another audience; ask the issuer for one whose audience the policy names")]
    Audience,
    /// It has ended.
    #[error("the ID token has expired; ask the issuer for a new one")]
    Expired,
    /// It has not begun.
    #[error("the ID token is not valid yet; compare the clocks of issuer and registry")]
    NotYet,
    /// A claim is missing or has another type.
    #[error(
        "the claim {0} of the ID token is missing or malformed; the registry needs iss, sub, aud, exp and iat"
    )]
    Claim(&'static str),
    /// No principal says what the token says.
    #[error(
        "the policy has no principal whose issuer, audience and claims are those of this ID token; compare repository, ref and environment word for word"
    )]
    NoPrincipal,
    /// The keys could not be had.
    #[error(
        "the keys of the ID token's issuer cannot be had now; the registry's log says why, so ask again later"
    )]
    Keys,
}
