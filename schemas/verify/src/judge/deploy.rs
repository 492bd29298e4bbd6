//! `deploy`: what went to a channel. Only the start of a forward deployment can be refused for the channel's state; what
//! has happened is always worth knowing.

use holdfast_formats::policy::Role;
use holdfast_formats::statement::{Deploy, DeployPhase, Direction};

use super::apart::{Earlier, are_separate};
use super::common::published;
use super::{Case, Ruling, calendar};
use crate::denial::denied_with_components;
use crate::facts::{ArtifactFact, DeployFact, Effect, PinFact};
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

/// All of the traffic, in basis points.
const WEIGHT_BP_MAX: u16 = 10_000;

pub(super) fn judge(case: &Case<'_>, deploy: &Deploy) -> Result<Ruling, JudgeError> {
    let name = deploy.artifact.r#ref.name();
    let ask = Ask::deployers(name, &deploy.channel);
    case.entitled(ask)?;
    check_form(deploy)?;
    let fact = published(case, &deploy.artifact)?;
    check_named(case, deploy)?;
    let pin = released_by(case, deploy)?;
    let released =
        pin.iter().map(|pin| Earlier { role: Role::Releaser, index: pin.entry.index, signers: &pin.signers });
    let published_by = Earlier { role: Role::Publisher, index: fact.index, signers: &fact.signers };
    let earlier: Vec<Earlier<'_>> = std::iter::once(published_by).chain(released).collect();
    let counted = case.entitled_apart(ask, &deploy.artifact.r#ref, &earlier)?;
    if deploy.phase == DeployPhase::Started && deploy.direction == Direction::Forward {
        calendar::check(case.facts, case.policy, &deploy.channel, case.candidate.time)?;
        check_not_denied(case, &fact, deploy)?;
    }
    let fact = DeployFact {
        index: case.candidate.index,
        channel: deploy.channel.clone(),
        deploy_id: deploy.deploy_id.clone(),
        phase: deploy.phase,
        direction: deploy.direction,
        artifact: deploy.artifact.clone(),
        time: case.candidate.time,
        signers: counted.clone(),
    };
    Ok(Ruling::ready(counted, Effect::Deploy(fact)))
}

/// The pin of the artifact on its line, as far as the policy wants to know: nobody is kept apart by most of them.
fn released_by(case: &Case<'_>, deploy: &Deploy) -> Result<Option<PinFact>, JudgeError> {
    if !are_separate(case.policy, Role::Deployer, Role::Releaser) {
        return Ok(None);
    }
    let newest = case.facts.pins(&deploy.channel, deploy.artifact.r#ref.name(), None, 1)?.pop();
    Ok(newest.filter(|pin| pin.artifact == deploy.artifact))
}

fn check_form(deploy: &Deploy) -> Result<(), Refusal> {
    let malformed = |rule| Err(Refusal::Malformed { rule });
    if deploy.attempt == 0 {
        return malformed("attempts are counted from 1");
    }
    if deploy.phase == DeployPhase::Started && deploy.ended.is_some() {
        return malformed("a deployment that has only started has not ended");
    }
    if deploy.ended.is_some_and(|ended| ended < deploy.started) {
        return malformed("the deployment ends before it starts");
    }
    if deploy.cohort.as_ref().is_some_and(|cohort| cohort.weight_bp > WEIGHT_BP_MAX) {
        return malformed("a cohort has at most 10,000 basis points");
    }
    Ok(())
}

/// What it names besides exists: the artifact that ran before, and the pin that it goes by.
fn check_named(case: &Case<'_>, deploy: &Deploy) -> Result<(), JudgeError> {
    if let Some(before) = &deploy.replaces {
        published(case, before)?;
    }
    let Some(index) = deploy.pin else { return Ok(()) };
    let is_it = |pin: &PinFact| pin.channel == deploy.channel && pin.artifact == deploy.artifact;
    match case.facts.pin(index)?.filter(is_it) {
        Some(_) => Ok(()),
        None => Err(Refusal::EntryNotFound { what: "pin of this artifact in this channel", index }.into()),
    }
}

fn check_not_denied(case: &Case<'_>, fact: &ArtifactFact, deploy: &Deploy) -> Result<(), JudgeError> {
    match denied_with_components(case.facts, case.policy, fact, &deploy.channel)? {
        Some((artifact, deny)) => {
            Err(Refusal::Denied { artifact: artifact.r#ref, deny: deny.index, reason: deny.reason }.into())
        }
        None => Ok(()),
    }
}
