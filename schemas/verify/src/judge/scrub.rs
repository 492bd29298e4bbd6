//! `scrub`: what the registry read back.

use holdfast_formats::statement::Scrub;

use super::common::published;
use super::{Case, Ruling};
use crate::facts::{Effect, ScrubFact};
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(case: &Case<'_>, scrub: &Scrub) -> Result<Ruling, JudgeError> {
    let counted = case.registry()?;
    if scrub.artifacts.is_empty() || scrub.ended < scrub.started {
        let rule = "a scrub covers at least one artifact and ends after it starts";
        return Err(Refusal::Malformed { rule }.into());
    }
    for artifact in &scrub.artifacts {
        published(case, artifact)?;
    }
    let found = ScrubFact { index: case.candidate.index, outcome: scrub.outcome, time: case.candidate.time };
    Ok(Ruling::ready(counted, Effect::Scrub { artifacts: scrub.artifacts.clone(), scrub: found }))
}
