//! `hold` and `unhold`: a legal hold has no date and is independent of every window. One holder is enough to hold; its end
//! takes the quorum.

use holdfast_formats::policy::Role;
use holdfast_formats::statement::{Hold, Unhold};

use super::common::published_and_alive;
use super::{Case, Ruling};
use crate::facts::{Effect, HoldFact};
use crate::reach::{Ask, Quorum, Reach};
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(case: &Case<'_>, hold: &Hold) -> Result<Ruling, JudgeError> {
    let counted = case.entitled(Ask::holders(hold.artifact.r#ref.name()))?;
    published_and_alive(case, &hold.artifact)?;
    let fact = HoldFact {
        index: case.candidate.index,
        artifact: hold.artifact.r#ref.clone(),
        case: hold.case.clone(),
        reason: hold.reason.clone(),
        ended: None,
    };
    Ok(Ruling::ready(counted, Effect::Hold(fact)))
}

pub(super) fn judge_unhold(case: &Case<'_>, unhold: &Unhold) -> Result<Ruling, JudgeError> {
    let index = unhold.hold.index;
    case.entitled(Ask::anybody(Role::Holder))?;
    let hold = case.facts.hold(index)?.ok_or(Refusal::EntryNotFound { what: "hold", index })?;
    let about = Reach::Name(hold.artifact.name());
    let ask = Ask { role: Role::Holder, reach: about, quorum: Quorum::Rule };
    let counted = case.entitled_to_end(("hold", index), about, ask)?;
    if let Some(by) = hold.ended {
        return Err(Refusal::AlreadyEnded { what: "hold", index, by }.into());
    }
    Ok(Ruling::ready(counted, Effect::Unhold { hold: index, by: case.candidate.index }))
}
