//! `deny` and `lift`: what must never be answered, and the end of that. One releaser is enough to deny; a lift takes the
//! quorum that a pin takes.

use holdfast_formats::policy::Role;
use holdfast_formats::statement::{Deny, DenyScope, Lift};

use super::{Case, Ruling};
use crate::facts::{DenyFact, Effect, LiftFact};
use crate::reach::{Ask, Quorum, Reach};
use crate::refusal::{JudgeError, Refusal};

/// The digests need not exist yet: what is known to be bad is denied before anybody can push it.
pub(super) fn judge(case: &Case<'_>, deny: &Deny) -> Result<Ruling, JudgeError> {
    if deny.channel.is_some() != (deny.scope == DenyScope::Channel) {
        return Err(Refusal::Malformed { rule: "channel is there exactly when the scope is channel" }.into());
    }
    let counted = case.entitled(Ask::deniers(deny))?;
    let fact = DenyFact {
        index: case.candidate.index,
        name: deny.name.clone(),
        digests: deny.digests,
        effect: deny.effect,
        scope: deny.scope,
        channel: deny.channel.clone(),
        reason: deny.reason.clone(),
        time: case.candidate.time,
        signers: counted.clone(),
        lifted: None,
    };
    Ok(Ruling::ready(counted, Effect::Deny(fact)))
}

/// A deny for more than one channel is lifted by whoever releases to every channel of the namespace.
pub(super) fn judge_lift(case: &Case<'_>, lift: &Lift) -> Result<Ruling, JudgeError> {
    let index = lift.deny.index;
    case.entitled(Ask::anybody(Role::Releaser))?;
    let deny = case.facts.deny(index)?.ok_or(Refusal::EntryNotFound { what: "deny", index })?;
    let reach = match &deny.channel {
        Some(channel) => Reach::Line(&deny.name, channel),
        None => Reach::Namespace(&deny.name),
    };
    let ask = Ask { role: Role::Releaser, reach, quorum: Quorum::Rule };
    let counted = case.entitled_to_end(("deny", index), Reach::Name(&deny.name), ask)?;
    if let Some(lift) = deny.lifted {
        return Err(Refusal::AlreadyEnded { what: "deny", index, by: lift.index }.into());
    }
    let by = LiftFact { index: case.candidate.index, time: case.candidate.time };
    Ok(Ruling::ready(counted, Effect::Lift { deny: index, by }))
}
