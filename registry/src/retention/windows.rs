//! Which artifacts will end, and which end now.
//!
//! A release and those of its components that only it keeps go together. An intention counts for 30 days of log time: an
//! artifact that something kept meanwhile is announced again before it ends. One entry names versions of one
//! artifact only, and the components that go with them, so that whoever may read one of them learns little of others.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use holdfast_formats::limits::SWEEP_NOTICE_MS_MIN;
use holdfast_formats::manifest::Kind;
use holdfast_formats::name::ArtifactName;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{ArtifactFact, Facts as _, PolicyFact, SweepFact};
use holdfast_verify::retention::Retention;

use super::{SweepError, Sweeper};
use crate::index::{View, WindowPlace};

/// How many artifacts one entry names, about: the statement stays a small one.
const ARTIFACTS_PER_ENTRY: usize = 200;
/// How many artifacts are looked at in one snapshot of the index.
const PAGE: usize = 200;
/// How many intentions are read at a time.
const INTENDS: usize = 16;
/// One run announces, and ends, about so many; the next one goes on.
const ARTIFACTS_PER_RUN: usize = 20_000;
/// For how long an intention counts, in log time.
const INTEND_LIFE_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// What will end, what ends, and what waits.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// What is to be announced, an entry each.
    pub(super) announce: Vec<Vec<Ending>>,
    /// What ends now, with the entry that announced it.
    pub(super) end: Vec<(LeafIndex, Vec<Ending>)>,
    /// How many were announced and have to wait.
    pub(super) waiting: u64,
}

/// An artifact that nothing keeps.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// Which.
    pub(super) artifact: Artifact,
    /// The bytes of its files.
    pub(super) size_bytes: u64,
    /// What kept it, and until when.
    pub(super) why: Vec<String>,
}

impl Windows {
    /// What ends now.
    pub(super) fn ending(&self) -> HashSet<ArtifactRef> {
        let all = self.end.iter().flat_map(|(_, some)| some);
        all.map(|ending| ending.artifact.r#ref.clone()).collect()
    }
}

impl Sweeper {
    /// The windows as they are at a moment of log time.
    pub(super) async fn windows(&self, now: Timestamp) -> Result<Windows, SweepError> {
        let mut windows = Windows::default();
        let standing = self.standing(now).await?;
        self.inner.uptime.note(&standing);
        for intend in standing {
            self.announced(intend, now, &mut windows).await?;
        }
        let (mut after, mut announced) = (None, 0);
        while announced < ARTIFACTS_PER_RUN {
            let page = self.index().scan(move |view| unannounced(view, now, after)).await?;
            let Some(page) = page else { break };
            after = Some(page.last);
            announced += page.units.values().flatten().map(Vec::len).sum::<usize>();
            windows.announce.extend(page.units.into_values().flat_map(entries));
        }
        Ok(windows)
    }

    /// Intentions that still count, oldest first.
    pub(super) async fn standing(&self, now: Timestamp) -> Result<Vec<SweepFact>, SweepError> {
        let (mut standing, mut before) = (Vec::new(), None);
        loop {
            let page = self.index().scan(move |view| view.intends_before(before, INTENDS)).await?;
            let is_last = page.len() < INTENDS;
            before = page.last().map(|intend| intend.index);
            let seen = page.len();
            let counting: Vec<SweepFact> =
                page.into_iter().take_while(|intend| counts(intend, now)).collect();
            let has_older = counting.len() < seen;
            standing.extend(counting);
            if is_last || has_older {
                standing.reverse();
                return Ok(standing);
            }
        }
    }

