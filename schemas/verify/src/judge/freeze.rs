//! `freeze` and `thaw`: a channel that takes no forward deploys, and the end of that.

use holdfast_formats::policy::Role;
use holdfast_formats::statement::{Freeze, Thaw};

use super::{Case, Ruling};
use crate::facts::{Effect, FreezeFact};
use crate::reach::{Ask, Quorum, Reach};
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(case: &Case<'_>, freeze: &Freeze) -> Result<Ruling, JudgeError> {
    let counted = case.entitled(Ask::freezers(&freeze.channel))?;
    case.check_ahead("until", freeze.until)?;
    let fact = FreezeFact {
        index: case.candidate.index,
        channel: freeze.channel.clone(),
        reason: freeze.reason.clone(),
        until: freeze.until,
        thawed: None,
    };
    Ok(Ruling::ready(counted, Effect::Freeze(fact)))
}

pub(super) fn judge_thaw(case: &Case<'_>, thaw: &Thaw) -> Result<Ruling, JudgeError> {
    let index = thaw.freeze.index;
    case.entitled(Ask::anybody(Role::Releaser))?;
    let freeze = case.facts.freeze(index)?.ok_or(Refusal::EntryNotFound { what: "freeze", index })?;
    let about = Reach::Channel(&freeze.channel);
    let ask = Ask { role: Role::Releaser, reach: about, quorum: Quorum::Rule };
    let counted = case.entitled_to_end(("freeze", index), about, ask)?;
    if let Some(by) = freeze.thawed {
        return Err(Refusal::AlreadyEnded { what: "freeze", index, by }.into());
    }
    Ok(Ruling::ready(counted, Effect::Thaw { freeze: index, by: case.candidate.index }))
}
