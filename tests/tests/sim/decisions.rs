//! What people decide about artifacts that are there, and what somebody with the registry's own key tries.

use holdfast_formats::number::{ByteSize, PinNumber};
use holdfast_formats::statement::{
    Artifact, AttachmentRef, Delete, Deny, DenyEffect, DenyScope, EntryIndex, EntryRef, Extend, Hold, Lift,
    Pin, Scrub, ScrubOutcome, Sweep, SweepPhase, Unhold,
};
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_tests::of;

use super::chance::Dice;
use super::people::Signer;
use super::time::{DAY_MS, HOUR_MS};
use super::world::World;

const CHANNELS: [&str; 2] = ["shop/prod", "shop/canary"];
/// How many artifacts one sweep of somebody who tries says it will end.
const INTENDED_MAX: usize = 40;

impl World {
    /// Something alive; `None` when there is nothing.
    fn any_alive(&self, dice: &mut Dice) -> Option<Artifact> {
        dice.pick(&self.model.alive_now()).map(|known| known.artifact.clone())
    }

    /// Pins something.
    pub(crate) async fn pin(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let (Some(artifact), Some(channel)) = (self.any_alive(dice), dice.pick(&CHANNELS)) else {
            return Ok(());
        };
        let line = (of(channel), artifact.r#ref.name().clone());
        let before = self.model.lines.get(&line).map_or(&[][..], Vec::as_slice);
        let predecessor = before.last().and_then(|pin| {
            let leaf = TreeHash::leaf(self.logbook.leaf(pin.index)?);
            Some(EntryRef { index: LeafIndex::new(pin.index).ok()?, leaf })
        });
        let pin = Pin {
            channel: line.0,
            name: line.1,
            number: PinNumber::new(before.len() as u64 + 1)?,
            predecessor,
            artifact,
            deploy: None,
            reason: of("it works"),
            evidence: None,
            baseline_metrics: None,
            expires: None,
        };
        self.say(dice, &self.person, pin, Vec::new()).await.map(drop)
    }

    /// Denies something that is pinned somewhere, on one channel or in the namespace.
    pub(crate) async fn deny(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let pinned: Vec<_> = self.model.lines.values().flatten().map(|pin| pin.artifact.clone()).collect();
        let Some(known) = dice.pick(&pinned).and_then(|reference| self.model.artifacts.get(reference)) else {
            return Ok(());
        };
        let channel = (!dice.one_in(3)).then(|| dice.pick(&CHANNELS).copied()).flatten();
        let deny = Deny {
            name: known.artifact.r#ref.name().clone(),
            digests: known.artifact.digests,
            effect: DenyEffect::Lookup,
            scope: if channel.is_some() { DenyScope::Channel } else { DenyScope::Namespace },
            channel: channel.map(of),
            reason: of("it loses orders"),
        };
        self.say(dice, &self.person, deny, Vec::new()).await.map(drop)
    }

    /// Lifts a deny.
    pub(crate) async fn lift(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let Some(index) = dice.pick(&self.model.denies()).copied() else { return Ok(()) };
        let lift = Lift { deny: entry(index)?, reason: of("it was the test's fault") };
        self.say(dice, &self.person, lift, Vec::new()).await.map(drop)
    }

    /// Holds something.
    pub(crate) async fn hold(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let Some(artifact) = self.any_alive(dice) else { return Ok(()) };
        let hold = Hold { artifact, case: of("case 7"), reason: of("a lawyer asked") };
        self.say(dice, &self.person, hold, Vec::new()).await.map(drop)
    }

    /// Ends a hold.
    pub(crate) async fn unhold(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let stand: Vec<u64> =
            self.model.holds.iter().filter(|(_, (_, stands))| *stands).map(|(index, _)| *index).collect();
        let Some(index) = dice.pick(&stand).copied() else { return Ok(()) };
        let unhold = Unhold { hold: entry(index)?, reason: of("the case is closed") };
        self.say(dice, &self.person, unhold, Vec::new()).await.map(drop)
    }

    /// Asks for a longer window.
    pub(crate) async fn extend(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let Some(artifact) = self.any_alive(dice) else { return Ok(()) };
        let until = self.time.now().plus_ms(HOUR_MS + dice.below(5 * DAY_MS));
        let extend = Extend { artifact, until, reason: of("it is needed for longer") };
        self.say(dice, &self.person, extend, Vec::new()).await.map(drop)
    }

    /// Tries to delete something.
    pub(crate) async fn delete(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let Some(artifact) = self.any_alive(dice) else { return Ok(()) };
        let delete = Delete { artifact, bypass: dice.one_in(2), reason: of("nobody wants it") };
        self.say(dice, &self.person, delete, Vec::new()).await.map(drop)
    }

    /// Whoever has the registry's key says that something was read back, and was as he likes.
    pub(crate) async fn scrub(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let Some(artifact) = self.any_alive(dice) else { return Ok(()) };
        let outcome = if dice.one_in(3) { ScrubOutcome::Bad } else { ScrubOutcome::Good };
        let now = self.time.now();
        let scrub = Scrub {
            artifacts: vec![artifact],
            outcome,
            bytes: ByteSize::new(0)?,
            started: now,
            ended: now,
            bad: None,
        };
        self.say(dice, &self.registry, scrub, Vec::new()).await.map(drop)
    }

    /// Lets a node sweep, however that ends.
    pub(crate) async fn sweep(&self, dice: &mut Dice) {
        let number = usize::from(dice.one_in(2));
        let swept = self.nodes[number].sweep().await;
        self.trace.note(|| match swept {
            Some(Ok(report)) => format!(
                "node {number} swept: {} announced, {} ended, {} objects, {} leftovers",
                report.announced.len(),
                report.ended.len(),
                report.objects,
                report.leftovers
            ),
            Some(Err(reason)) => format!("node {number} did not sweep: {reason}"),
            None => format!("node {number} did not come to the end of a sweep"),
        });
    }

    /// Whoever has the registry's key says that everything will end.
    pub(crate) async fn intend_all(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let all = self.model.alive_now().into_iter().take(INTENDED_MAX).map(|known| known.artifact.clone());
        let artifacts: Vec<Artifact> = all.collect();
        if artifacts.is_empty() {
            return Ok(());
        }
        let phase = SweepPhase::Intend;
        let sweep = Sweep { phase, artifacts, objects: None, bytes: ByteSize::new(0)?, intends: None };
        self.say(dice, &self.registry_now(), sweep, Vec::new()).await.map(drop)
    }

    /// And tries to end some of it, kept or not, one after the other.
    pub(crate) async fn end_any(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let said: Vec<(u64, Vec<Artifact>)> =
            self.model.intends.iter().map(|(index, (_, artifacts))| (*index, artifacts.clone())).collect();
        for _ in 0..4 {
            let Some((intend, artifacts)) = dice.pick(&said) else { return Ok(()) };
            let alive = |artifact: &&Artifact| {
                self.model.artifacts.get(&artifact.r#ref).is_some_and(|known| !known.ended)
            };
            let alive: Vec<&Artifact> = artifacts.iter().filter(alive).collect();
            let Some(artifact) = dice.pick(&alive) else { continue };
            let sweep = Sweep {
                phase: SweepPhase::End,
                artifacts: vec![(*artifact).clone()],
                objects: Some(AttachmentRef::of(b"")),
                bytes: ByteSize::new(0)?,
                intends: Some(entry(*intend)?),
            };
            self.say(dice, &self.registry_now(), sweep, vec![Vec::new()]).await?;
        }
        Ok(())
    }

    /// The registry's key, by the clock that its holder has now.
    fn registry_now(&self) -> Signer {
        Signer { ahead_ms: self.wrong_ms.get(), ..self.registry.clone() }
    }
}

fn entry(index: u64) -> anyhow::Result<EntryIndex> {
    Ok(EntryIndex { index: LeafIndex::new(index)? })
}
