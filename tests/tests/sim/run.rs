//! One seed: a plan, step after step, and everything checked after each.

use std::time::Duration;

use anyhow::Context as _;
use futures::future::{LocalBoxFuture, join_all};

use super::chance::Dice;
use super::events::Event;
use super::node::Found;
use super::world::World;

/// How long nodes have to come to rest after a step.
const CALM: Duration = Duration::from_millis(700);

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// One number for everything that happened.
    pub(crate) digest: u64,
    /// How many entries were logged.
    pub(crate) entries: u64,
    /// How many artifacts ended by a sweep.
    pub(crate) swept: u64,
    /// How many artifacts ended by a person.
    pub(crate) deleted: u64,
}

/// A run that ended, well or not.
pub(crate) struct Ran {
    /// What it came to; the error says what does not hold.
    pub(crate) outcome: anyhow::Result<Outcome>,
    /// What happened last; everything, when that was wanted.
    pub(crate) lines: Vec<String>,
}

/// Runs one seed for so many steps.
pub(crate) fn run(seed: u64, steps: u64, verbose: bool) -> anyhow::Result<Ran> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::begin(seed, verbose).await?;
        let lived = live(&mut world, seed, steps).await;
        let outcome = lived.map(|()| Outcome {
            digest: world.trace.digest(),
            entries: world.logbook.size(),
            swept: world.model.ended.0,
            deleted: world.model.ended.1,
        });
        Ok(Ran { outcome, lines: world.trace.lines() })
    })
}

async fn live(world: &mut World, seed: u64, steps: u64) -> anyhow::Result<()> {
    let mut dice = Dice::of(seed, "plan");
    let roughness = dice.below(120);
    for step in 0..steps {
        if dice.one_in(4) {
            world.rest(&mut dice);
            // Nodes look for the log's end before they are asked again.
            tokio::time::sleep(CALM).await;
            world.sweep(&mut dice).await;
        }
        world.sea.set_rough(roughness);
        let event = Event::any(&mut dice);
        let clients = 1 + dice.below(3);
        let mut all: Vec<LocalBoxFuture<'_, anyhow::Result<()>>> = Vec::new();
        let here: &World = world;
        for client in 0..clients {
            let dice = Dice::of(seed, &format!("client {client} of step {step}"));
            all.push(Box::pin(act(here, dice, step)));
        }
        if dice.one_in(4) {
            let mut dice = Dice::of(seed, &format!("sweep of step {step}"));
            all.push(Box::pin(async move {
                here.sweep(&mut dice).await;
                Ok(())
            }));
        }
        let mut of_event = Dice::of(seed, &format!("event of step {step}"));
        all.push(Box::pin(async move { here.befall(event, &mut of_event).await }));
        for done in join_all(all).await {
            done.with_context(|| format!("step {step}"))?;
        }
        world.sea.set_rough(0);
        tokio::time::sleep(CALM).await;
        world
            .check(&mut dice, event == Event::Death(Found::Nothing))
            .await
            .with_context(|| format!("after step {step}"))?;
    }
    world.wind_up(&mut dice).await.context("at the end")
}

/// One client does one thing.
async fn act(world: &World, mut dice: Dice, step: u64) -> anyhow::Result<()> {
    let dice = &mut dice;
    match dice.below(24) {
        0..=5 => world.push(dice, step).await,
        6 => world.release(dice, step).await,
        7..=11 => world.pin(dice).await,
        12 | 13 => world.deny(dice).await,
        14 => world.lift(dice).await,
        15 => world.hold(dice).await,
        16 => world.unhold(dice).await,
        17 => world.extend(dice).await,
        18 => world.delete(dice).await,
        19 => world.scrub(dice).await,
        20 => world.intend_all(dice).await,
        21 | 22 => world.end_any(dice).await,
        _ => world.read(dice).await,
    }
}
