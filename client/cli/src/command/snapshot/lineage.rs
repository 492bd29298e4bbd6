//! Options that say where data came from.

use std::str::FromStr;

use anyhow::Context as _;
use holdfast_client::{ParentChoice, Registry};
use holdfast_formats::manifest::{Consistency, SnapshotBody, SnapshotOrigin};
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::text::Label;

/// Where data came from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Data")]
pub(in crate::command) struct Lineage {
    /// The system that the data is of; the database's host, or this machine, when left out
    #[arg(long, value_name = "SYSTEM")]
    source: Option<Label>,
    /// The state of the schema that the data has
    #[arg(long, value_name = "STATE")]
    schema_state: Option<Label>,
    /// A snapshot that this data was made from
    #[arg(long = "derived-from", value_name = "REF")]
    derived_from: Vec<Reference>,
    /// The snapshot before this one, or none; of a folder the newest one of its name when left out
    #[arg(long, value_name = "REF|none")]
    parent: Option<Parent>,
    /// How consistent the data is: crash, transaction or application; known of databases, crash of all else
    #[arg(long, value_name = "HOW")]
    consistency: Option<Consistency>,
}

/// Which snapshot was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parent {
    /// None.
    None,
    /// This one.
    Named(ArtifactRef),
}

impl FromStr for Parent {
    type Err = holdfast_formats::text::TextError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Named) }
    }
}

impl Lineage {
    /// The system, when it was named.
    pub(super) const fn source(&self) -> Option<&Label> {
        self.source.as_ref()
    }

    /// The body with what the options say.
    pub(super) async fn complete(
        &self,
        mut body: SnapshotBody,
        registry: &Registry,
    ) -> anyhow::Result<SnapshotBody> {
        if let Some(consistency) = self.consistency {
            body.consistency = consistency;
        }
        body.schema_state = self.schema_state.clone();
        body.parent = match &self.parent {
            Some(Parent::Named(parent)) => Some(parent.clone()),
            Some(Parent::None) | None => None,
        };
        let origins = self.origins(registry).await?;
        body.derived_from = (!origins.is_empty()).then_some(origins);
        Ok(body)
    }

    /// The snapshot before a tree.
    pub(super) fn parent_of_tree(&self) -> ParentChoice {
        match &self.parent {
            None => ParentChoice::Newest,
            Some(Parent::None) => ParentChoice::None,
            Some(Parent::Named(parent)) => ParentChoice::Named(parent.clone()),
        }
    }

    /// The state of the schema, when it was said.
    pub(super) const fn schema_state(&self) -> Option<&Label> {
        self.schema_state.as_ref()
    }

    /// How consistent the data is, when it was said.
    pub(super) const fn consistency(&self) -> Option<Consistency> {
        self.consistency
    }

    /// What the data was made from, each with the digests that the log proves.
    pub(super) async fn origins(&self, registry: &Registry) -> anyhow::Result<Vec<SnapshotOrigin>> {
        let mut origins = Vec::new();
        for reference in &self.derived_from {
            let origin =
                registry.resolve(reference).await.with_context(|| format!("--derived-from {reference}"))?;
            origins.push(SnapshotOrigin { r#ref: origin.r#ref, digest: origin.digests, transform: None });
        }
        Ok(origins)
    }
}
