//! The way back: what is undone, in which order and how.
//!
//! Made from manifests alone, so that a client makes it again and compares. Every artifact deployed after the target is
//! undone, the newest first, each in the reverse order of its deployment. A component that the target has with the same
//! digest stays as it is: it is not on the way.

use holdfast_formats::manifest::{Body, Component, ComponentRole, Kind, Manifest, Scope, Undo, UndoMode};
use holdfast_formats::name::ArtifactName;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::Label;
use holdfast_formats::wire::v1::{PlanStep, ProblemCode};

/// The way back on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack<'a> {
    /// The line.
    pub line: &'a ArtifactName,
    /// What to go back to.
    pub target: &'a Artifact,
    /// Every held artifact that the target is made of.
    pub components: Vec<&'a Artifact>,
    /// What was deployed after the target, newest first.
    pub undone: Vec<&'a Artifact>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A manifest that the plan follows from is not at hand.
    #[error("the manifest of {artifact} is not at hand, so the way back is unknown")]
    ManifestMissing {
        /// Whose.
        artifact: ArtifactRef,
    },
    /// Something declared as needed is not there in the right version.
    #[error("{by} needs {name} {range}, and what is known-good does not contain it; pin a version that fits")]
    NeedNotMet {
        /// Who needs it.
        by: ArtifactRef,
        /// What is needed: an artifact name or a component name.
        name: Label,
        /// In which versions.
        range: Label,
    },
}

impl PlanError {
    /// The code that goes with it.
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::ManifestMissing { .. } => ProblemCode::Internal,
            Self::NeedNotMet { .. } => ProblemCode::NothingQualifies,
        }
    }
}

/// Every step of the way back on these lines, in order.
pub fn plan<'m>(
    ways: &[WayBack<'_>],
    manifest_of: &dyn Fn(&Artifact) -> Option<&'m Manifest>,
) -> Result<Vec<PlanStep>, PlanError> {
    let mut steps = Vec::new();
    for way in ways {
        for artifact in &way.undone {
            steps.extend(undo(way, artifact, manifest_of)?);
        }
    }
    Ok(steps)
}

/// Whether a step loses something for good, so that nobody takes it without saying so.
pub fn is_one_way(step: &PlanStep) -> bool {
    step.irreversible.is_some() || step.undo.mode == UndoMode::None
}

fn undo<'m>(
    way: &WayBack<'_>,
    artifact: &Artifact,
    manifest_of: &dyn Fn(&Artifact) -> Option<&'m Manifest>,
) -> Result<Vec<PlanStep>, PlanError> {
    let of = |artifact: &Artifact| {
        manifest_of(artifact).ok_or_else(|| PlanError::ManifestMissing { artifact: artifact.r#ref.clone() })
    };
    let (left, target) = (of(artifact)?, of(way.target)?);
    let Some(release) = left.release() else { return Ok(undo_whole(way, artifact, left)) };
    // A manifest whose `after` lists go round in a circle does not parse, so there always is an order.
    let order = release.deployment_order().unwrap_or_default();
    let in_target =
        |name: &Label| target.release().and_then(|r| r.components.iter().find(|c| c.name == *name));
    let steps =
        order.into_iter().rev().filter(|component| component.scope == Scope::In).filter_map(|component| {
            let to = in_target(&component.name);
            let stays = to.is_some_and(|to| to.digest == component.digest);
            (!stays).then(|| undo_component(artifact, component, to))
        });
    Ok(steps.collect())
}

fn undo_component(release: &Artifact, component: &Component, to: Option<&Component>) -> PlanStep {
    PlanStep {
        release: release.r#ref.clone(),
        component: component.name.clone(),
        role: component.role,
        stage: component.stage,
        undo: component.undo.clone(),
        from: component.r#ref.clone(),
        to: to.map(|to| to.r#ref.clone()),
        irreversible: component.irreversible.clone(),
    }
}

/// The one step for something that is no release: it is undone as its kind is.
fn undo_whole(way: &WayBack<'_>, artifact: &Artifact, manifest: &Manifest) -> Vec<PlanStep> {
    let Some((role, mode)) = undo_of_kind(manifest) else { return Vec::new() };
    vec![PlanStep {
        release: artifact.r#ref.clone(),
        component: label(way.line.as_str()),
        role,
        stage: 0,
        undo: Undo { mode, actions: Vec::new() },
        from: reference_label(artifact),
        to: Some(reference_label(way.target)),
        irreversible: None,
    }]
}

/// A runbook is read, not deployed: nothing is undone.
fn undo_of_kind(manifest: &Manifest) -> Option<(ComponentRole, UndoMode)> {
    match (manifest.kind(), &manifest.body) {
        (_, Body::Schema(schema)) if schema.migrations.iter().all(|m| m.reversible) => {
            Some((ComponentRole::Schema, UndoMode::Down))
        }
        (Kind::Schema, _) => Some((ComponentRole::Schema, UndoMode::None)),
        (Kind::Build | Kind::Image | Kind::Release, _) => Some((ComponentRole::Code, UndoMode::Redeploy)),
        (Kind::Config, _) => Some((ComponentRole::Config, UndoMode::Redeploy)),
        (Kind::Flags, _) => Some((ComponentRole::Flags, UndoMode::Redeploy)),
        (Kind::Snapshot, _) => Some((ComponentRole::Data, UndoMode::Restore)),
        (Kind::Runbook, _) => None,
    }
}

/// The artifact's reference as release manifests write it; the version alone where both together are too long.
fn reference_label(artifact: &Artifact) -> Label {
    let reference = artifact.r#ref.to_string();
    reference.parse().unwrap_or_else(|_| label(artifact.r#ref.version().as_str()))
}

fn label(text: &str) -> Label {
    text.parse().expect("names and versions have 1 to 200 bytes and no NUL, so each of them is a label")
}
