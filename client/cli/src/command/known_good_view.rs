//! A verified known-good answer as programs and people read it.

use std::path::Path;
use std::time::Duration;

use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Component, Custody, Kind, ReleaseBody};
use holdfast_formats::text::{Label, Reason, Uri};
use holdfast_formats::wire::v1::{PassReason, PlanStep};
use holdfast_verify::known_good::{
    AnsweredArtifact, AnsweredLine, KnownGoodAnswer, PassedLink, Signer, is_one_way,
};
use serde::Serialize;

use crate::moment::shown_duration;
use crate::session::Session;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// From the registry, just now.
    Registry,
    /// From this machine's memory, verified so long ago.
    Memory(Duration),
    /// From a bundle.
    Bundle(&'a Path),
}

/// The answer, lines first.
#[derive(Debug, Serialize)]
pub(super) struct KnownGoodView {
    pub(super) channel: String,
    pub(super) time: String,
    pub(super) age_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cached_age_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bundle: Option<String>,
    pub(super) log_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) witnessed_size: Option<u64>,
    pub(super) lines: Vec<LineView>,
    pub(super) plan: Vec<PlanView>,
    pub(super) warnings: Vec<Reason>,
}

/// One line with its closure, in the order in which to go back.
#[derive(Debug, Serialize)]
pub(super) struct LineView {
    pub(super) name: String,
    pub(super) r#ref: String,
    pub(super) digests: Digests,
    pub(super) kind: Option<Kind>,
    pub(super) pin: u64,
    pub(super) index: u64,
    pub(super) issued: u64,
    pub(super) time: String,
    pub(super) reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    pub(super) signers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<String>,
    pub(super) passed_over: Vec<PassedView>,
    pub(super) components: Vec<ComponentView>,
}

/// A newer pin and why it is not the answer.
#[derive(Debug, Serialize)]
pub(super) struct PassedView {
    pub(super) pin: u64,
    pub(super) r#ref: String,
    pub(super) reason: PassReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended_by: Option<u64>,
}

/// One component of a line's release.
#[derive(Debug, Serialize)]
pub(super) struct ComponentView {
    pub(super) name: Label,
    pub(super) r#ref: Label,
    pub(super) digest: String,
    pub(super) role: String,
    pub(super) stage: u32,
    pub(super) undo: String,
    pub(super) scope: String,
    pub(super) custody: Custody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locations: Option<Vec<Uri>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size_bytes: Option<u64>,
}

/// One step of the way back.
#[derive(Debug, Serialize)]
pub(super) struct PlanView {
    #[serde(flatten)]
    pub(super) step: PlanStep,
    pub(super) one_way: bool,
}

impl KnownGoodView {
    /// The view of a verified answer.
    pub(super) fn of(answer: &KnownGoodAnswer, source: Source<'_>) -> Self {
        let (cached_age, bundle) = match source {
            Source::Registry => (None, None),
            Source::Memory(age) => (Some(age), None),
            Source::Bundle(file) => (None, Some(file.display().to_string())),
        };
        Self {
            channel: answer.channel.to_string(),
            time: answer.head.time.to_string(),
            age_s: Session::now().ms_since(answer.head.time) / 1000,
            cached_age_s: cached_age.map(|age| age.as_secs()),
            bundle,
            log_size: answer.checkpoint.size().get(),
            witnessed_size: answer.witnessed.as_ref().map(|witnessed| witnessed.size.get()),
            lines: answer.lines.iter().map(|line| LineView::of(line, &answer.closure)).collect(),
            plan: answer
                .plan
                .iter()
                .map(|step| PlanView { step: step.clone(), one_way: is_one_way(step) })
                .collect(),
            warnings: answer.warnings.clone(),
        }
    }

    /// What must not be overlooked, whatever the format.
    pub(super) fn cautions(&self) -> Vec<String> {
        let mut out: Vec<String> = self.warnings.iter().map(ToString::to_string).collect();
        if let Some(age) = self.cached_age_s {
            out.push(format!(
                "the registry does not answer; this is the answer remembered {} ago",
                shown_duration(age * 1000)
            ));
        }
        out
    }
}

