//! `grant` and `revoke`: tokens. Nobody gives more than they may give, and the registry gives only what the policy lets an
//! outside identity have.

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::Role;
use holdfast_formats::statement::{Grant, GrantOidc, Revoke};

use super::{Case, Ruling};
use crate::exchange::is_exchangeable;
use crate::facts::{Effect, GrantFact};
use crate::reach::{Ask, Quorum, Reach};
use crate::refusal::{JudgeError, Refusal};

/// Most actions or patterns of one grant.
const LIST_MAX: usize = 64;

pub(super) fn judge(case: &Case<'_>, grant: &Grant) -> Result<Ruling, JudgeError> {
    let counted = match &grant.oidc {
        Some(oidc) => registry_for_identity(case, grant, oidc)?,
        None => administrators(case, grant)?,
    };
    check_form(grant)?;
    case.check_ahead("expires", grant.expires)?;
    check_unused(case, grant)?;
    let fact = GrantFact {
        index: case.candidate.index,
        grant: grant.clone(),
        time: case.candidate.time,
        signers: counted.clone(),
        revoked: None,
    };
    Ok(Ruling::ready(counted, Effect::Grant(Box::new(fact))))
}

pub(super) fn judge_revoke(case: &Case<'_>, revoke: &Revoke) -> Result<Ruling, JudgeError> {
    let index = revoke.grant.index;
    case.entitled(Ask::anybody(Role::Administrator))?;
    let fact = case.facts.grant(index)?.ok_or(Refusal::EntryNotFound { what: "grant", index })?;
    let ask = Ask::administrators(&fact.grant);
    let counted = case.entitled_to_end(("grant", index), ask.reach, ask)?;
    if let Some(by) = fact.revoked {
        return Err(Refusal::AlreadyEnded { what: "grant", index, by }.into());
    }
    Ok(Ruling::ready(counted, Effect::Revoke { grant: index, by: case.candidate.index }))
}

/// Administrators whose own rule covers everything that the grant covers.
fn administrators(case: &Case<'_>, grant: &Grant) -> Result<Vec<KeyId>, Refusal> {
    case.entitled(Ask::anybody(Role::Administrator))?;
    let refusal = match case.entitled(Ask::administrators(grant)) {
        Ok(keys) => return Ok(keys),
        Err(refusal) => refusal,
    };
    let alone = |name: Option<&NamePattern>, channel: Option<&NamePattern>| {
        let (names, channels) =
            (name.map_or(&[][..], std::slice::from_ref), channel.map_or(&[][..], std::slice::from_ref));
        let reach = Reach::Patterns(names, channels);
        case.entitled(Ask { role: Role::Administrator, reach, quorum: Quorum::One }).is_ok()
    };
    let name = grant.names.iter().find(|pattern| !alone(Some(pattern), None));
    let channel = grant.channels.iter().find(|pattern| !alone(None, Some(pattern)));
    Err(name.or(channel).map_or(refusal, |pattern| Refusal::GrantTooWide { pattern: pattern.clone() }))
}

/// The registry exchanges an outside identity for a grant when the policy lets it.
fn registry_for_identity(case: &Case<'_>, grant: &Grant, oidc: &GrantOidc) -> Result<Vec<KeyId>, JudgeError> {
    let counted = case.registry()?;
    if is_exchangeable(case.policy, grant, oidc, case.candidate.time) {
        return Ok(counted);
    }
    Err(Refusal::OidcNotAllowed { issuer: oidc.issuer.clone() }.into())
}

fn check_form(grant: &Grant) -> Result<(), Refusal> {
    let fits = |len: usize| (1..=LIST_MAX).contains(&len);
    if fits(grant.actions.len()) && fits(grant.names.len()) && fits(grant.channels.len()) {
        return Ok(());
    }
    Err(Refusal::Malformed { rule: "actions, names and channels of a grant must each have 1 to 64 entries" })
}

/// A token's hash, an ephemeral key and an outside identity's claims stand for one grant only, and a key that policy names
/// is no ephemeral one.
fn check_unused(case: &Case<'_>, grant: &Grant) -> Result<(), JudgeError> {
    if case.facts.grant_by_token(&grant.token_sha256)?.is_some() {
        return Err(Refusal::InUse { what: "token" }.into());
    }
    if let Some(oidc) = &grant.oidc
        && case.facts.grant_by_claims(&oidc.claims_sha256)?.is_some()
    {
        return Err(Refusal::InUse { what: "ID token" }.into());
    }
    let Some(key) = &grant.key else { return Ok(()) };
    if is_policy_key(case, key) || case.facts.grant_by_key(&key.id())?.is_some() {
        return Err(Refusal::InUse { what: "ephemeral key" }.into());
    }
    Ok(())
}

fn is_policy_key(case: &Case<'_>, key: &PublicKey) -> bool {
    let policy = case.policy;
    let registry = [&policy.log_keys, &policy.head_keys, &policy.registry_keys];
    registry.into_iter().flatten().chain(&policy.root.keys).any(|other| other == key)
        || policy.principals.iter().any(|p| p.key.as_ref() == Some(key))
}