    /// What is left of an intention ends, or waits.
    async fn announced(
        &self,
        intend: SweepFact,
        now: Timestamp,
        windows: &mut Windows,
    ) -> Result<(), SweepError> {
        let is_ripe = now.ms_since(intend.time) >= SWEEP_NOTICE_MS_MIN
            && self.inner.uptime.has_passed_since(&intend)
            && windows.end.iter().map(|(_, some)| some.len()).sum::<usize>() < ARTIFACTS_PER_RUN;
        let (index, taken) = (intend.index, windows.ending());
        let left = self.index().scan(move |view| left_of(view, &intend, &taken, now)).await?;
        if !is_ripe {
            windows.waiting += left.len() as u64;
        } else if !left.is_empty() {
            windows.end.push((index, left));
        }
        Ok(())
    }
}

fn counts(intend: &SweepFact, now: Timestamp) -> bool {
    now.ms_since(intend.time) <= INTEND_LIFE_MS
}

fn in_force(view: &View<'_>) -> Result<PolicyFact, SweepError> {
    view.policy()?.ok_or(SweepError::NoPolicy)
}

/// Those artifacts of an intention that nothing keeps but what ends along with them.
fn left_of(
    view: &View<'_>,
    intend: &SweepFact,
    taken: &HashSet<ArtifactRef>,
    now: Timestamp,
) -> Result<Vec<Ending>, SweepError> {
    let policy = in_force(view)?;
    let mut left = Vec::new();
    for artifact in intend.artifacts.iter().filter(|artifact| !taken.contains(&artifact.r#ref)) {
        left.extend(view.artifact(&artifact.r#ref)?.filter(|fact| fact.ended.is_none()));
    }
    loop {
        let going: BTreeSet<ArtifactRef> = left.iter().map(|fact| fact.artifact.r#ref.clone()).collect();
        let retention = Retention { facts: view, in_force: &policy, now, going: &going };
        let before = left.len();
        let mut still = Vec::with_capacity(before);
        for fact in left {
            if retention.kept_from_sweep(&fact)?.is_none() {
                still.push(fact);
            }
        }
        left = still;
        // What stays after all may keep others.
        if left.len() == before {
            return left.iter().map(|fact| ending(&retention, fact)).collect();
        }
    }
}

fn ending(retention: &Retention<'_>, fact: &ArtifactFact) -> Result<Ending, SweepError> {
    let why = retention.reasons(fact)?.iter().map(ToString::to_string).collect();
    Ok(Ending { artifact: fact.artifact.clone(), size_bytes: fact.size_bytes.get(), why })
}

/// Artifacts whose windows are over and that no intention names.
struct Unannounced {
    /// What goes together, by name.
    units: BTreeMap<ArtifactName, Vec<Vec<Ending>>>,
    last: WindowPlace,
}

/// Those of the next page; `None` behind the last one.
fn unannounced(
    view: &View<'_>,
    now: Timestamp,
    after: Option<WindowPlace>,
) -> Result<Option<Unannounced>, SweepError> {
    let page = view.windows_over(now, after, PAGE)?;
    let Some(last) = page.last().and_then(|fact| Some((fact.own_until()?, fact.index))) else {
        return Ok(None);
    };
    let policy = in_force(view)?;
    let nothing = BTreeSet::new();
    let retention = Retention { facts: view, in_force: &policy, now, going: &nothing };
    let mut units: BTreeMap<ArtifactName, Vec<Vec<Ending>>> = BTreeMap::new();
    for fact in page {
        if !is_announced(view, &fact, now)? && retention.kept_from_sweep(&fact)?.is_none() {
            let mut unit = vec![ending(&retention, &fact)?];
            if fact.kind == Kind::Release {
                unit.extend(parts_only_of(&retention, view, &fact)?);
            }
            units.entry(fact.artifact.r#ref.name().clone()).or_default().push(unit);
        }
    }
    Ok(Some(Unannounced { units, last }))
}

fn is_announced(view: &View<'_>, fact: &ArtifactFact, now: Timestamp) -> Result<bool, SweepError> {
    Ok(view.newest_intend_of(&fact.artifact.r#ref)?.is_some_and(|intend| counts(&intend, now)))
}

/// The components of a release that nothing keeps but it.
fn parts_only_of(
    retention: &Retention<'_>,
    view: &View<'_>,
    release: &ArtifactFact,
) -> Result<Vec<Ending>, SweepError> {
    let namespace = release.artifact.r#ref.name().namespace();
    let going = BTreeSet::from([release.artifact.r#ref.clone()]);
    let together = Retention { going: &going, ..*retention };
    let mut parts = Vec::new();
    for component in release.components.iter().filter(|part| part.r#ref.name().namespace() == namespace) {
        let Some(fact) = view.artifact(&component.r#ref)?.filter(|fact| fact.ended.is_none()) else {
            continue;
        };
        if !is_announced(view, &fact, retention.now)? && together.kept_from_sweep(&fact)?.is_none() {
            parts.push(ending(&together, &fact)?);
        }
    }
    Ok(parts)
}

/// Packs what goes together into entries.
fn entries(units: Vec<Vec<Ending>>) -> Vec<Vec<Ending>> {
    let mut entries: Vec<Vec<Ending>> = Vec::new();
    for unit in units {
        match entries.last_mut().filter(|entry| entry.len() + unit.len() <= ARTIFACTS_PER_ENTRY) {
            Some(entry) => entry.extend(unit),
            None => entries.push(unit),
        }
    }
    entries
}
