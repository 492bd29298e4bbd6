//! A second rule book: the first, but a freeze must say until when. It exists so that the step from one version to the next
//! is walked before it is needed.

use holdfast_formats::statement::Predicate;

use super::{Candidate, Ruling, by_type};
use crate::facts::{Facts, PolicyFact};
use crate::refusal::{JudgeError, Refusal};

pub(super) fn judge(
    candidate: &Candidate<'_>,
    in_force: Option<&PolicyFact>,
    facts: &dyn Facts,
) -> Result<Ruling, JudgeError> {
    let ruling = by_type(candidate, in_force, facts)?;
    match &candidate.statement.predicate {
        Predicate::Freeze(freeze) if freeze.until.is_none() => {
            Err(Refusal::Malformed { rule: "a freeze must say until when" }.into())
        }
        _ => Ok(ruling),
    }
}
