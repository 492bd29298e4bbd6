//! One lie: to whom, about what, and what it must come to.

use std::time::Duration;

use holdfast_formats::wire::v1::{ExitCode, KnownGood};
use holdfast_tests::evil::{Asked, EvilWorld, Lie, Operator, Reply, change};

use crate::question::Question;

/// What somebody who is lied to has seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Everything.
    Seasoned,
    /// Nothing but trust.json.
    None,
}

/// One lie.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) question: Question,
    pub(crate) lie: Lie,
    pub(crate) exits: Vec<ExitCode>,
    /// What the message must name.
    pub(crate) says: &'static str,
    pub(crate) memory: Memory,
    /// How far the client's clock is ahead.
    pub(crate) ahead: Duration,
    pub(crate) deadline: Duration,
    /// It is no document at all that anything could be learnt from: the truth is asked for only where memory changed.
    pub(crate) form_only: bool,
}

impl Case {
    /// A lie that ends with exit 4, to somebody who remembers.
    pub(crate) fn new(name: impl Into<String>, question: Question, says: &'static str, lie: Lie) -> Self {
        Self {
            name: name.into(),
            question,
            lie,
            exits: vec![ExitCode::Integrity],
            says,
            memory: Memory::Seasoned,
            ahead: Duration::ZERO,
            deadline: Question::PATIENCE,
            form_only: false,
        }
    }

    /// It ends with exit 8.
    pub(crate) fn stale(self) -> Self {
        Self { exits: vec![ExitCode::Unreachable], ..self }
    }

    /// It ends with this code.
    pub(crate) fn exit(self, exit: ExitCode) -> Self {
        Self { exits: vec![exit], ..self }
    }

    /// It is told to somebody who knows trust.json only.
    pub(crate) fn for_newcomer(self) -> Self {
        Self { memory: Memory::None, ..self }
    }

    /// It is told to somebody who waits for nothing long.
    pub(crate) fn in_a_hurry(self) -> Self {
        Self { deadline: Question::HURRY, ..self }
    }

    /// Nothing of it can be read.
    pub(crate) fn in_form_only(self) -> Self {
        Self { form_only: true, ..self }
    }

    /// The client's clock is this far ahead.
    pub(crate) fn ahead(self, ahead: Duration) -> Self {
        Self { ahead, ..self }
    }
}

/// The path of a channel's lookup.
pub(crate) fn lookup_of(channel: &str) -> String {
    format!("/v1/channels/{channel}/known-good")
}

/// A lookup whose answer is changed and not signed again.
pub(crate) fn altered(
    name: &str,
    channel: &'static str,
    says: &'static str,
    alter: impl Fn(&mut KnownGood) + Send + Sync + 'static,
) -> Case {
    let lie = change(&lookup_of(channel), move |_, answer| {
        Reply::Answer(answer.edit::<KnownGood>(|answer| alter(answer)))
    });
    Case::new(name, Question::KnownGood(channel), says, lie)
}

/// A lookup whose answer the operator changes with all of its keys: what is logged for it, then what is answered; all
/// proofs, the checkpoint and the head are made anew.
pub(crate) fn forged(
    world: &EvilWorld,
    name: &str,
    channel: &'static str,
    says: &'static str,
    forge: impl Fn(&mut Operator, &mut KnownGood) + Send + Sync + 'static,
) -> Case {
    let operator = world.operator.clone();
    let lie = change(&lookup_of(channel), move |asked: &Asked, answer| {
        Reply::Answer(answer.edit::<KnownGood>(|answer| {
            let mut operator = operator.clone();
            forge(&mut operator, answer);
            operator.prove(answer, asked);
        }))
    });
    Case::new(name, Question::KnownGood(channel), says, lie)
}
