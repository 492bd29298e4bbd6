//! The stages between the lookup and the command: every component comes to its folder, and is read back from there.

use std::path::{Path, PathBuf};

use holdfast_client::{ArtifactRecord, Registry, RestoreRequest};
use holdfast_formats::manifest::{Body, Manifest};
use holdfast_formats::path::FilePath;
use holdfast_formats::statement::{Artifact, StepOutcome};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_verify::known_good::{AnsweredArtifact, AnsweredLine, KnownGoodAnswer};

use super::not_shown;
use super::recording::Recording;
use crate::failure::Failure;
use crate::output::{Variables, component_variable};

/// One artifact and where it goes.
pub(super) struct Place<'a> {
    /// The component's name; that of the artifact, where it is no release.
    pub(super) name: Label,
    /// Its stage in the release.
    pub(super) stage: u32,
    artifact: &'a Artifact,
    /// From when its data are, at the earliest, when it is a snapshot.
    pub(super) data_from: Option<Timestamp>,
    folder: PathBuf,
}

/// Where everything goes.
pub(super) struct Folders<'a> {
    root: PathBuf,
    places: Vec<Place<'a>>,
}

impl<'a> Folders<'a> {
    /// A release brings each held component to a folder of its own; anything else comes as it is.
    pub(super) fn of(good: &'a KnownGoodAnswer, line: &AnsweredLine, root: &Path) -> anyhow::Result<Self> {
        let of_line = || good.closure.iter().filter(|answered| answered.line == line.name);
        let whole = of_line().find(|answered| answered.component.is_none());
        let release = whole.and_then(|answered| answered.manifest.release());
        let mut places = Vec::new();
        for answered in of_line() {
            match (&answered.component, release) {
                (Some(name), Some(release)) => {
                    let known = release.components.iter().find(|component| component.name == *name);
                    let stage = known.map_or(0, |component| component.stage);
                    places
                        .push(Place { stage, ..Place::of(answered, name.clone(), root.join(folder(name)?)) });
                }
                // The release itself has no files that anybody runs.
                (None, Some(_)) => {}
                _ => places.push(Place::of(answered, line.name.as_str().parse()?, root.to_owned())),
            }
        }
        Ok(Self { root: root.to_owned(), places })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// With the folder of each component.
    pub(super) fn variables(&self, variables: Variables) -> Result<Variables, Failure> {
        let components = self.places.iter().filter(|place| place.folder != self.root);
        components.into_iter().try_fold(variables, |variables, place| {
            let name = format!("HOLDFAST_{}_DIR", component_variable(place.name.as_str())?);
            variables.with(&name, place.folder.display().to_string())
        })
    }
}

impl<'a> Place<'a> {
    fn of(answered: &'a AnsweredArtifact, name: Label, folder: PathBuf) -> Self {
        let data_from = data_from(&answered.manifest);
        Self { name, stage: 0, artifact: &answered.artifact, data_from, folder }
    }
}

/// Everything is fetched, every byte checked before it gets its name; the trees of snapshots are restored.
pub(super) async fn fetch(
    registry: &Registry,
    folders: &Folders<'_>,
    recording: &mut Recording,
) -> anyhow::Result<()> {
    for place in &folders.places {
        let started = registry.now();
        let (what, outcome) = fetch_one(registry, place).await;
        recording.step(what, place, started, registry.now(), outcome_of(&outcome))?;
        outcome?;
        recording.has_data(place.data_from);
    }
    Ok(())
}

async fn fetch_one(registry: &Registry, place: &Place<'_>) -> (&'static str, anyhow::Result<()>) {
    let record = match record(registry, place).await {
        Ok(record) => record,
        Err(error) => return ("fetch", Err(error)),
    };
    if record.manifest().catalog().is_none() {
        return ("fetch", registry.pull(&record, &place.folder).await.map(drop).map_err(Into::into));
    }
    let request = RestoreRequest::all_into(place.folder.clone());
    let restored = registry.restore_tree(&record, &request).await.map_err(anyhow::Error::from);
    let whole = restored.and_then(|restored| match restored.failed {
        0 => Ok(()),
        failed => Err(not_shown(format!("{failed} thing(s) of {} could not be restored", place.name))),
    });
    ("restore", whole)
}

/// What lies on the disk now is read back and compared.
pub(super) async fn verify(
    registry: &Registry,
    folders: &Folders<'_>,
    recording: &mut Recording,
) -> anyhow::Result<()> {
    for place in &folders.places {
        let started = registry.now();
        let outcome = verify_one(registry, place).await;
        recording.step("verify", place, started, registry.now(), outcome_of(&outcome))?;
        outcome?;
    }
    Ok(())
}

async fn verify_one(registry: &Registry, place: &Place<'_>) -> anyhow::Result<()> {
    let record = record(registry, place).await?;
    registry.verify_local(&record, &place.folder).await?;
    Ok(())
}

async fn record(registry: &Registry, place: &Place<'_>) -> anyhow::Result<ArtifactRecord> {
    let record = registry.artifact(&place.artifact.r#ref.to_string().parse()?).await?;
    if record.artifact() == place.artifact {
        return Ok(record);
    }
    anyhow::bail!("{} is another artifact than the one that is known-good", place.artifact.r#ref)
}

const fn outcome_of<T>(outcome: &anyhow::Result<T>) -> StepOutcome {
    if outcome.is_ok() { StepOutcome::Ok } else { StepOutcome::Failed }
}

/// The folder of a component: its name, which is free text.
fn folder(name: &Label) -> Result<&str, Failure> {
    match name.as_str().parse::<FilePath>() {
        Ok(_) => Ok(name.as_str()),
        Err(_) => Err(Failure::usage(format!("the component {name:?} has a name that is no folder's"))),
    }
}

fn data_from(manifest: &Manifest) -> Option<Timestamp> {
    match &manifest.body {
        Body::Snapshot(snapshot) => Some(snapshot.data_as_of.not_before),
        _ => None,
    }
}
