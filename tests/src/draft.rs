//! Statements and release components as tests most often want them.

use holdfast_client::{ComponentDraft, ReleaseDraft, new_id};
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::manifest::{ComponentRole, Custody, Scope, Undo, UndoMode};
use holdfast_formats::statement::{Artifact, Deny, DenyEffect, DenyScope, Deploy, DeployPhase, Direction};
use holdfast_formats::time::Timestamp;

use crate::of;

/// A deployment that goes forward.
pub fn deploy(channel: &str, artifact: &Artifact, phase: DeployPhase, now: Timestamp) -> Deploy {
    Deploy {
        channel: of(channel),
        deploy_id: of(&new_id().to_string()),
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

/// A deny on one channel, or in the artifact's whole namespace.
pub fn deny(artifact: &Artifact, channel: Option<&str>) -> Deny {
    Deny {
        name: artifact.r#ref.name().clone(),
        digests: artifact.digests,
        effect: DenyEffect::Lookup,
        scope: if channel.is_some() { DenyScope::Channel } else { DenyScope::Namespace },
        channel: channel.map(of),
        reason: of("it loses orders"),
    }
}

/// A component whose bytes the registry holds.
pub fn held(name: &str, role: ComponentRole, reference: &str, stage: u32) -> ComponentDraft {
    ComponentDraft {
        name: of(name),
        role,
        r#ref: of(reference),
        digest: None,
        custody: Custody::Held,
        locations: None,
        stage,
        after: Vec::new(),
        needs: Vec::new(),
        scope: Scope::In,
        preserve: None,
        undo: Undo { mode: UndoMode::Redeploy, actions: Vec::new() },
        irreversible: None,
    }
}

/// A component that is somewhere else.
pub fn referenced(name: &str, reference: &str, digest: NamedDigest, location: &str) -> ComponentDraft {
    ComponentDraft {
        digest: Some(digest),
        custody: Custody::Referenced,
        locations: Some(vec![of(location)]),
        ..held(name, ComponentRole::Code, reference, 9)
    }
}

/// A release of these components and nothing else.
pub const fn release_of(components: Vec<ComponentDraft>) -> ReleaseDraft {
    ReleaseDraft { base: None, components, objectives: None, runbook: None, acceptance: Vec::new() }
}
