//! What the log means, worked out anew in the simplest way: entry after entry, everything in memory, nothing shared with the
//! code under test but the formats.
//!
//! It says what must be kept, never what must go: where the registry keeps for longer, that is its right.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{
    Artifact, Deny, DenyScope, Pin, Predicate, Publish, ScrubOutcome, Sweep, SweepPhase, WindowMode,
};
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::time::Timestamp;

use super::logbook::Read;
use super::people::{KEEP_PINS, ROLLBACK_WINDOW_MS, WINDOWS};
use super::time::DAY_MS;

/// How wrong the clocks of healthy nodes may be.
pub(crate) const SKEW_MS: u64 = 60_000;

/// A line: a name in a channel.
pub(crate) type Line = (ChannelName, ArtifactName);

/// An artifact.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Name and digests.
    pub(crate) artifact: Artifact,
    /// Its `publish` entry.
    pub(crate) index: u64,
    /// Until when its window or an extension keeps it; `None` for ever.
    pub(crate) until: Option<Timestamp>,
    /// How strictly.
    pub(crate) mode: WindowMode,
    /// What it consists of.
    pub(crate) components: Vec<ArtifactRef>,
    /// Whether its newest scrub was good, once there is one.
    good: Option<bool>,
    /// Whether it ended.
    pub(crate) ended: bool,
}

/// A pin.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    /// Its entry.
    pub(crate) index: u64,
    /// What is pinned.
    pub(crate) artifact: ArtifactRef,
    /// Until when it was its line's answer: so far it is when that is `None`.
    answered_until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Denied {
    deny: Deny,
    lifted: bool,
}

/// The state of the log.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Every name@version that was ever published.
    pub(crate) artifacts: BTreeMap<ArtifactRef, Known>,
    /// The pins of every line, oldest first.
    pub(crate) lines: BTreeMap<Line, Vec<Pinned>>,
    denies: BTreeMap<u64, Denied>,
    /// Holds by entry, and whether they stand.
    pub(crate) holds: BTreeMap<u64, (ArtifactRef, bool)>,
    /// What was said to end, and when.
    pub(crate) intends: BTreeMap<u64, (Timestamp, Vec<Artifact>)>,
    /// Sweeps whose objects are not yet said to be gone.
    pub(crate) open_sweeps: BTreeSet<u64>,
    /// The newest sweep that named an object, by class, namespace and digest.
    generations: BTreeMap<String, u64>,
    /// How many artifacts ended by a sweep, and by a person.
    pub(crate) ended: (u64, u64),
}

