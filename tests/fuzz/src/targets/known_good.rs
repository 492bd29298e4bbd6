//! A known-good answer, as far as reading its statements and proofs goes; `bundle` checks whole answers.

use holdfast_formats::wire::v1::KnownGood;
use holdfast_verify::logged::LoggedStatement;

use crate::rules::strict_record;

pub(crate) fn run(data: &[u8]) {
    let Some(answer) = strict_record::<KnownGood>(data) else { return };
    for policy in &answer.policies {
        drop(LoggedStatement::of_proven(policy));
    }
}
