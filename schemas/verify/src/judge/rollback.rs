//! `rollback`: the phases of one rollback or drill, only ever forward.

use holdfast_formats::statement::{Rollback, RollbackPhase, RollbackTarget};

use super::common::published;
use super::{Case, Ruling};
use crate::facts::{Effect, PinFact, RollbackFact, took};
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(case: &Case<'_>, rollback: &Rollback) -> Result<Ruling, JudgeError> {
    let counted = case.entitled(Ask::operators(rollback))?;
    published(case, &rollback.from)?;
    check_target(case, rollback)?;
    check_phase(case, rollback)?;
    let fact = RollbackFact {
        index: case.candidate.index,
        rollback_id: rollback.rollback_id.clone(),
        channel: rollback.channel.clone(),
        from: rollback.from.clone(),
        drill: rollback.drill,
        phase: rollback.phase,
        took: took(rollback),
        time: case.candidate.time,
    };
    Ok(Ruling::ready(counted, Effect::Rollback(fact)))
}

/// Where it goes back to was pinned in this channel.
fn check_target(case: &Case<'_>, rollback: &Rollback) -> Result<(), JudgeError> {
    let Some(RollbackTarget { pin: index, digests }) = rollback.to else { return Ok(()) };
    let is_it = |pin: &PinFact| pin.channel == rollback.channel && pin.artifact.digests == digests;
    match case.facts.pin(index)?.filter(is_it) {
        Some(_) => Ok(()),
        None => Err(Refusal::EntryNotFound { what: "pin of these digests in this channel", index }.into()),
    }
}

/// Phases may be left out but never go back, and nothing follows an end. `started` may be said again: each time it reports
/// the steps done so far.
fn check_phase(case: &Case<'_>, rollback: &Rollback) -> Result<(), JudgeError> {
    let Some(before) = case.facts.newest_rollback(&rollback.rollback_id)? else { return Ok(()) };
    let conflict = |rule| {
        Err(Refusal::RollbackConflict {
            rollback_id: rollback.rollback_id.clone(),
            before: before.phase,
            rule,
        }
        .into())
    };
    if before.channel != rollback.channel || before.drill != rollback.drill {
        return conflict("one rollback keeps its channel and stays a drill or a real one");
    }
    let goes_on = rollback.phase == RollbackPhase::Started && before.phase == RollbackPhase::Started;
    if rank(rollback.phase) <= rank(before.phase) && !goes_on {
        return conflict("its phases only go forward");
    }
    Ok(())
}

const fn rank(phase: RollbackPhase) -> u8 {
    match phase {
        RollbackPhase::Detected => 0,
        RollbackPhase::Decided => 1,
        RollbackPhase::Started => 2,
        RollbackPhase::Succeeded | RollbackPhase::Failed | RollbackPhase::Aborted => 3,
    }
}
