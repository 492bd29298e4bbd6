//! Windows against a model that is small, slow and obviously right: it remembers everything that happened on one line and
//! looks at every moment.

use holdfast_formats::number::{Count, Seconds};
use holdfast_formats::statement::{Artifact, DenyScope, EntryIndex, Lift, ScrubOutcome};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use proptest::prelude::*;
use proptest::{prop_assert, prop_assert_eq};
use std::collections::BTreeSet;

use super::world::{HOUR_MS, World, ana, deny, of};
use crate::facts::Facts as _;
use crate::retention::{Kept, Retention, Why};

const CHANNEL: &str = "shop/prod";

/// What may happen to one of the artifacts.
#[derive(Debug, Clone)]
enum Move {
    Pin { which: usize, expires_h: Option<u64> },
    Deny { which: usize },
    Lift { which: usize },
    Scrub { which: usize, good: bool },
    Wait { hours: u64 },
    Policy { window_h: u64, keep_pins: u64 },
}

fn moves() -> impl Strategy<Value = Move> {
    let which = 0..4_usize;
    prop_oneof![
        4 => (which.clone(), prop::option::weighted(0.3, 1..200_u64))
            .prop_map(|(which, expires_h)| Move::Pin { which, expires_h }),
        2 => which.clone().prop_map(|which| Move::Deny { which }),
        2 => which.clone().prop_map(|which| Move::Lift { which }),
        2 => (which, any::<bool>()).prop_map(|(which, good)| Move::Scrub { which, good }),
        4 => (1..100_u64).prop_map(|hours| Move::Wait { hours }),
        1 => (0..300_u64, 0..3_u64).prop_map(|(window_h, keep_pins)| Move::Policy { window_h, keep_pins }),
    ]
}

/// A stretch of time in which something was against an artifact.
struct Against {
    which: usize,
    from: Timestamp,
    until: Option<Timestamp>,
}

struct Pinned {
    which: usize,
    at: Timestamp,
    expires: Option<Timestamp>,
}

/// Everything that happened.
#[derive(Default)]
struct Model {
    pins: Vec<Pinned>,
    against: Vec<Against>,
    /// Rollback windows, and since when each was in force.
    windows: Vec<(Timestamp, u64)>,
    keep_pins: usize,
}

impl Model {
    fn qualifies(&self, pin: &Pinned, at: Timestamp) -> bool {
        let alive = pin.expires.is_none_or(|expires| at < expires);
        let hit = |against: &Against| {
            against.which == pin.which && against.from <= at && against.until.is_none_or(|until| at < until)
        };
        alive && !self.against.iter().any(hit)
    }

    /// The pins that could be answered at a moment, newest first.
    fn answerable(&self, at: Timestamp) -> Vec<usize> {
        let issued = (0..self.pins.len()).rev().filter(|pin| self.pins[*pin].at <= at);
        issued.filter(|pin| self.qualifies(&self.pins[*pin], at)).collect()
    }

    /// Every moment at which anything changes, up to now.
    fn moments(&self, now: Timestamp) -> Vec<Timestamp> {
        let pins = self.pins.iter().flat_map(|pin| [Some(pin.at), pin.expires]);
        let against = self.against.iter().flat_map(|against| [Some(against.from), against.until]);
        let all: BTreeSet<Timestamp> = pins.chain(against).flatten().filter(|at| *at <= now).collect();
        all.into_iter().collect()
    }

    /// When a pin was last the answer: the end of the last stretch in which it was.
    fn stopped(&self, pin: usize, now: Timestamp) -> Option<Timestamp> {
        let moments = self.moments(now);
        let mut stretches = moments.windows(2);
        let mut last = None;
        while let Some([from, to]) = stretches.next() {
            if self.answerable(*from).first() == Some(&pin) {
                last = Some(*to);
            }
        }
        last
    }

    /// What a pin means now: kept without a date, or the least date until which it must be kept.
    fn wants(&self, pin: usize, now: Timestamp) -> Result<(), Option<Timestamp>> {
        let answerable = self.answerable(now);
        if answerable.iter().take(self.keep_pins.max(1)).any(|other| *other == pin) {
            return Ok(());
        }
        let since = self.pins[pin].at;
        let in_force = self.windows.iter().rposition(|(from, _)| *from <= since).unwrap_or(0);
        let window = self.windows[in_force..].iter().map(|(_, window)| *window).max().unwrap_or(0);
        Err(self.stopped(pin, now).map(|stopped| stopped.plus_ms(window)))
    }
}

/// One line, in the rule book and in the model.
struct Both {
    world: World,
    model: Model,
    artifacts: Vec<Artifact>,
    denies: Vec<Option<LeafIndex>>,
    bad: Vec<bool>,
}

impl Both {
    fn new() -> Self {
        let mut world = World::solo();
        world.amend(|policy| set(policy, 100, 1));
        let artifacts: Vec<Artifact> = (0..4).map(|n| world.scrubbed(&format!("shop/web@{n}"))).collect();
        let windows = vec![(world.now, 100 * HOUR_MS)];
        let model = Model { windows, keep_pins: 1, ..Model::default() };
        let denies = vec![None; artifacts.len()];
        let bad = vec![false; artifacts.len()];
        Self { world, model, artifacts, denies, bad }
    }

