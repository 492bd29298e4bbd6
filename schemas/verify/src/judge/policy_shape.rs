//! Whether a policy makes sense in itself: keys that can reach their thresholds, principals that exist, rules that can be
//! met. A policy that locks everybody out would be for ever.

use std::collections::BTreeSet;

use holdfast_formats::key::PublicKey;
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{ChannelRule, EvidenceRule, Policy, Principal, PrincipalKind, Role, RoleRule};
use holdfast_formats::statement::EvidenceKind;

use crate::refusal::Refusal;
use crate::schedules::subject;

/// Refuses a policy that contradicts itself.
pub(super) fn check(policy: &Policy) -> Result<(), Refusal> {
    check_keys(policy)?;
    check_root(policy)?;
    let principals = check_principals(policy)?;
    policy.roles.iter().try_for_each(|rule| check_role(rule, &principals))?;
    check_separation(policy)?;
    if let Some(rule) = policy.namespaces.iter().find(|rule| rule.name.as_str().contains('/')) {
        return Err(unsound(format!("the namespace rule {} is for more than a namespace", rule.name)));
    }
    policy.channels.iter().try_for_each(|rule| check_channel(rule, &principals))
}

fn unsound(rule: String) -> Refusal {
    Refusal::PolicyUnsound { rule }
}

/// The registry's keys each do one thing only, and nobody else has them: a key that signs checkpoints must never be
/// able to sign what a checkpoint holds.
fn check_keys(policy: &Policy) -> Result<(), Refusal> {
    let mut seen: BTreeSet<&PublicKey> = BTreeSet::new();
    for (what, keys) in [
        ("log_keys", &policy.log_keys),
        ("head_keys", &policy.head_keys),
        ("registry_keys", &policy.registry_keys),
    ] {
        if keys.is_empty() {
            return Err(unsound(format!("{what} is empty")));
        }
        if let Some(key) = keys.iter().find(|key| !seen.insert(key)) {
            return Err(unsound(format!("{key} in {what} is listed twice")));
        }
    }
    let others = policy.principals.iter().filter_map(|p| p.key.as_ref()).chain(&policy.root.keys);
    match others.into_iter().find(|key| seen.contains(key)) {
        Some(key) => Err(unsound(format!("{key} is a key of the registry and of somebody else"))),
        None => Ok(()),
    }
}

/// A root key is never distrusted: the policy that distrusts it takes it out.
fn check_root(policy: &Policy) -> Result<(), Refusal> {
    let root = &policy.root;
    let distinct: BTreeSet<&PublicKey> = root.keys.iter().collect();
    if distinct.len() != root.keys.len() {
        return Err(unsound("a root key is listed twice".to_owned()));
    }
    if let Some(d) = policy.distrust.iter().find(|d| distinct.contains(&d.key)) {
        return Err(unsound(format!("{} is a root key and distrusted", d.key)));
    }
    check_threshold("the root", root.threshold, distinct.len())
}

fn check_threshold(of: &str, threshold: u16, reachable: usize) -> Result<(), Refusal> {
    if threshold >= 1 && usize::from(threshold) <= reachable {
        return Ok(());
    }
    Err(unsound(format!("the threshold of {of} is {threshold}, and {reachable} can sign")))
}

fn check_principals(policy: &Policy) -> Result<BTreeSet<&PrincipalId>, Refusal> {
    let mut ids = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for principal in &policy.principals {
        if !ids.insert(&principal.id) {
            return Err(unsound(format!("the principal {} is listed twice", principal.id)));
        }
        if principal.key.as_ref().is_some_and(|key| !keys.insert(key)) {
            return Err(unsound(format!("the key of {} is somebody else's too", principal.id)));
        }
        check_principal(principal)?;
    }
    Ok(ids)
}