impl LineView {
    fn of(line: &AnsweredLine, closure: &[AnsweredArtifact]) -> Self {
        let own = closure.iter().find(|a| a.line == line.name && a.component.is_none());
        let release = own.and_then(|a| a.manifest.release());
        Self {
            name: line.name.to_string(),
            r#ref: line.artifact.r#ref.to_string(),
            digests: line.artifact.digests,
            kind: own.map(|a| a.kind),
            pin: line.number.get(),
            index: line.entry.index.get(),
            issued: line.issued.get(),
            time: line.time.to_string(),
            reason: line.reason.clone(),
            expires: line.expires.map(|at| at.to_string()),
            signers: line.signers.iter().map(signer).collect(),
            current: line.current.as_ref().map(|artifact| artifact.r#ref.to_string()),
            passed_over: line.passed_over.iter().map(PassedView::of).collect(),
            components: release.map_or_else(Vec::new, |release| components(release, line, closure)),
        }
    }
}

impl PassedView {
    fn of(passed: &PassedLink) -> Self {
        Self {
            pin: passed.number.get(),
            r#ref: passed.artifact.r#ref.to_string(),
            reason: passed.reason,
            ended_by: passed.ended_by.map(holdfast_formats::tree::LeafIndex::get),
        }
    }
}

impl ComponentView {
    fn of(component: &Component, held: Option<&AnsweredArtifact>) -> Self {
        Self {
            name: component.name.clone(),
            r#ref: component.r#ref.clone(),
            digest: component.digest.to_string(),
            role: component.role.to_string(),
            stage: component.stage,
            undo: component.undo.mode.to_string(),
            scope: component.scope.to_string(),
            custody: component.custody,
            locations: component.locations.clone(),
            size_bytes: held.map(|artifact| artifact.manifest.size_bytes()),
        }
    }
}

/// The components of a release, what was deployed last first.
fn components(
    release: &ReleaseBody,
    line: &AnsweredLine,
    closure: &[AnsweredArtifact],
) -> Vec<ComponentView> {
    let held =
        |name: &Label| closure.iter().find(|a| a.line == line.name && a.component.as_ref() == Some(name));
    let order = release.deployment_order().unwrap_or_default();
    order.into_iter().rev().map(|component| ComponentView::of(component, held(&component.name))).collect()
}

fn signer(signer: &Signer) -> String {
    match (&signer.principal, &signer.subject) {
        (Some(principal), _) => principal.to_string(),
        (None, Some(subject)) => format!("{subject} (ephemeral key {})", signer.key),
        (None, None) => format!("key {}", signer.key),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A line without history; its components are given as (name, reference).
    pub(crate) fn line_of(reference: &str, components: &[(&str, &str)]) -> LineView {
        let components = components.iter().map(|(name, reference)| ComponentView {
            name: name.parse().unwrap(),
            r#ref: reference.parse().unwrap(),
            digest: "blake3:00".to_owned(),
            role: "code".to_owned(),
            stage: 4,
            undo: "redeploy".to_owned(),
            scope: "in".to_owned(),
            custody: Custody::Held,
            locations: None,
            size_bytes: None,
        });
        LineView {
            name: reference.split('@').next().unwrap_or_default().to_owned(),
            r#ref: reference.to_owned(),
            digests: Digests::of(b"{}"),
            kind: None,
            pin: 7,
            index: 1,
            issued: 7,
            time: String::new(),
            reason: "good".parse().unwrap(),
            expires: None,
            signers: Vec::new(),
            current: None,
            passed_over: Vec::new(),
            components: components.collect(),
        }
    }

    /// An answer of these lines.
    pub(crate) fn view_of(lines: Vec<LineView>) -> KnownGoodView {
        KnownGoodView {
            channel: "shop/prod".to_owned(),
            time: String::new(),
            age_s: 0,
            cached_age_s: None,
            bundle: None,
            log_size: 2,
            witnessed_size: None,
            lines,
            plan: Vec::new(),
            warnings: Vec::new(),
        }
    }
}
