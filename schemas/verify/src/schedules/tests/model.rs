//! Schedules and objectives against a model that remembers everything that happened.

use holdfast_formats::statement::{Artifact, EntryIndex, Lift, RollbackPhase, ScrubOutcome};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{DueState, ObjectiveKind};

use super::world::{DAY, HOUR, strict, world};
use crate::known_good::tests::world::{ana, of};

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A snapshot as the model remembers it.
struct Made {
    artifact: Artifact,
    at: Timestamp,
    until: Timestamp,
    is_sound: bool,
    deny: Option<LeafIndex>,
}

#[test]
fn schedules_and_objectives_are_those_of_a_model_that_remembers_everything() {
    for seed in 0..4 {
        let (mut dice, mut world) = (Dice(seed), world(strict));
        let web = world.build("shop/web@1");
        let (mut made, mut drills, mut backs) = (Vec::<Made>::new(), Vec::new(), Vec::new());
        for step in 0..50 {
            world.later(dice.roll(9 * HOUR) * 1000);
            let chosen = usize::try_from(dice.roll(made.len().max(1) as u64)).unwrap();
            match (dice.roll(6), made.get_mut(chosen)) {
                (0, _) | (_, None) => {
                    let age = dice.roll(3 * DAY);
                    let artifact = world.snapshot(&format!("shop/db@{step}"), age);
                    let until = Timestamp::from_ms(world.now.as_ms() - age * 1000);
                    made.push(Made { artifact, at: world.now, until, is_sound: true, deny: None });
                }
                (1, Some(one)) => {
                    one.is_sound = dice.roll(2) == 0;
                    let found = if one.is_sound { ScrubOutcome::Good } else { ScrubOutcome::Missing };
                    world.scrub(&one.artifact, found);
                }
                (2, Some(one)) => match one.deny.take() {
                    Some(index) => {
                        let lift = Lift { deny: EntryIndex { index }, reason: of("it was the network") };
                        world.say(lift, &[&ana()]);
                    }
                    None => one.deny = Some(world.deny(&one.artifact)),
                },
                (_, Some(_)) => {
                    let (drill, ok) = (dice.roll(2) == 0, dice.roll(2) == 0);
                    let took = dice.roll(2 * HOUR);
                    let phase = if ok { RollbackPhase::Succeeded } else { RollbackPhase::Failed };
                    world.rollback(&format!("r-{step}"), drill, phase, &web, ok.then_some(took));
                    drills.extend((drill && ok).then_some(world.now));
                    backs.extend(ok.then_some(took));
                }
            }
            let good = || made.iter().filter(|one| one.is_sound && one.deny.is_none());
            let shown = world.shown();
            assert_eq!(shown.due[0].last, good().map(|one| one.at).next_back(), "seed {seed}, step {step}");
            assert_eq!(shown.due[1].last, drills.last().copied(), "seed {seed}, step {step}");
            let newest = good().rev().take(16).map(|one| one.until).max();
            let age = newest.map(|until| world.now.ms_since(until).div_ceil(1000));
            assert_eq!(world.objective(ObjectiveKind::Rpo).1, age, "seed {seed}, step {step}");
            assert_eq!(
                world.objective(ObjectiveKind::Rto).1,
                backs.last().copied(),
                "seed {seed}, step {step}"
            );
            for due in &shown.due {
                let is_late = due.last.is_none_or(|last| world.now.ms_since(last) > due.every_s.as_ms());
                assert_eq!(due.state == DueState::Overdue, is_late, "seed {seed}, step {step}");
            }
        }
    }
}
