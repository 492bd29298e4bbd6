//! `extend` and `delete`: a longer window, and the end of an artifact that nothing keeps.

use std::collections::BTreeSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Delete, Extend};

use super::common::published_and_alive;
use super::{Case, Ruling};
use crate::facts::{Effect, EndedFact, ExtendFact};
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};
use crate::retention::Retention;

/// Whoever publishes a name or holds it may keep it for longer, as far as policy lets anybody.
pub(super) fn judge(case: &Case<'_>, extend: &Extend) -> Result<Ruling, JudgeError> {
    let name = extend.artifact.r#ref.name();
    let counted = match case.entitled(Ask::publishers(name)) {
        Ok(counted) => counted,
        Err(refusal) => case.entitled(Ask::holders(name)).map_err(|_| refusal)?,
    };
    let fact = published_and_alive(case, &extend.artifact)?;
    let namespace = name.namespace();
    let rule = case.policy.namespace(&namespace).ok_or(Refusal::NamespaceUnknown { namespace })?;
    let max = case.candidate.time.plus_ms(rule.keep_max_s.as_ms());
    let until = extend.until;
    if until > max {
        return Err(Refusal::KeepTooLong { until, max }.into());
    }
    case.check_ahead("until", Some(until))?;
    if let Some(now) = fact.own_until().filter(|now| until <= *now) {
        return Err(Refusal::KeepNotLonger { until, now }.into());
    }
    let extend = ExtendFact { index: case.candidate.index, until };
    Ok(Ruling::ready(counted, Effect::Extend { artifact: fact.artifact.r#ref, extend }))
}

/// To end a window in governance mode early takes a holder beside the publisher, and says so.
pub(super) fn judge_delete(case: &Case<'_>, delete: &Delete) -> Result<Ruling, JudgeError> {
    let name = delete.artifact.r#ref.name();
    let mut counted: BTreeSet<KeyId> = case.entitled(Ask::publishers(name))?.into_iter().collect();
    if delete.bypass {
        counted.extend(case.entitled(Ask::bypassers(name))?);
    }
    let fact = published_and_alive(case, &delete.artifact)?;
    let nothing = BTreeSet::new();
    if let Some(kept) = case.retention(&nothing).kept_from_delete(&fact, delete.bypass)? {
        return Err(Refusal::Kept { artifact: fact.artifact.r#ref, kept: kept.without_names() }.into());
    }
    let ended = EndedFact { index: case.candidate.index, time: case.candidate.time };
    let effect = Effect::Delete { artifact: fact.artifact.r#ref, ended };
    Ok(Ruling::ready(counted.into_iter().collect(), effect))
}

impl Case<'_> {
    /// The windows as of this entry.
    pub(super) fn retention<'b>(&'b self, going: &'b BTreeSet<ArtifactRef>) -> Retention<'b> {
        Retention { facts: self.facts, in_force: self.in_force, now: self.candidate.time, going }
    }
}
