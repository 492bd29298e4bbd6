//! A verified known-good answer as programs and people read it.

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
use crate::output::Line;
use crate::session::Session;

/// The answer, lines first.
#[derive(Debug, Serialize)]
pub(super) struct KnownGoodView {
    pub(super) channel: String,
    time: String,
    age_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_age_s: Option<u64>,
    log_size: u64,
    pub(super) lines: Vec<LineView>,
    plan: Vec<PlanView>,
    warnings: Vec<Reason>,
}

/// One line with its closure, in the order in which to go back.
#[derive(Debug, Serialize)]
pub(super) struct LineView {
    pub(super) name: String,
    pub(super) r#ref: String,
    pub(super) digests: Digests,
    kind: Option<Kind>,
    pub(super) pin: u64,
    index: u64,
    issued: u64,
    time: String,
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    signers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    passed_over: Vec<PassedView>,
    pub(super) components: Vec<ComponentView>,
}

/// A newer pin and why it is not the answer.
#[derive(Debug, Serialize)]
struct PassedView {
    pin: u64,
    r#ref: String,
    reason: PassReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<u64>,
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
    scope: String,
    custody: Custody,
    #[serde(skip_serializing_if = "Option::is_none")]
    locations: Option<Vec<Uri>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
}

/// One step of the way back.
#[derive(Debug, Serialize)]
struct PlanView {
    #[serde(flatten)]
    step: PlanStep,
    one_way: bool,
}

impl KnownGoodView {
    /// The view of a verified answer; `cached_age` when it was remembered.
    pub(super) fn of(answer: &KnownGoodAnswer, cached_age: Option<Duration>) -> Self {
        Self {
            channel: answer.channel.to_string(),
            time: answer.head.time.to_string(),
            age_s: Session::now().ms_since(answer.head.time) / 1000,
            cached_age_s: cached_age.map(|age| age.as_secs()),
            log_size: answer.checkpoint.size().get(),
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

    /// The answer for people.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut out = Vec::new();
        for line in &self.lines {
            out.extend(line.shown(&self.channel));
        }
        if !self.plan.is_empty() {
            out.push(Line::heading("to undo, in this order"));
            out.extend(self.plan.iter().map(PlanView::shown));
        }
        out.push(Line::plain(format!(
            "verified as of {} ({} ago), log of {} entries",
            self.time,
            shown_duration(self.age_s * 1000),
            self.log_size
        )));
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

    fn shown(&self, channel: &str) -> Vec<Line> {
        let kind = self.kind.map_or_else(String::new, |kind| format!("  {kind}"));
        let mut out = vec![
            Line::heading(format!("{}{kind}", self.r#ref)),
            Line::plain(format!(
                "  known-good on {channel}: pin {} of {}, entry {}",
                self.pin, self.name, self.index
            )),
            Line::plain(format!("  pinned by {} at {}", self.signers.join(", "), self.time)),
            Line::plain(format!("  because    {}", self.reason)),
            Line::plain(format!("  blake3     {}", self.digests.blake3)),
        ];
        out.extend(self.expires.iter().map(|at| Line::plain(format!("  expires    {at}"))));
        out.extend(
            self.current
                .iter()
                .map(|current| Line::plain(format!("  deployed   {current} (the newest deploy)"))),
        );
        out.extend(self.passed_over.iter().map(PassedView::shown));
        if !self.components.is_empty() {
            out.push(Line::heading("components, in the order to go back"));
            out.extend(self.components.iter().map(ComponentView::shown));
        }
        out
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

    fn shown(&self) -> Line {
        let by = self.ended_by.map_or_else(String::new, |entry| format!(", entry {entry}"));
        Line::caution(format!("  not pin {}  {}: {}{by}", self.pin, self.r#ref, words(self.reason)))
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

    fn shown(&self) -> Line {
        let elsewhere = if self.custody == Custody::Referenced { ", kept elsewhere" } else { "" };
        let out = if self.scope == "out" { ", out of scope" } else { "" };
        Line::plain(format!(
            "  {:>3}  {:<12} {:<8} {}  undo by {}{elsewhere}{out}",
            self.stage,
            self.name.as_str(),
            self.role,
            self.r#ref,
            self.undo
        ))
    }
}

impl PlanView {
    fn shown(&self) -> Line {
        let step = &self.step;
        let to = step.to.as_ref().map_or_else(|| "nothing: it is new".to_owned(), ToString::to_string);
        let text = format!(
            "  {:>3}  {:<12} {} -> {to}  by {}",
            step.stage,
            step.component.as_str(),
            step.from,
            step.undo.mode
        );
        if self.one_way { Line::alarm(format!("{text}  CANNOT BE UNDONE")) } else { Line::plain(text) }
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
    match &signer.principal {
        Some(principal) => principal.to_string(),
        None => format!("key {}", signer.key),
    }
}

const fn words(reason: PassReason) -> &'static str {
    match reason {
        PassReason::Denied => "denied",
        PassReason::ScrubFailed => "not wholly readable any more",
        PassReason::Expired => "expired",
        PassReason::Distrusted => "signed by a key that is no longer trusted",
        PassReason::Ended => "ended",
        PassReason::Excluded => "left out by --not",
        PassReason::TooNew => "later than --at",
        PassReason::SteppedBack => "stepped over by --back",
    }
}
