//! Snapshots of trees: walked in one pass beside the catalog of the snapshot before, read and sent where something is new,
//! and published with a catalog of all that is in them.
//!
//! Owns what is read and how it becomes chunks. It follows no symbolic link, changes nothing in the tree, and leaves out
//! nothing silently: what could not be read, and what kept changing, is told.

mod again;
mod before;
mod catalog;
mod describe;
mod error;
mod exclude;
mod hash;
mod item;
mod jobs;
mod outgoing;
mod parent;
mod parts;
mod pipeline;
mod pool;
mod read;
mod report;
mod send;
mod sequence;
mod stage;
mod system;
mod usage;
mod walk;

use std::path::PathBuf;

use holdfast_formats::catalog::TreePath;
use holdfast_formats::manifest::{Consistency, SnapshotOrigin};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::Label;
use holdfast_formats::wire::v1::ProblemCode;

use crate::error::ClientError;
use crate::push::{About, Pushed};
use crate::session::Registry;
use crate::stream::SourceFacts;

pub use error::SnapshotError;
pub use exclude::ExcludeError;
pub(crate) use exclude::Excludes;
pub use item::{Unread, UnreadReason};
pub use report::TreeStats;
pub use stage::StagedTree;

/// A tree of which a snapshot is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRequest {
    /// The name and version of the snapshot.
    pub artifact: ArtifactRef,
    /// The directory at the root of the tree; a symbolic link to one is followed.
    pub root: PathBuf,
    /// Patterns of what is left out: `*.tmp`, `build/`, `/from/root`.
    pub exclude: Vec<String>,
    /// Read every file, whatever the snapshot before says.
    pub force_read: bool,
    /// The snapshot before.
    pub parent: ParentChoice,
    /// The system that the tree is of.
    pub source: Label,
    /// How consistent it is.
    pub consistency: Consistency,
    /// The schema state of the data.
    pub schema_state: Option<Label>,
    /// What the tree was made from.
    pub derived_from: Vec<SnapshotOrigin>,
    /// What the tree was made from elsewhere says of itself; of a tree that is here its own path and time are told.
    pub facts: Option<SourceFacts>,
    /// What any artifact may say.
    pub about: About,
}

/// Which snapshot tells what did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParentChoice {
    /// The newest of the same name that has a catalog.
    Newest,
    /// This one.
    Named(ArtifactRef),
    /// None: everything is read.
    None,
}

/// A published snapshot of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What was published.
    pub pushed: Pushed,
    /// The snapshot before.
    pub parent: Option<ArtifactRef>,
    /// How much it was.
    pub stats: TreeStats,
    /// What is missing in it: the first thousand.
    pub unread: Vec<Unread>,
    /// Files that changed each time while they were read, stored as they were read last: the first thousand.
    pub changing: Vec<TreePath>,
}

impl Snapshot {
    /// Whether all of the tree is in it, and none of it changed while it was read.
    pub const fn is_complete(&self) -> bool {
        self.stats.unread == 0 && self.stats.changing == 0
    }
}

impl Registry {
    /// Makes and publishes a snapshot of a tree.
    pub async fn snapshot_tree(&self, request: &TreeRequest) -> Result<Snapshot, ClientError> {
        let staged = self.stage_tree(request).await?;
        let outcome = self.publish(staged.staged.clone()).await;
        let (staged, pushed) = match outcome {
            // What was there when it was asked for has ended since.
            Err(error) if error.code() == Some(ProblemCode::ContentMissing) => {
                let staged = self.mend_tree(request, staged, &error).await?;
                let pushed = self.publish(staged.staged.clone()).await?;
                (staged, pushed)
            }
            outcome => (staged, outcome?),
        };
        let StagedTree { parent, stats, unread, changing, .. } = staged;
        Ok(Snapshot { pushed, parent, stats, unread, changing })
    }
}
