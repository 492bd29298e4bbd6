//! The evil registry: every way to lie that we could think of, told by somebody who holds all keys of the registry. The
//! client refuses each, says why in one sentence, hands out nothing, and goes on with an honest registry afterwards.
//!
//! A case is a name, a question and a lie. What a client cannot know, because it is the registry's word alone, stands in
//! `evil/audited.rs`: there the audit must find it.

#[path = "evil/audited.rs"]
mod audited;
#[path = "evil/case.rs"]
mod case;
#[path = "evil/contents.rs"]
mod contents;
#[path = "evil/forks.rs"]
mod forks;
#[path = "evil/json.rs"]
mod json;
#[path = "evil/lists.rs"]
mod lists;
#[path = "evil/pins.rs"]
mod pins;
#[path = "evil/policies.rs"]
mod policies;
#[path = "evil/problems.rs"]
mod problems;
#[path = "evil/program.rs"]
mod program;
#[path = "evil/question.rs"]
mod question;
#[path = "evil/states.rs"]
mod states;
#[path = "evil/suite.rs"]
mod suite;
#[path = "evil/transport.rs"]
mod transport;
#[path = "evil/types.rs"]
mod types;
#[path = "evil/uploads.rs"]
mod uploads;
