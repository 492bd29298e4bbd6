//! `sweep` and `swept`: what ends because nothing keeps it any longer, and that its objects are gone.
//!
//! A window is ended by two entries, the second at least 24 hours of log time behind the first, so that one wrong clock
//! empties nothing. Whether nothing refers to the objects listed is known to the store alone: the node that commits the
//! entry checks it. Here each must still have the generation that the list says.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_formats::limits::SWEEP_NOTICE_MS_MIN;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, AttachmentRef, Sweep, SweepPhase, Swept};
use holdfast_formats::sweep_list::{self, SweptObject};

use super::common::published_and_alive;
use super::{Case, Ruling};
use crate::facts::{Effect, SweepFact};
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(case: &Case<'_>, sweep: &Sweep) -> Result<Ruling, JudgeError> {
    let counted = case.registry()?;
    check_form(sweep)?;
    check_notice(case, sweep)?;
    check_ending(case, &sweep.artifacts)?;
    let objects = objects(case, sweep)?;
    let fact = SweepFact {
        index: case.candidate.index,
        phase: sweep.phase,
        artifacts: sweep.artifacts.clone(),
        objects: sweep.objects,
        time: case.candidate.time,
        swept: None,
    };
    Ok(Ruling::ready(counted, Effect::Sweep { sweep: fact, objects: Arc::from(objects) }))
}

pub(super) fn judge_swept(case: &Case<'_>, swept: &Swept) -> Result<Ruling, JudgeError> {
    let counted = case.registry()?;
    let index = swept.sweep.index;
    let what = "sweep that ends something";
    let sweep = case.facts.sweep(index)?.filter(|sweep| sweep.phase == SweepPhase::End);
    let sweep = sweep.ok_or(Refusal::EntryNotFound { what, index })?;
    if let Some(by) = sweep.swept {
        return Err(Refusal::AlreadyEnded { what: "sweep", index, by }.into());
    }
    Ok(Ruling::ready(counted, Effect::Swept { sweep: index, by: case.candidate.index }))
}

fn check_form(sweep: &Sweep) -> Result<(), Refusal> {
    let rule = match sweep.phase {
        SweepPhase::Intend if sweep.artifacts.is_empty() => "a sweep intends to end at least one artifact",
        SweepPhase::Intend if sweep.objects.is_some() => "a sweep that only intends lists no objects",
        SweepPhase::Intend if sweep.intends.is_some() => {
            "a sweep that only intends names no intention before it"
        }
        SweepPhase::End if sweep.objects.is_none() => "a sweep that ends something lists its objects",
        SweepPhase::End if sweep.artifacts.is_empty() == sweep.intends.is_some() => {
            "intends is there exactly when artifacts end"
        }
        _ => return Ok(()),
    };
    Err(Refusal::Malformed { rule })
}

/// Everything that ends now was said to at least 24 hours ago.
fn check_notice(case: &Case<'_>, sweep: &Sweep) -> Result<(), JudgeError> {
    let Some(intends) = sweep.intends else { return Ok(()) };
    let (index, what) = (intends.index, "sweep that intends this");
    let intend = case.facts.sweep(index)?.filter(|intend| intend.phase == SweepPhase::Intend);
    let intend = intend.ok_or(Refusal::EntryNotFound { what, index })?;
    let notice = case.candidate.time.ms_since(intend.time);
    if notice < SWEEP_NOTICE_MS_MIN {
        return Err(
            Refusal::NoticeTooShort { intend: index, at: intend.time.plus_ms(SWEEP_NOTICE_MS_MIN) }.into()
        );
    }
    let said: BTreeSet<&ArtifactRef> = intend.artifacts.iter().map(|artifact| &artifact.r#ref).collect();
    if sweep.artifacts.iter().all(|artifact| said.contains(&artifact.r#ref)) {
        return Ok(());
    }
    Err(Refusal::EntryNotFound { what, index }.into())
}

/// Nothing keeps any of them, but for what ends along with it.
fn check_ending(case: &Case<'_>, artifacts: &[Artifact]) -> Result<(), JudgeError> {
    let going: BTreeSet<ArtifactRef> = artifacts.iter().map(|artifact| artifact.r#ref.clone()).collect();
    if going.len() != artifacts.len() {
        return Err(Refusal::Malformed { rule: "a sweep names no artifact twice" }.into());
    }
    let retention = case.retention(&going);
    for artifact in artifacts {
        let fact = published_and_alive(case, artifact)?;
        if let Some(kept) = retention.kept_from_sweep(&fact)? {
            return Err(Refusal::Kept { artifact: fact.artifact.r#ref, kept: kept.without_names() }.into());
        }
    }
    Ok(())
}

/// What the list names, each at the generation that it has now.
fn objects(case: &Case<'_>, sweep: &Sweep) -> Result<Vec<SweptObject>, JudgeError> {
    let Some(attachment) = sweep.objects else { return Ok(Vec::new()) };
    let list = case.candidate.attached.ok_or(Refusal::AttachmentMissing { attachment })?;
    if AttachmentRef::of(list) != attachment {
        return Err(Refusal::AttachmentMismatch { what: "the list of objects is another one" }.into());
    }
    let malformed = |_| Refusal::AttachmentMismatch { what: "the list of objects is malformed" };
    let objects = sweep_list::parse(list).map_err(malformed)?;
    for object in &objects {
        if case.facts.generation(object.class, &object.namespace, &object.digest)? != object.g {
            let what = "an object of the list has another generation by now";
            return Err(Refusal::AttachmentMismatch { what }.into());
        }
    }
    Ok(objects)
}