fn check_principal(principal: &Principal) -> Result<(), Refusal> {
    let has_oidc_fields =
        principal.issuer.is_some() || principal.audience.is_some() || principal.claims.is_some();
    let fits = match principal.kind {
        PrincipalKind::Ed25519 => principal.key.is_some() && !has_oidc_fields,
        PrincipalKind::Oidc => principal.key.is_none() && principal.issuer.is_some(),
    };
    if fits {
        return Ok(());
    }
    Err(unsound(format!(
        "the principal {} needs a key (ed25519) or an issuer (oidc), and not both",
        principal.id
    )))
}

fn check_role(rule: &RoleRule, principals: &BTreeSet<&PrincipalId>) -> Result<(), Refusal> {
    let distinct: BTreeSet<&PrincipalId> = rule.principals.iter().collect();
    if let Some(id) = distinct.iter().find(|id| !principals.contains(*id)) {
        return Err(unsound(format!("the {} rule names {id}, who is no principal", rule.role)));
    }
    check_threshold(&format!("the {} rule", rule.role), rule.threshold, distinct.len())
}

/// Only what the rule book can keep apart: who published, attested, deployed and released the same artifact.
fn check_separation(policy: &Policy) -> Result<(), Refusal> {
    let kept_apart =
        |role: Role| matches!(role, Role::Publisher | Role::Attester | Role::Deployer | Role::Releaser);
    match policy.separate.iter().find(|(a, b)| a == b || !kept_apart(*a) || !kept_apart(*b)) {
        Some((a, b)) => Err(unsound(format!(
            "{a} and {b} cannot be kept apart; publisher, attester, deployer and releaser can be, from each other"
        ))),
        None => Ok(()),
    }
}

fn check_channel(rule: &ChannelRule, principals: &BTreeSet<&PrincipalId>) -> Result<(), Refusal> {
    let wrong = |what: &str| Err(unsound(format!("the channel rule {} {what}", rule.pattern)));
    if rule.follows.is_some() && rule.members.is_some() {
        return wrong("has follows and members; one of them says which lines answer");
    }
    if rule.members.as_ref().is_some_and(Vec::is_empty) {
        return wrong("has no members; leave the field out to track every pinned name");
    }
    if rule.calendar.iter().flatten().any(|entry| entry.from >= entry.until) {
        return wrong("has a calendar entry that ends before it begins");
    }
    if let Some(fault) = schedule_fault(rule) {
        return wrong(fault);
    }
    match rule.evidence.iter().find_map(|evidence| evidence_fault(evidence, principals)) {
        Some(fault) => wrong(fault),
        None => Ok(()),
    }
}

fn schedule_fault(rule: &ChannelRule) -> Option<&'static str> {
    let schedules = rule.schedules.as_deref().unwrap_or_default();
    let names: BTreeSet<&str> = schedules.iter().map(|schedule| schedule.name.as_str()).collect();
    if schedules.iter().any(|schedule| subject(schedule).is_none()) {
        return Some(
            "schedules something that is neither an artifact name, whose snapshots are due, nor `drill`",
        );
    }
    if schedules.iter().any(|schedule| schedule.every_s.get() == 0) {
        return Some("schedules something every 0 s; say how often, such as 24h");
    }
    (names.len() < schedules.len()).then_some("schedules the same thing twice")
}

fn evidence_fault(rule: &EvidenceRule, principals: &BTreeSet<&PrincipalId>) -> Option<&'static str> {
    match rule.kind {
        EvidenceKind::Outside => Some("wants evidence from outside, which no rule can check"),
        EvidenceKind::Deploy | EvidenceKind::Drill if rule.predicate_type.is_some() => {
            Some("gives a predicate_type to evidence that is no attestation")
        }
        EvidenceKind::Drill if rule.signer.is_some() => {
            Some("names the signer of a drill; operators sign drills")
        }
        _ if rule.signer.as_ref().is_some_and(|id| !principals.contains(id)) => {
            Some("wants evidence signed by somebody who is no principal")
        }
        _ => None,
    }
}
