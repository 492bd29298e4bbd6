//! What befalls a registry while its clients work: nodes die, wires break, clocks go wrong, disks rot, time passes.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use super::chance::Dice;
use super::node::{Found, SimNode};
use super::time::{DAY_MS, HOUR_MS};
use super::world::World;

const TEN_YEARS_MS: i64 = 10 * 365 * 24 * 3_600_000;
/// How often a start is tried in bad weather.
const STARTS: usize = 4;

/// What befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing.
    Nothing,
    /// A node dies, and comes back.
    Death(Found),
    /// A node is cut off for some seconds; or for a day, as far as clocks are concerned.
    Cut { a_day: bool },
    /// A node's clock is ten years ahead, and whoever has the registry's key believes it.
    WrongClock,
    /// A bit of something stored is another one for a while.
    Rot,
}

impl Event {
    /// One of them.
    pub(crate) fn any(dice: &mut Dice) -> Self {
        match dice.below(20) {
            0 | 1 => Self::Death(Found::Left),
            2 => Self::Death(Found::Nothing),
            3 => Self::Cut { a_day: false },
            4 => Self::Cut { a_day: true },
            5 | 6 => Self::WrongClock,
            7 => Self::Rot,
            _ => Self::Nothing,
        }
    }
}

impl World {
    /// Lets it happen some moments from now, and mends it.
    pub(crate) async fn befall(&self, event: Event, dice: &mut Dice) -> anyhow::Result<()> {
        let node = &self.nodes[usize::from(dice.one_in(2))];
        tokio::time::sleep(Duration::from_millis(dice.below(120))).await;
        if event != Event::Nothing {
            self.trace.note(|| format!("event {event:?}"));
        }
        match event {
            Event::Nothing => Ok(()),
            Event::Death(found) => {
                node.kill();
                tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
                self.restart(node, found).await
            }
            Event::Cut { a_day } => {
                node.set_cut(true);
                tokio::time::sleep(Duration::from_millis(200 + dice.below(6_000))).await;
                if a_day {
                    self.time.leap(Duration::from_millis(DAY_MS));
                }
                node.set_cut(false);
                Ok(())
            }
            Event::WrongClock => {
                let ahead_ms = TEN_YEARS_MS + i64::try_from(dice.below(3) * DAY_MS)?;
                node.clock.set_ahead(ahead_ms);
                self.wrong_ms.set(u64::try_from(ahead_ms)?);
                let tried = async {
                    self.intend_all(dice).await?;
                    self.end_any(dice).await
                };
                let tried = tried.await;
                node.clock.set_ahead(0);
                self.wrong_ms.set(0);
                tried
            }
            Event::Rot => self.rot(dice).await,
        }
    }

    /// Starts a node, however bad the weather is.
    async fn restart(&self, node: &SimNode, found: Found) -> anyhow::Result<()> {
        for _ in 1..STARTS {
            if node.start(found).await.is_ok() {
                return Ok(());
            }
        }
        self.sea.set_rough(0);
        node.start(found).await.context("a node does not start")
    }

    /// Something that a live artifact needs is changed on the disk while it is read.
    async fn rot(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let stored = {
            let alive = self.model.alive_now();
            let Some(known) = dice.pick(&alive) else { return Ok(()) };
            let memory = self.memory.borrow();
            let files = memory.files.get(&known.artifact.digests.sha256).cloned().unwrap_or_default();
            let Some(file) = dice.pick(&files) else { return Ok(()) };
            dice.pick(&self.objects_of(known, file)).cloned()
        };
        let Some((key, right)) = stored else { return Ok(()) };
        let mut wrong = right.to_vec();
        let at = usize::try_from(dice.below(wrong.len() as u64))?;
        wrong[at] ^= 1 << dice.below(8);
        self.sea.bucket.tamper(&key, Bytes::from(wrong));
        for _ in 0..6 {
            self.read(dice).await?;
        }
        self.sea.bucket.tamper(&key, right);
        Ok(())
    }

    /// Nobody does anything for a while.
    pub(crate) fn rest(&self, dice: &mut Dice) {
        let rest_ms = HOUR_MS + dice.below(2 * DAY_MS);
        self.trace.note(|| format!("{} hours pass", rest_ms / HOUR_MS));
        self.time.leap(Duration::from_millis(rest_ms));
    }
}
