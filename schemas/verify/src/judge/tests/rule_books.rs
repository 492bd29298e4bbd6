use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::statement::Freeze;
use holdfast_formats::time::Timestamp;

use super::samples::*;
use super::world::*;
use crate::refusal::Refusal;
use crate::rule_book::RuleBook;

const SECOND: u32 = RuleBook::Rehearsal.version();

fn freeze(until: Option<Timestamp>) -> Freeze {
    Freeze { channel: of("shop/prod"), reason: of("audit"), until }
}

/// A world in which policy 2 has raised the rule book.
fn raised() -> World {
    let mut world = World::solo();
    raise(&mut world, SECOND).unwrap();
    world
}

fn raise(world: &mut World, rules: u32) -> Result<(), Refusal> {
    let mut policy = world.next_policy();
    policy.rules = rules;
    world.say(policy, &[&ana()]).map(drop)
}

#[test]
fn every_entry_is_judged_by_the_rule_book_at_its_place() {
    let mut world = World::solo();
    world.say(freeze(None), &[&ana()]).unwrap();
    raise(&mut world, SECOND).unwrap();
    let refusal = world.say(freeze(None), &[&ana()]).unwrap_err();
    assert_eq!(refusal, Refusal::Malformed { rule: "a freeze must say until when" });
    let until = Some(world.now.plus_ms(60_000));
    world.say(freeze(until), &[&ana()]).unwrap();
}

#[test]
fn an_entry_of_another_rule_book_than_the_one_in_force_is_refused() {
    for (mut world, known, others) in
        [(World::solo(), RULE_BOOK_VERSION, [0, SECOND]), (raised(), SECOND, [RULE_BOOK_VERSION, SECOND + 1])]
    {
        let good = world.statement(freeze(None));
        for given in others {
            let refusal = world.judge(&good, &[&ana()], given).unwrap_err();
            assert_eq!(refusal, Refusal::UnknownRuleBook { given, known });
        }
    }
}

#[test]
fn the_rule_book_is_never_lowered() {
    let mut world = raised();
    let refusal = raise(&mut world, RULE_BOOK_VERSION).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownRuleBook { given: RULE_BOOK_VERSION, known: SECOND });
    raise(&mut world, SECOND).unwrap();
}

#[test]
fn only_a_newer_program_can_judge_by_a_newer_rule_book() {
    let refusal = raise(&mut World::solo(), 99).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownRuleBook { given: 99, known: SECOND });
}
