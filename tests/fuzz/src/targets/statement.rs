//! A statement with any of its predicates, policies among them.

use holdfast_formats::statement::Statement;

use crate::rules::{same_bytes, seen_alike_written};

pub(crate) fn run(data: &[u8]) {
    let Ok(statement) = Statement::parse(data) else { return };
    let written = statement.to_payload().expect("what was read can be written");
    seen_alike_written(&written, data);
    let again = Statement::parse(&written).expect("what was written can be read");
    same_bytes(&again.to_payload().expect("it was written before"), &written);
}
