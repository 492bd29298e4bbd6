//! Statements by chance: whatever is tried in whatever order, what must always hold holds.

use std::collections::BTreeMap;

use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::{Artifact, Deny, DenyScope, EntryIndex, Lift, ScrubOutcome};
use holdfast_formats::tree::LeafIndex;
use proptest::prelude::*;

use super::world::{World, ana, bob, deny, of, registry_key, scrub_of};
use crate::denial::denied;
use crate::facts::Facts as _;

const VERSIONS: u8 = 3;

#[derive(Debug, Clone)]
enum Move {
    Publish { version: u8, content: u8, by_stranger: bool },
    Scrub { version: u8, good: bool },
    Pin { version: u8, number_off: i8, by_stranger: bool },
    Deny { version: u8 },
    Lift { entry: u8 },
    Again,
}

fn moves() -> impl Strategy<Value = Move> {
    let version = 0..VERSIONS;
    prop_oneof![
        3 => (version.clone(), 0..2_u8, prop::bool::weighted(0.1))
            .prop_map(|(version, content, by_stranger)| Move::Publish { version, content, by_stranger }),
        3 => (version.clone(), prop::bool::weighted(0.8)).prop_map(|(version, good)| Move::Scrub { version, good }),
        5 => (version.clone(), prop_oneof![8 => Just(0_i8), 1 => Just(1), 1 => Just(-1)], prop::bool::weighted(0.1))
            .prop_map(|(version, number_off, by_stranger)| Move::Pin { version, number_off, by_stranger }),
        1 => version.prop_map(|version| Move::Deny { version }),
        1 => (0..40_u8).prop_map(|entry| Move::Lift { entry }),
        1 => Just(Move::Again),
    ]
}

/// The artifact of a version as it was published, else as nobody published it.
fn artifact(world: &World, version: u8) -> Artifact {
    let name = format!("shop/web@{version}");
    let known = world.ledger.artifact(&of(&name)).unwrap().map(|fact| fact.artifact);
    known.unwrap_or_else(|| super::world::unpublished(&name))
}

fn play(world: &mut World, step: &Move, last: &mut Option<holdfast_formats::statement::Statement>) {
    let before = world.next();
    let (statement, by) = match step {
        Move::Publish { version, content, by_stranger } => {
            let publish = world.build(&format!("shop/web@{version}"), &content.to_string());
            (world.statement(publish), if *by_stranger { bob() } else { ana() })
        }
        Move::Scrub { version, good } => {
            let outcome = if *good { ScrubOutcome::Good } else { ScrubOutcome::Bad };
            let scrub = scrub_of(&[&artifact(world, *version)], outcome, world.now);
            (world.statement(scrub), registry_key())
        }
        Move::Pin { version, number_off, by_stranger } => {
            let mut pin = world.next_pin("shop/prod", &artifact(world, *version));
            let number = pin.number.get().saturating_add_signed(i64::from(*number_off));
            pin.number = PinNumber::new(number).unwrap();
            (world.statement(pin), if *by_stranger { bob() } else { ana() })
        }
        Move::Deny { version } => {
            let deny: Deny = deny(&artifact(world, *version), DenyScope::Namespace, None);
            (world.statement(deny), ana())
        }
        Move::Lift { entry } => {
            let index = LeafIndex::new(u64::from(*entry)).unwrap();
            (world.statement(Lift { deny: EntryIndex { index }, reason: of("x") }), ana())
        }
        Move::Again => match last.clone() {
            Some(statement) => (statement, ana()),
            None => return,
        },
    };
    let answer = world.log(&statement, &[&by]);
    assert_eq!(answer.is_ok(), world.next() != before, "an entry is logged exactly when it is accepted");
    if answer.is_ok() {
        assert!(!matches!(step, Move::Again), "the same statement was accepted twice");
        *last = Some(statement);
    }
}

fn check_line(world: &World) {
    let pins = world.ledger.pins(&of("shop/prod"), &of("shop/web"), None, usize::MAX).unwrap();
    let numbers: Vec<u64> = pins.iter().rev().map(|pin| pin.number.get()).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "pins are numbered 1, 2, 3 without a gap");
    assert!(pins.iter().all(|pin| pin.signers == [ana().public().id()]), "only Ana releases");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn whatever_is_tried_lines_have_no_gaps_and_names_keep_their_meaning(steps in prop::collection::vec(moves(), 1..60)) {
        let mut world = World::solo();
        let mut last = None;
        let mut meanings: BTreeMap<u8, Artifact> = BTreeMap::new();
        for step in &steps {
            world.later(1);
            let newest_before = world.newest_pin("shop/prod", "shop/web").map(|pin| pin.entry.index);
            play(&mut world, step, &mut last);
            check_line(&world);
            for version in 0..VERSIONS {
                if let Some(fact) = world.ledger.artifact(&of(&format!("shop/web@{version}"))).unwrap() {
                    let meaning = meanings.entry(version).or_insert_with(|| fact.artifact.clone());
                    prop_assert_eq!(&*meaning, &fact.artifact);
                }
            }
            if let Some(pin) = world.newest_pin("shop/prod", "shop/web").filter(|pin| Some(pin.entry.index) != newest_before) {
                let policy = world.ledger.policy().unwrap().unwrap().policy;
                let fact = world.ledger.artifact(&pin.artifact.r#ref).unwrap().unwrap();
                prop_assert_eq!(fact.scrub.map(|scrub| scrub.outcome), Some(ScrubOutcome::Good));
                prop_assert_eq!(denied(&world.ledger, &policy, &pin.artifact, &pin.channel).unwrap(), None);
            }
        }
    }
}