    /// Every move is a millisecond of its own, so that no two things happen at once.
    fn step(&mut self, step: &Move) {
        self.world.later(1);
        let now = self.world.now;
        match *step {
            Move::Wait { hours } => {
                self.world.later(hours * HOUR_MS);
                // Somebody must speak now and then, or the registry may not.
                self.world.amend(|_| ());
            }
            Move::Pin { which, expires_h } => {
                let mut pin = self.world.next_pin(CHANNEL, &self.artifacts[which]);
                pin.expires = expires_h.map(|hours| now.plus_ms(hours * HOUR_MS));
                let expires = pin.expires;
                if self.world.say(pin, &[&ana()]).is_ok() {
                    self.model.pins.push(Pinned { which, at: now, expires });
                }
            }
            Move::Deny { which } if self.denies[which].is_none() => {
                let deny = deny(&self.artifacts[which], DenyScope::Namespace, None);
                self.denies[which] = Some(self.world.say(deny, &[&ana()]).unwrap());
                self.begin(which);
            }
            Move::Lift { which } => {
                if let Some(index) = self.denies[which].take() {
                    let lift = Lift { deny: EntryIndex { index }, reason: of("harmless") };
                    self.world.say(lift, &[&ana()]).unwrap();
                    self.end(which);
                }
            }
            Move::Scrub { which, good } => {
                let outcome = if good { ScrubOutcome::Good } else { ScrubOutcome::Bad };
                self.world.scrub(&[&self.artifacts[which].clone()], outcome);
                match (self.bad[which], good) {
                    (false, false) => self.begin(which),
                    (true, true) => self.end(which),
                    _ => {}
                }
                self.bad[which] = !good;
            }
            Move::Policy { window_h, keep_pins } => {
                self.world.amend(|policy| set(policy, window_h, keep_pins));
                self.model.windows.push((now, window_h * HOUR_MS));
                self.model.keep_pins = usize::try_from(keep_pins).unwrap();
            }
            Move::Deny { .. } => {}
        }
    }

    fn begin(&mut self, which: usize) {
        self.model.against.push(Against { which, from: self.world.now, until: None });
    }

    /// A deny and a bad scrub may overlap: the older stretch ends with whichever of them was meant.
    fn end(&mut self, which: usize) {
        let now = self.world.now;
        let mut open = self.model.against.iter_mut().filter(|a| a.which == which && a.until.is_none());
        open.next().expect("something was against it").until = Some(now);
    }

    /// What the rule book says of the pins of each artifact.
    fn said(&self) -> Vec<Vec<Kept>> {
        let in_force = self.world.ledger.policy().unwrap().unwrap();
        let going = BTreeSet::new();
        let retention =
            Retention { facts: &self.world.ledger, in_force: &in_force, now: self.world.now, going: &going };
        let of_artifact = |artifact: &Artifact| {
            let fact = self.world.ledger.artifact(&artifact.r#ref).unwrap().unwrap();
            retention.reasons(&fact).unwrap()
        };
        self.artifacts.iter().map(of_artifact).collect()
    }
}

fn set(policy: &mut holdfast_formats::policy::Policy, window_h: u64, keep_pins: u64) {
    for rule in &mut policy.channels {
        rule.rollback_window_s = Seconds::new(window_h * HOUR_MS / 1000).unwrap();
        rule.keep_pins = Count::new(keep_pins).unwrap();
    }
}

const fn number_of(why: &Why) -> Option<u64> {
    match why {
        Why::Answer { number, .. } | Why::RecentPin { number, .. } | Why::FormerAnswer { number, .. } => {
            Some(number.get())
        }
        _ => None,
    }
}

fn date_of(said: &[Vec<Kept>], pin: usize) -> Option<Kept> {
    let number = u64::try_from(pin).unwrap() + 1;
    said.iter().flatten().find(|kept| number_of(&kept.why) == Some(number)).cloned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_pin_keeps_as_long_as_the_model_says_and_its_date_only_grows(steps in prop::collection::vec(moves(), 1..50)) {
        let mut both = Both::new();
        let mut dates: Vec<Option<Timestamp>> = Vec::new();
        for step in &steps {
            both.step(step);
            let (said, now) = (both.said(), both.world.now);
            dates.resize(both.model.pins.len(), None);
            for (pin, date) in dates.iter_mut().enumerate() {
                let kept = date_of(&said, pin).expect("every pin is a reason");
                match both.model.wants(pin, now) {
                    Ok(()) => prop_assert_eq!(kept.until, None, "pin {} at {}: {:?}", pin + 1, now, kept),
                    Err(least) => {
                        let until = kept.until.expect("it is neither the answer nor a recent one");
                        prop_assert!(least.is_none_or(|least| until >= least), "pin {} ends at {} and not {:?}", pin + 1, until, least);
                        prop_assert!(date.is_none_or(|before| until >= before), "the date of pin {} went back to {}", pin + 1, until);
                        *date = Some(until);
                    }
                }
            }
        }
    }
}
