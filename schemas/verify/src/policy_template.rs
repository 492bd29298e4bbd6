//! Policies to start from.

use holdfast_formats::StrictMap;
use holdfast_formats::key::PublicKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::name::PrincipalId;
use holdfast_formats::number::{Count, PolicyNumber, Seconds};
use holdfast_formats::origin::Origin;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{
    ChannelRule, NamespaceRule, Policy, Principal, PrincipalKind, Role, RoleRule, RootKeys,
};

/// How long a former answer can be gone back to: 30 days.
const ROLLBACK_WINDOW: Seconds = seconds(30 * 24 * 3600);
/// The most that a writer may ask for: ten years.
const KEEP_MAX: Seconds = seconds(10 * 365 * 24 * 3600);
/// How many last pins stay whatever their date.
const KEEP_PINS: Count = match Count::new(5) {
    Ok(count) => count,
    Err(_) => unreachable!(),
};

const fn seconds(value: u64) -> Seconds {
    match Seconds::new(value) {
        Ok(seconds) => seconds,
        Err(_) => unreachable!(),
    }
}

/// The keys of a registry that a first policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKeys {
    /// Signs checkpoints.
    pub log: PublicKey,
    /// Signs channel heads.
    pub head: PublicKey,
    /// Signs commits and the registry's own statements.
    pub registry: PublicKey,
}

/// Policy 1 of one person alone: one principal with every role everywhere, whose key is the root key too.
pub fn solo_policy(origin: Origin, keys: RegistryKeys, user: PublicKey, id: PrincipalId) -> Policy {
    let everything: NamePattern = "*".parse().expect("a lone star is a pattern");
    Policy {
        rules: RULE_BOOK_VERSION,
        number: PolicyNumber::FIRST,
        predecessor: None,
        origin,
        log_keys: vec![keys.log],
        head_keys: vec![keys.head],
        registry_keys: vec![keys.registry],
        root: RootKeys { keys: vec![user.clone()], threshold: 1 },
        roles: Role::ALL.iter().map(|role| role_of_one(*role, &id, &everything)).collect(),
        principals: vec![principal(id, user)],
        separate: Vec::new(),
        distrust: Vec::new(),
        namespaces: vec![namespace_rule(everything.clone())],
        channels: vec![channel_rule(everything)],
    }
}

fn principal(id: PrincipalId, key: PublicKey) -> Principal {
    Principal { id, kind: PrincipalKind::Ed25519, key: Some(key), issuer: None, audience: None, claims: None }
}

fn role_of_one(role: Role, id: &PrincipalId, everything: &NamePattern) -> RoleRule {
    RoleRule {
        role,
        principals: vec![id.clone()],
        names: vec![everything.clone()],
        channels: vec![everything.clone()],
        threshold: 1,
    }
}

fn namespace_rule(name: NamePattern) -> NamespaceRule {
    let tag = |tag: &str| tag.parse().expect("a short lower-case word is an OCI tag");
    NamespaceRule {
        name,
        public_read: false,
        moving_tags: vec![tag("latest"), tag("main")],
        registry_publishes: false,
        windows: StrictMap::empty(),
        keep_max_s: KEEP_MAX,
    }
}

fn channel_rule(pattern: NamePattern) -> ChannelRule {
    ChannelRule {
        pattern,
        follows: None,
        members: None,
        evidence: Vec::new(),
        objectives: None,
        rollback_window_s: ROLLBACK_WINDOW,
        keep_pins: KEEP_PINS,
        calendar: None,
        schedules: None,
        pin_expires_s: None,
    }
}