impl Model {
    /// Takes up an entry, which must be one that the rules allow. `objects` are those that a sweep names; `truly` is the true
    /// time, at most.
    pub(crate) fn take(
        &mut self,
        read: &Read,
        objects: &[SweptObject],
        truly: Timestamp,
    ) -> anyhow::Result<()> {
        let (index, time) = (read.index, read.time);
        match &read.statement.predicate {
            Predicate::Policy(_) | Predicate::Grant(_) => {}
            Predicate::Publish(publish) => self.publish(index, time, publish)?,
            Predicate::Pin(pin) => self.pin(index, pin)?,
            Predicate::Deny(deny) => {
                self.denies.insert(index, Denied { deny: (**deny).clone(), lifted: false });
            }
            Predicate::Lift(lift) => {
                let denied = self.denies.get_mut(&lift.deny.index.get()).context("a lift ends a deny")?;
                denied.lifted = true;
            }
            Predicate::Hold(hold) => {
                self.alive(&hold.artifact)?;
                self.holds.insert(index, (hold.artifact.r#ref.clone(), true));
            }
            Predicate::Unhold(unhold) => {
                self.holds.get_mut(&unhold.hold.index.get()).context("an unhold ends a hold")?.1 = false;
            }
            Predicate::Extend(extend) => {
                self.alive(&extend.artifact)?;
                let known = self.artifacts.get_mut(&extend.artifact.r#ref).context("it is there")?;
                ensure!(known.until < Some(extend.until), "I4: entry {index} makes a window shorter");
                known.until = Some(extend.until);
            }
            Predicate::Delete(delete) => {
                self.alive(&delete.artifact)?;
                self.check_delete(&delete.artifact.r#ref, delete.bypass, time)
                    .with_context(|| format!("I4: entry {index} deletes what is kept"))?;
                self.end(&delete.artifact.r#ref);
                self.ended.1 += 1;
            }
            Predicate::Scrub(scrub) => {
                for artifact in &scrub.artifacts {
                    let known =
                        self.artifacts.get_mut(&artifact.r#ref).context("what is scrubbed is there")?;
                    known.good = Some(scrub.outcome == ScrubOutcome::Good);
                }
            }
            Predicate::Sweep(sweep) => self.sweep(index, time, sweep, objects, truly)?,
            Predicate::Swept(swept) => {
                ensure!(self.open_sweeps.remove(&swept.sweep.index.get()), "entry {index} ends no sweep");
            }
            other => bail!("nobody here says {:?}", other.kind()),
        }
        self.note_answers(time);
        Ok(())
    }

    fn publish(&mut self, index: u64, time: Timestamp, publish: &Publish) -> anyhow::Result<()> {
        let reference = ArtifactRef::new(publish.name.clone(), publish.version.clone());
        ensure!(
            !self.artifacts.contains_key(&reference),
            "I2: entry {index} gives {reference} a second meaning"
        );
        let class = publish.kind.as_str();
        let window = WINDOWS.iter().find(|(name, ..)| *name == class);
        let components: Vec<ArtifactRef> =
            publish.components.iter().flatten().map(|part| part.r#ref.clone()).collect();
        for part in &components {
            let known = self.artifacts.get(part).context("a component is there")?;
            ensure!(!known.ended, "entry {index} takes up {part}, which has ended");
        }
        let known = Known {
            artifact: Artifact { r#ref: reference.clone(), digests: publish.manifest.digests },
            index,
            until: window.map(|(_, keep_ms, _)| time.plus_ms(*keep_ms)),
            mode: window.map_or(WindowMode::Governance, |(.., mode)| *mode),
            components,
            good: None,
            ended: false,
        };
        self.artifacts.insert(reference, known);
        Ok(())
    }

    fn pin(&mut self, index: u64, pin: &Pin) -> anyhow::Result<()> {
        self.alive(&pin.artifact)?;
        let line = (pin.channel.clone(), pin.name.clone());
        let reference = pin.artifact.r#ref.clone();
        ensure!(self.qualifies(&line, &reference), "I7: entry {index} pins what may not be answered");
        let pins = self.lines.entry(line).or_default();
        ensure!(pin.number.get() == pins.len() as u64 + 1, "entry {index} is not the next pin of its line");
        ensure!(
            pin.predecessor.map(|before| before.index.get()) == pins.last().map(|before| before.index),
            "entry {index} does not name the pin before it"
        );
        pins.push(Pinned { index, artifact: reference, answered_until: None });
        Ok(())
    }

    fn sweep(
        &mut self,
        index: u64,
        time: Timestamp,
        sweep: &Sweep,
        objects: &[SweptObject],
        truly: Timestamp,
    ) -> anyhow::Result<()> {
        if sweep.phase == SweepPhase::Intend {
            self.intends.insert(index, (time, sweep.artifacts.clone()));
            return Ok(());
        }
        let going: BTreeSet<&ArtifactRef> = sweep.artifacts.iter().map(|artifact| &artifact.r#ref).collect();
        for artifact in &sweep.artifacts {
            self.alive(artifact)?;
            self.check_notice(sweep, artifact, time, truly)?;
            let reference = &artifact.r#ref;
            self.check_sweep(reference, &going, time.min(truly.plus_ms(SKEW_MS)))
                .with_context(|| format!("I4: entry {index} sweeps {reference}, which is kept"))?;
        }
        for artifact in &sweep.artifacts {
            self.end(&artifact.r#ref);
        }
        self.ended.0 += going.len() as u64;
        for object in objects {
            let known = self.generations.insert(object_name(object), index).unwrap_or(0);
            ensure!(
                known == object.g.get(),
                "entry {index} sweeps an object at a generation that it does not have"
            );
        }
        self.open_sweeps.insert(index);
        Ok(())
    }

    fn check_notice(
        &self,
        sweep: &Sweep,
        artifact: &Artifact,
        time: Timestamp,
        truly: Timestamp,
    ) -> anyhow::Result<()> {
        let intends = sweep.intends.context("what ends was said to")?;
        let (said, artifacts) = self.intends.get(&intends.index.get()).context("what ends was said to")?;
        ensure!(artifacts.contains(artifact), "I4: another artifact was said to end");
        // One wrong clock makes a day of log time, but none of true time.
        let noticed_ms = time.min(truly.plus_ms(SKEW_MS)).ms_since(*said);
        ensure!(noticed_ms >= DAY_MS, "I4: {} ends {noticed_ms} ms after it was said to", artifact.r#ref);
        Ok(())
    }

    fn end(&mut self, reference: &ArtifactRef) {
        if let Some(known) = self.artifacts.get_mut(reference) {
            known.ended = true;
        }
    }

    fn alive(&self, artifact: &Artifact) -> anyhow::Result<()> {
        let known = self.artifacts.get(&artifact.r#ref);
        let is_alive = known.is_some_and(|known| known.artifact == *artifact && !known.ended);
        ensure!(is_alive, "I2: {} has ended, never was, or is something else", artifact.r#ref);
        Ok(())
    }

    /// Fails with what keeps an artifact from a sweep.
    fn check_sweep(
        &self,
        reference: &ArtifactRef,
        going: &BTreeSet<&ArtifactRef>,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let known = self.artifacts.get(reference).context("it is there")?;
        ensure!(known.until.is_some_and(|until| until <= at), "its window keeps it until {:?}", known.until);
        self.check_others(reference, going, at)
    }

    fn check_delete(&self, reference: &ArtifactRef, bypass: bool, at: Timestamp) -> anyhow::Result<()> {
        let known = self.artifacts.get(reference).context("it is there")?;
        let is_over = known.until.is_none_or(|until| until <= at);
        let is_bypassed = bypass && known.mode == WindowMode::Governance;
        ensure!(is_over || is_bypassed, "its window keeps it until {:?}", known.until);
        self.check_others(reference, &BTreeSet::new(), at)
    }

    /// Holds, pins and releases.
    fn check_others(
        &self,
        reference: &ArtifactRef,
        going: &BTreeSet<&ArtifactRef>,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let hold = self.holds.iter().find(|(_, (held, stands))| held == reference && *stands);
        ensure!(hold.is_none(), "the hold of entry {:?} keeps it", hold.map(|(index, _)| index));
        let release = self.artifacts.iter().find(|(other, known)| {
            !known.ended && !going.contains(other) && known.components.contains(reference)
        });
        ensure!(
            release.is_none(),
            "the release {:?} keeps it",
            release.map(|(release, _)| release.to_string())
        );
        for (line, pins) in &self.lines {
            self.check_line(line, pins, reference, at)?;
        }
        Ok(())
    }

    fn check_line(
        &self,
        line: &Line,
        pins: &[Pinned],
        reference: &ArtifactRef,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let mut answerable = 0;
        for pin in pins.iter().rev() {
            let qualifies = self.qualifies(line, &pin.artifact);
            let is_recent = qualifies && answerable < KEEP_PINS.max(1);
            answerable += u64::from(qualifies);
            if pin.artifact != *reference {
                continue;
            }
            ensure!(!is_recent, "pin {} of {} is one of the last that can be answered", pin.index, line.0);
            let until = pin.answered_until.map(|until| until.plus_ms(ROLLBACK_WINDOW_MS));
            ensure!(
                until.is_some_and(|until| until <= at),
                "pin {} of {} can be gone back to",
                pin.index,
                line.0
            );
        }
        Ok(())
    }

    /// Whether a pin of an artifact could be answered on a line now.
    fn qualifies(&self, line: &Line, reference: &ArtifactRef) -> bool {
        let Some(whole) = self.artifacts.get(reference) else { return false };
        let parts = whole.components.iter().filter_map(|part| self.artifacts.get(part));
        let mut all = std::iter::once(whole).chain(parts);
        all.all(|known| !known.ended && known.good == Some(true) && !self.is_denied(line, known))
    }

    fn is_denied(&self, line: &Line, known: &Known) -> bool {
        let channel = &line.0;
        self.denies.values().any(|Denied { deny, lifted }| {
            let reaches = match deny.scope {
                DenyScope::Channel => deny.channel.as_ref() == Some(channel),
                DenyScope::Namespace => channel.namespace() == deny.name.namespace(),
                DenyScope::Everywhere => known.artifact.r#ref.name().namespace() == deny.name.namespace(),
            };
            !lifted && reaches && deny.digests == known.artifact.digests
        })
    }

    /// The pin that is a line's answer now.
    pub(crate) fn answer(&self, line: &Line) -> Option<&Pinned> {
        self.lines.get(line)?.iter().rev().find(|pin| self.qualifies(line, &pin.artifact))
    }

    /// Every pin that is no answer any more stopped being one now, unless it stopped before.
    fn note_answers(&mut self, time: Timestamp) {
        let answers: BTreeMap<Line, Option<u64>> =
            self.lines.keys().map(|line| (line.clone(), self.answer(line).map(|pin| pin.index))).collect();
        for (line, pins) in &mut self.lines {
            let answer = answers.get(line).copied().flatten();
            for pin in pins {
                if Some(pin.index) == answer {
                    pin.answered_until = None;
                } else if pin.answered_until.is_none() {
                    pin.answered_until = Some(time);
                }
            }
        }
    }

    /// The denies that stand.
    pub(crate) fn denies(&self) -> Vec<u64> {
        self.denies.iter().filter(|(_, denied)| !denied.lifted).map(|(index, _)| *index).collect()
    }

    /// What has not ended.
    pub(crate) fn alive_now(&self) -> Vec<&Known> {
        self.artifacts.values().filter(|known| !known.ended).collect()
    }

    /// The generation of an object, by its class, namespace and digest.
    pub(crate) fn generation(&self, name: &str) -> u64 {
        self.generations.get(name).copied().unwrap_or(0)
    }
}

fn object_name(object: &SweptObject) -> String {
    format!("{} {} {}", object.class, object.namespace, object.digest)
}
