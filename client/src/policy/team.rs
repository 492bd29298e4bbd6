//! From the rules of one person to those of a team.

use std::collections::BTreeSet;

use holdfast_formats::key::PublicKey;
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{Policy, Principal, PrincipalKind, Role};

use super::refused;
use crate::error::ClientError;

/// Somebody with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name in the policy.
    pub id: PrincipalId,
    /// The key.
    pub key: PublicKey,
}

/// Who joins, and how many it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Those who hold the root, and every role besides.
    pub owners: Vec<Member>,
    /// Those who release: pin, deny, freeze.
    pub releasers: Vec<Member>,
    /// Those, people or machines, who publish, attest and deploy.
    pub publishers: Vec<Member>,
    /// How many owners change the policy; two, or the only one, when left out.
    pub root_threshold: Option<u16>,
    /// How many releasers it takes to pin; two when left out.
    pub pin_threshold: Option<u16>,
    /// Whether who published an artifact may also release it.
    pub may_release_own: bool,
}

/// The team's roles beyond those of owners.
const RELEASING: [Role; 1] = [Role::Releaser];
const PUBLISHING: [Role; 3] = [Role::Publisher, Role::Attester, Role::Deployer];

/// Changes a policy to that of a team. Whoever has roles or a root key keeps them.
pub fn upgrade(policy: &mut Policy, team: &Team) -> Result<(), ClientError> {
    if team.owners.is_empty() && team.releasers.is_empty() && team.publishers.is_empty() {
        return Err(refused("nobody joins; name people with --owner, --releaser or --publisher"));
    }
    for member in team.owners.iter().chain(&team.releasers).chain(&team.publishers) {
        admit(policy, member)?;
    }
    for owner in &team.owners {
        if !policy.root.keys.contains(&owner.key) {
            policy.root.keys.push(owner.key.clone());
        }
    }
    let owners: Vec<PrincipalId> = team.owners.iter().map(|member| member.id.clone()).collect();
    give(policy, Role::ALL, &owners);
    give(policy, &RELEASING, &ids(&team.releasers));
    give(policy, &PUBLISHING, &ids(&team.publishers));
    let roots = u16::try_from(policy.root.keys.len()).unwrap_or(u16::MAX);
    policy.root.threshold = team.root_threshold.unwrap_or(policy.root.threshold.max(roots.min(2)));
    set_pin_threshold(policy, team.pin_threshold)?;
    if !team.may_release_own {
        keep_apart(policy)?;
    }
    Ok(())
}

fn ids(members: &[Member]) -> Vec<PrincipalId> {
    members.iter().map(|member| member.id.clone()).collect()
}

/// Makes somebody a principal. A name or key that is there must be the same person's.
fn admit(policy: &mut Policy, member: &Member) -> Result<(), ClientError> {
    let Member { id, key } = member;
    for known in &policy.principals {
        match (known.id == *id, known.key.as_ref() == Some(key)) {
            (true, true) => return Ok(()),
            (true, false) => return Err(refused(format!("{id} is a principal with another key already"))),
            (false, true) => return Err(refused(format!("the key of {id} is that of {}", known.id))),
            (false, false) => {}
        }
    }
    policy.principals.push(Principal {
        id: id.clone(),
        kind: PrincipalKind::Ed25519,
        key: Some(key.clone()),
        issuer: None,
        audience: None,
        claims: None,
    });
    Ok(())
}

/// Adds people to the rules of these roles.
fn give(policy: &mut Policy, roles: &[Role], people: &[PrincipalId]) {
    for rule in policy.roles.iter_mut().filter(|rule| roles.contains(&rule.role)) {
        let missing: Vec<PrincipalId> =
            people.iter().filter(|id| !rule.principals.contains(id)).cloned().collect();
        rule.principals.extend(missing);
    }
}

/// Whoever publishes an artifact does not release it; the others must be enough for a pin.
fn keep_apart(policy: &mut Policy) -> Result<(), ClientError> {
    let apart = (Role::Publisher, Role::Releaser);
    let publishes = |id: &PrincipalId| {
        policy.roles.iter().any(|rule| rule.role == Role::Publisher && rule.principals.contains(id))
    };
    let short = policy.roles.iter().filter(|rule| rule.role == Role::Releaser).any(|rule| {
        let others = usize::from(rule.principals.iter().any(publishes));
        rule.principals.len() < usize::from(rule.threshold) + others
    });
    if short {
        return Err(refused(
            "who publishes could not find enough others to release; name more releasers, lower --pin-threshold, or allow it with --may-release-own",
        ));
    }
    if !policy.separate.contains(&apart) {
        policy.separate.push(apart);
    }
    Ok(())
}

/// Two must release together where there are two, unless it is said otherwise.
fn set_pin_threshold(policy: &mut Policy, wanted: Option<u16>) -> Result<(), ClientError> {
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        let people = rule.principals.iter().collect::<BTreeSet<_>>().len();
        let usual = rule.threshold.max(u16::try_from(people.min(2)).unwrap_or(1));
        rule.threshold = wanted.unwrap_or(usual);
        if rule.threshold == 0 || usize::from(rule.threshold) > people {
            return Err(refused(format!(
                "{} releasers are wanted for a pin, and there are {people}",
                rule.threshold
            )));
        }
    }
    Ok(())
}
