//! Outside identities: what the policy lets the registry give a principal that an OIDC issuer vouches for.
//!
//! Asked by the registry before it gives such a grant, and by the rule book and clients of one that is given. Whether the
//! issuer really vouches is the registry's word: the grant names issuer, subject and the hash of what was claimed.

use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{Policy, Principal, PrincipalKind, Role, RoleRule};
use holdfast_formats::statement::{Action, Grant, GrantOidc};
use holdfast_formats::time::Timestamp;

use crate::reach::Reach;

/// The longest that such a grant lasts: nobody can take back what a job was told by its issuer.
pub const EXCHANGED_LIFE_MS_MAX: u64 = 60 * 60 * 1000;

/// What somebody asks for; everything that its roles allow where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which actions.
    pub actions: Option<Vec<Action>>,
    /// On which artifact names.
    pub names: Option<Vec<NamePattern>>,
    /// On which channels.
    pub channels: Option<Vec<NamePattern>>,
}

/// What a grant may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What it allows.
    pub actions: Vec<Action>,
    /// On which artifact names.
    pub names: Vec<NamePattern>,
    /// On which channels.
    pub channels: Vec<NamePattern>,
}

/// The most that a principal may have of what is wanted; nothing when its roles do not cover all of what is named.
///
/// A grant has one list of names and one of channels for all its actions. Where none are named, those of one of the
/// principal's rules are taken: of the one under which most actions are allowed, the first among equals.
pub fn scope_for(policy: &Policy, principal: &Principal, wanted: &Wanted) -> Option<Scope> {
    let own = |rule: &&RoleRule| rule.role != Role::Administrator && rule.principals.contains(&principal.id);
    let mut best: Option<Scope> = None;
    for rule in policy.roles.iter().filter(own) {
        let names = wanted.names.clone().unwrap_or_else(|| rule.names.clone());
        let channels = wanted.channels.clone().unwrap_or_else(|| rule.channels.clone());
        let allowed =
            |action: &Action| may_have(policy, principal, *action, Reach::Patterns(&names, &channels));
        let actions: Vec<Action> = match &wanted.actions {
            Some(actions) if actions.iter().all(allowed) => actions.clone(),
            Some(_) => continue,
            None => Action::ALL.iter().copied().filter(allowed).collect(),
        };
        if best.as_ref().map_or(0, |best| best.actions.len()) < actions.len() {
            best = Some(Scope { actions, names, channels });
        }
    }
    best
}

/// Whether the policy lets the registry exchange an outside identity for a grant: the principal that the grant is for
/// stands for the issuer, its roles cover every action, and the grant ends soon.
pub(crate) fn is_exchangeable(policy: &Policy, grant: &Grant, oidc: &GrantOidc, given: Timestamp) -> bool {
    let stands_for = |p: &&Principal| {
        p.kind == PrincipalKind::Oidc
            && p.issuer.as_ref() == Some(&oidc.issuer)
            && p.id.as_str() == grant.subject.as_str()
    };
    let reach = Reach::Patterns(&grant.names, &grant.channels);
    let may = |principal: &Principal| {
        grant.actions.iter().all(|action| may_have(policy, principal, *action, reach))
    };
    let ends = grant.expires.is_some_and(|at| at <= given.plus_ms(EXCHANGED_LIFE_MS_MAX));
    ends && policy.principals.iter().find(stands_for).is_some_and(may)
}

fn may_have(policy: &Policy, principal: &Principal, action: Action, reach: Reach<'_>) -> bool {
    let fits = |rule: &&RoleRule| role_of(action).is_none_or(|role| rule.role == role);
    action != Action::Administer
        && policy.roles.iter().filter(fits).any(|rule| {
            rule.principals.contains(&principal.id) && reach.is_covered_by(&rule.names, &rule.channels)
        })
}

/// The role that a principal needs for an action; any role lets it read.
const fn role_of(action: Action) -> Option<Role> {
    match action {
        Action::Read => None,
        Action::Publish => Some(Role::Publisher),
        Action::Attest => Some(Role::Attester),
        Action::Deploy => Some(Role::Deployer),
        Action::Release => Some(Role::Releaser),
        Action::Hold => Some(Role::Holder),
        Action::Operate => Some(Role::Operator),
        Action::Administer => Some(Role::Administrator),
        Action::Audit => Some(Role::Auditor),
    }
}
