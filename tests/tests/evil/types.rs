//! T22: bytes that were signed as one thing, shown as another.

use anyhow::Result;
use holdfast_formats::statement::{Freeze, Predicate};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{KnownGood, PolicyChain};
use holdfast_tests::evil::{Answer, EvilWorld, Operator, Reply, change, instead};
use holdfast_tests::of;
use holdfast_verify::logged::LoggedStatement;

use crate::case::{Case, altered, forged};
use crate::question::Question;
use crate::suite::refuse;

const PROD: &str = "shop/prod";

/// The first entry of a type.
fn first(operator: &Operator, is_it: fn(&Predicate) -> bool) -> LeafIndex {
    let is_it = |index: &LeafIndex| {
        LoggedStatement::of_logged(&operator.entry(*index)).is_ok_and(|l| is_it(&l.statement().predicate))
    };
    let all = (0..operator.size().get()).filter_map(|index| LeafIndex::new(index).ok());
    all.into_iter().find(is_it).expect("the world has one")
}

fn as_pin(world: &EvilWorld, name: &str, is_it: fn(&Predicate) -> bool) -> Case {
    let index = first(&world.operator, is_it);
    forged(world, name, PROD, "pin", move |operator, answer| {
        answer.lines[0].pin = operator.proven(index);
    })
}

#[test]
fn t22_a_statement_of_one_type_is_never_taken_for_another() -> Result<()> {
    refuse(|world| {
        let pin = world.first_pin;
        let chain = Answer::json(&PolicyChain { policies: vec![world.operator.receipt(pin)] });
        let pin_as_policy =
            forged(world, "a pin as policy, in a lookup", PROD, "polic", move |operator, answer| {
                answer.policies.push(operator.proven(pin));
            });
        vec![
            as_pin(world, "a policy as pin", |p| matches!(p, Predicate::Policy(_))),
            as_pin(world, "a publication as pin", |p| matches!(p, Predicate::Publish(_))),
            as_pin(world, "a deny as pin", |p| matches!(p, Predicate::Deny(_))),
            as_pin(world, "a lift as pin", |p| matches!(p, Predicate::Lift(_))),
            as_pin(world, "a deployment as pin", |p| matches!(p, Predicate::Deploy(_))),
            as_pin(world, "a scrub as pin", |p| matches!(p, Predicate::Scrub(_))),
            as_pin(world, "a grant as pin", |p| matches!(p, Predicate::Grant(_))),
            as_pin(world, "a rollback as pin", |p| matches!(p, Predicate::Rollback(_))),
            Case::new(
                "a pin as policy",
                Question::Sync,
                "polic",
                instead("/v1/policies?after=3", Reply::Answer(chain)),
            ),
            pin_as_policy,
        ]
    })
}

#[test]
fn t22_a_signed_head_and_a_signed_checkpoint_are_never_taken_for_each_other() -> Result<()> {
    refuse(|world| {
        let operator = world.operator.clone();
        let keys = operator.keys.clone();
        let head_by_log_key = keys.clone();
        vec![
            altered("the head as checkpoint", PROD, "checkpoint", |a: &mut KnownGood| {
                a.checkpoint.clone_from(&a.head);
            }),
            altered("the checkpoint as head", PROD, "channel head", |a| a.head.clone_from(&a.checkpoint)),
            altered("a head by the log key", PROD, "channel head", move |a| {
                let mut operator = operator.clone();
                operator.keys.head = head_by_log_key.log.clone();
                operator.sign_head(a, |_| {});
            }),
            {
                let mut by_head = world.operator.clone();
                by_head.keys.log = keys.head.clone();
                altered("a checkpoint by the head key", PROD, "checkpoint", move |a| {
                    a.checkpoint = by_head.checkpoint(by_head.size());
                })
            },
            {
                let mut by_registry = world.operator.clone();
                by_registry.keys.head = keys.registry.clone();
                altered("a head by the registry key", PROD, "channel head", move |a| {
                    by_registry.sign_head(a, |_| {});
                })
            },
        ]
    })
}

#[test]
fn t22_a_signature_over_other_bytes_or_another_payload_type_is_refused() -> Result<()> {
    refuse(|world| {
        let ana = world.ana.key();
        let typed = |name: &str, payload_type: &'static str| {
            let ana = ana.clone();
            forged(world, name, PROD, "signature", move |operator, answer| {
                let logged = LoggedStatement::of_proven(&answer.lines[0].pin).expect("the answer is honest");
                let mut signed =
                    operator.statement(Freeze { channel: of(PROD), reason: of("x"), until: None });
                signed.statement = logged.statement().clone();
                signed.payload_type = payload_type;
                let index = operator.log_signed(&signed, &[&ana]);
                answer.lines[0].pin = operator.proven(index);
            })
        };
        let unknown = |name: &str, says: &'static str, from: &'static str, to: &'static str| {
            let ana = ana.clone();
            forged(world, name, PROD, says, move |operator, answer| {
                let logged = LoggedStatement::of_proven(&answer.lines[0].pin).expect("the answer is honest");
                let payload = logged.statement().to_payload().expect("it was read");
                let text = String::from_utf8(payload).expect("a payload is text");
                assert!(text.contains(from), "{from} is in {text}");
                let signed = operator.statement(Freeze { channel: of(PROD), reason: of("x"), until: None });
                let index = operator.log_payload(text.replacen(from, to, 1).as_bytes(), &signed, &[&ana]);
                answer.lines[0].pin = operator.proven(index);
            })
        };
        vec![
            typed("signed as JSON", "application/json"),
            typed("signed as nothing", ""),
            typed("signed as another in-toto", "application/vnd.in-toto+json; v=2"),
            unknown("a pin of version 2", "statement", "urn:holdfast:pin:v1", "urn:holdfast:pin:v2"),
            unknown("a type of tomorrow", "statement", "urn:holdfast:pin:v1", "urn:holdfast:bless:v1"),
            unknown("another in-toto version", "statement", "Statement/v1", "Statement/v2"),
            unknown(
                "a payload with a field twice",
                "statement",
                "\"channel\"",
                "\"reason\":\"x\",\"channel\"",
            ),
            unknown("a payload with an unknown field", "statement", "\"channel\"", "\"more\":1,\"channel\""),
        ]
    })
}

#[test]
fn t22_a_token_s_grant_is_no_token_of_a_key() -> Result<()> {
    refuse(|world| {
        let grant = first(&world.operator, |p| matches!(p, Predicate::Grant(_)));
        let operator = world.operator.clone();
        let lie = change(&crate::case::lookup_of(PROD), move |asked, answer| {
            Reply::Answer(answer.edit::<KnownGood>(|answer| {
                let grant = operator.proven(grant);
                answer.grants.push(holdfast_formats::wire::v1::ShownGrant { grant, revoke: None });
                operator.prove(answer, asked);
            }))
        });
        vec![Case::new("a grant without a key", Question::KnownGood(PROD), "grant", lie)]
    })
}
