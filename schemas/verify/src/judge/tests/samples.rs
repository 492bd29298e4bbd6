//! Keys, a policy and statements that the tests of the rule book start from.

use std::str::FromStr;

use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::key::SigningKey;
use holdfast_formats::manifest::{Component, ComponentRole, Custody, Scope, Undo, UndoMode};
use holdfast_formats::number::ByteSize;
use holdfast_formats::policy::{Policy, Principal, PrincipalKind};
use holdfast_formats::statement::{
    Artifact, Deny, DenyEffect, DenyScope, Deploy, DeployPhase, Direction, Scrub, ScrubOutcome,
};
use holdfast_formats::time::Timestamp;

use crate::policy_template::{RegistryKeys, solo_policy};

/// Reads a value that a test writes as text.
pub(super) fn of<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) const HOUR_MS: u64 = 3600 * 1000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

pub(super) fn log_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}
pub(super) fn head_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}
pub(super) fn registry_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}
/// Ana: root, and every role of the solo policy.
pub(super) fn ana() -> SigningKey {
    SigningKey::from_seed([10; 32])
}
pub(super) fn bob() -> SigningKey {
    SigningKey::from_seed([11; 32])
}
pub(super) fn cleo() -> SigningKey {
    SigningKey::from_seed([12; 32])
}

/// The solo policy, in which Bob and Cleo are principals without any role.
pub(super) fn policy() -> Policy {
    let keys = RegistryKeys {
        log: log_key().public(),
        head: head_key().public(),
        registry: registry_key().public(),
    };
    let mut policy = solo_policy(of("registry.example/log"), keys, ana().public(), of("ana"));
    policy.principals.push(principal("bob", &bob()));
    policy.principals.push(principal("cleo", &cleo()));
    policy
}

pub(super) fn principal(id: &str, key: &SigningKey) -> Principal {
    let key = Some(key.public());
    Principal { id: of(id), kind: PrincipalKind::Ed25519, key, issuer: None, audience: None, claims: None }
}

pub(super) fn scrub_of(artifacts: &[&Artifact], outcome: ScrubOutcome, now: Timestamp) -> Scrub {
    let artifacts = artifacts.iter().copied().cloned().collect();
    Scrub { artifacts, outcome, bytes: ByteSize::of(b"12345"), started: now, ended: now, bad: None }
}

pub(super) fn deploy(channel: &str, artifact: &Artifact, phase: DeployPhase, now: Timestamp) -> Deploy {
    Deploy {
        channel: of(channel),
        deploy_id: of("d-1"),
        attempt: 1,
        phase,
        direction: Direction::Forward,
        artifact: artifact.clone(),
        replaces: None,
        pin: None,
        slot: None,
        cohort: None,
        steps: None,
        observed: None,
        started: now,
        ended: (phase != DeployPhase::Started).then_some(now),
    }
}

pub(super) fn deny(artifact: &Artifact, scope: DenyScope, channel: Option<&str>) -> Deny {
    Deny {
        name: artifact.r#ref.name().clone(),
        digests: artifact.digests,
        effect: DenyEffect::Lookup,
        scope,
        channel: channel.map(of),
        reason: of("it loses orders"),
    }
}

/// A held component of a release, redeployed to undo it.
pub(super) fn component(artifact: &Artifact) -> Component {
    Component {
        name: of(artifact.r#ref.name().as_str()),
        role: ComponentRole::Code,
        r#ref: of(&artifact.r#ref.to_string()),
        digest: NamedDigest::Blake3(artifact.digests.blake3),
        custody: Custody::Held,
        locations: None,
        stage: 1,
        after: Vec::new(),
        needs: Vec::new(),
        scope: Scope::In,
        preserve: None,
        undo: Undo { mode: UndoMode::Redeploy, actions: Vec::new() },
        irreversible: None,
    }
}

/// An artifact that nobody published.
pub(super) fn unpublished(artifact: &str) -> Artifact {
    Artifact { r#ref: of(artifact), digests: Digests::of(b"nobody published this") }
}

/// The same artifact with another BLAKE3 digest.
pub(super) fn other_digests(artifact: &Artifact) -> Artifact {
    let digests = Digests { blake3: Blake3Digest::of(b"other"), ..artifact.digests };
    Artifact { r#ref: artifact.r#ref.clone(), digests }
}
