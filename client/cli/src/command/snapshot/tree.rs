//! Snapshots of folders, and of trees that were unpacked from elsewhere.

use std::path::Path;

use anyhow::Context as _;
use holdfast_client::stream::SourceFacts;
use holdfast_client::{About, ClientError, Registry, StagedTree, TreeRequest};
use holdfast_formats::manifest::Consistency;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::wire::v1::ProblemCode;

use super::lineage::Lineage;
use super::said::Made;
use crate::command::publishing::{self, Published};
use crate::document::host_name;
use crate::session::Session;
use crate::signing::Signing;

/// What of a folder is read.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Folders")]
pub(in crate::command) struct Walk {
    /// Leave out what matches: '*.tmp' by name, 'build/' folders only, '/from/root' by path
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Read every file, even where the snapshot before says that it did not change
    #[arg(long)]
    force_read: bool,
}

/// A tree to be published.
pub(in crate::command) struct Tree<'a> {
    /// Where it is.
    pub(in crate::command) root: &'a Path,
    /// The versions to try.
    pub(in crate::command) versions: &'a [ArtifactRef],
    /// What of it is read.
    pub(in crate::command) walk: &'a Walk,
    /// Where it came from.
    pub(in crate::command) lineage: &'a Lineage,
    /// The system that it is of, unless that is named or this machine.
    pub(in crate::command) system: Option<&'a str>,
    /// What an archive says of itself.
    pub(in crate::command) facts: Option<SourceFacts>,
    /// What any artifact may say.
    pub(in crate::command) about: About,
}

impl Tree<'_> {
    /// Stores what is new of it, signs and logs.
    pub(in crate::command) async fn publish(
        self,
        signing: &Signing,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        // In a box, because it is large, and whatever waits for it would be so too.
        Box::pin(self.publish_now(signing, registry, session)).await
    }

    async fn publish_now(
        self,
        signing: &Signing,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let versions = self.versions;
        let request = self.request(registry).await?;
        let tree = registry.stage_tree(&request).await?;
        let publish = async |tree: &StagedTree| -> anyhow::Result<Published> {
            publishing::publish(tree.staged.clone(), versions, signing, registry, session).await
        };
        let (tree, published) = match publish(&tree).await {
            // What was there when it was asked for has ended since.
            Err(error) if publishing::is(&error, ProblemCode::ContentMissing) => {
                let refused = error.downcast::<ClientError>()?;
                let tree = registry.mend_tree(&request, tree, &refused).await?;
                let published = publish(&tree).await?;
                (tree, published)
            }
            outcome => (tree, outcome?),
        };
        Ok(Made::of_tree(published, tree))
    }

    async fn request(self, registry: &Registry) -> anyhow::Result<TreeRequest> {
        let source = match self.lineage.source() {
            Some(given) => given.clone(),
            None => self.system.map_or_else(host_name, str::to_owned).parse()?,
        };
        Ok(TreeRequest {
            artifact: self.versions.first().context("a target has a version")?.clone(),
            root: self.root.to_owned(),
            exclude: self.walk.exclude.clone(),
            force_read: self.walk.force_read,
            parent: self.lineage.parent_of_tree(),
            source,
            consistency: self.lineage.consistency().unwrap_or(Consistency::Crash),
            schema_state: self.lineage.schema_state().cloned(),
            derived_from: self.lineage.origins(registry).await?,
            facts: self.facts,
            about: self.about,
        })
    }
}
