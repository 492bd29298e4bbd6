//! Which snapshot a new one is compared with.

use holdfast_formats::manifest::Kind;
use holdfast_formats::name::ArtifactName;
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::wire::v1::{ExitCode, ListQuery};

use super::ParentChoice;
use crate::catalog::CatalogFile;
use crate::error::ClientError;
use crate::session::Registry;
use crate::tree::TreeError;

/// How many of the newest snapshots are looked at.
const TRIED_MAX: usize = 16;

/// The snapshot before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub(super) artifact: ArtifactRef,
    pub(super) catalog: CatalogFile,
}

/// The snapshot that is meant, with its catalog.
pub(super) async fn find(
    registry: &Registry,
    name: &ArtifactName,
    choice: &ParentChoice,
) -> Result<Option<Before>, ClientError> {
    match choice {
        ParentChoice::None => Ok(None),
        ParentChoice::Named(artifact) => match open(registry, artifact).await? {
            Some(before) => Ok(Some(before)),
            None => Err(TreeError::NoCatalog { artifact: artifact.to_string() }.into()),
        },
        ParentChoice::Newest => newest(registry, name).await,
    }
}

async fn newest(registry: &Registry, name: &ArtifactName) -> Result<Option<Before>, ClientError> {
    let mut versions = match versions(registry, name).await {
        Ok(versions) => versions,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    versions.sort_unstable_by(|a, b| b.cmp(a));
    for (_, artifact) in versions.into_iter().take(TRIED_MAX) {
        match open(registry, &artifact).await {
            Ok(Some(before)) => return Ok(Some(before)),
            Ok(None) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Every snapshot of this name that the registry lists, by its place in the log.
async fn versions(
    registry: &Registry,
    name: &ArtifactName,
) -> Result<Vec<(holdfast_formats::tree::LeafIndex, ArtifactRef)>, ClientError> {
    let prefix = format!("{name}@").parse().ok();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let query =
            ListQuery { prefix: prefix.clone(), kind: Some(Kind::Snapshot), after, limit: None, ended: None };
        let page = registry.list(&query).await?;
        let own = page.artifacts.into_iter().filter(|summary| summary.artifact.r#ref.name() == name);
        found.extend(own.map(|summary| (summary.index, summary.artifact.r#ref)));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// An artifact and its catalog, if it has one.
async fn open(registry: &Registry, artifact: &ArtifactRef) -> Result<Option<Before>, ClientError> {
    let record = registry.artifact(&Reference::Version(artifact.clone())).await?;
    if record.manifest().catalog().is_none() {
        return Ok(None);
    }
    let catalog = registry.catalog(&record).await?;
    Ok(Some(Before { artifact: artifact.clone(), catalog }))
}

/// Whether what was asked for has ended, or is not ours to read.
fn is_absent(error: &ClientError) -> bool {
    matches!(error.exit(), ExitCode::NotFound | ExitCode::Ended)
}
