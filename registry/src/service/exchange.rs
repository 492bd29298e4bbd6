//! An outside identity for a short-lived grant: the registry believes an issuer that the policy names, and logs what it gave
//! whom. The issuer's token is forgotten; the log has the hash of its claims.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::{Policy, Principal};
use holdfast_formats::statement::{Grant, GrantOidc};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{OidcExchange, ProblemCode};
use holdfast_verify::exchange::{EXCHANGED_LIFE_MS_MAX, Scope, Wanted, scope_for};
use holdfast_verify::facts::Facts as _;

use super::{Failure, Service, Submitted};
use crate::log::AtSlot;
use crate::oidc::{OidcError, Vouched};

/// What is kept back of the longest life: the log's clock may be a little ahead of this one.
const MARGIN_MS: u64 = 60 * 1000;

impl Service {
    /// Gives a grant to whoever an issuer vouches for. One ID token makes one grant; sent again with the same hash, it is
    /// answered with the same.
    pub async fn exchange(&self, sent: OidcExchange) -> Result<Submitted, Failure> {
        let policy = self.log().head().policy().cloned().ok_or(OidcError::IssuerUnknown)?;
        let now = self.now();
        let vouched = self.inner.issuers.verify(&sent.id_token, &policy, now).await?;
        let OidcExchange { token_sha256, key, actions, names, channels, id_token: _ } = sent;
        let (principal, scope) = entitled(&policy, &vouched, &Wanted { actions, names, channels })?;
        if let Some(index) = self.given_before(token_sha256, vouched.claims_sha256).await? {
            return self.answer(index, false).await;
        }
        let grant = Grant {
            token_sha256,
            subject: principal.id.as_str().parse().map_err(Failure::internal)?,
            actions: scope.actions,
            names: scope.names,
            channels: scope.channels,
            quotas: None,
            expires: Some(vouched.expires.min(now.plus_ms(EXCHANGED_LIFE_MS_MAX - MARGIN_MS))),
            key,
            oidc: Some(GrantOidc {
                issuer: vouched.issuer,
                subject: vouched.subject,
                claims_sha256: vouched.claims_sha256,
            }),
        };
        let appended = self.log().append_own(grant.into(), None, AtSlot::Nothing).await?;
        self.answer(appended.index, appended.new).await
    }

    /// The grant that this ID token was exchanged for, when it was for the same token. The rule book refuses a second one;
    /// here it is only found out sooner.
    async fn given_before(
        &self,
        token: Sha256Digest,
        claims: Sha256Digest,
    ) -> Result<Option<LeafIndex>, Failure> {
        let found =
            self.log().index().read(move |view| view.grant_by_claims(&claims).map_err(Failure::from)).await?;
        match found {
            None => Ok(None),
            Some(fact) if fact.grant.token_sha256 == token => Ok(Some(fact.index)),
            Some(_) => Err(Failure::new(
                ProblemCode::Conflict,
                "this ID token was exchanged for a grant already; ask the issuer for a new one",
            )),
        }
    }
}

/// The first principal that this is and that may have what is wanted.
fn entitled<'p>(
    policy: &'p Policy,
    vouched: &Vouched,
    wanted: &Wanted,
) -> Result<(&'p Principal, Scope), Failure> {
    let mut principals = policy.principals.iter().filter(|principal| vouched.is(principal)).peekable();
    if principals.peek().is_none() {
        return Err(OidcError::NoPrincipal.into());
    }
    let scope = |p: &'p Principal| scope_for(policy, p, wanted).map(|scope| (p, scope));
    principals.find_map(scope).ok_or_else(|| {
        Failure::new(
            ProblemCode::Forbidden,
            "the roles of this identity in the policy do not cover what is asked for; ask for less, or have the policy changed",
        )
    })
}
