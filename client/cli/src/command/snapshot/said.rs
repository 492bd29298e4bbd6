//! What a snapshot was: its name to standard output, a summary to standard error, and the exit code of one that is
//! incomplete.

use holdfast_client::{StagedTree, Submitted, TreeStats};
use holdfast_formats::catalog::TreePath;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::wire::v1::ExitCode;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::command::publishing::{Published, sentence};
use crate::failure::Failure;
use crate::output::{Answer, Variables};
use crate::session::Session;

/// Of more than this, only the number is told to a person.
const TOLD_MAX: usize = 20;

/// A snapshot that was made.
pub(in crate::command) struct Made {
    published: Published,
    tree: Option<MadeTree>,
}

/// What is known of a tree besides.
struct MadeTree {
    stats: TreeStats,
    parent: Option<ArtifactRef>,
    /// What is missing, and why.
    unread: Vec<(String, String)>,
    changing: Vec<String>,
}

#[derive(Serialize)]
struct View<'a> {
    index: u64,
    time: String,
    #[serde(flatten)]
    artifact: &'a Artifact,
    files: u64,
    bytes: u64,
    new_bytes: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    tree: Option<TreeView<'a>>,
}

#[derive(Serialize)]
struct TreeView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a ArtifactRef>,
    directories: u64,
    read_files: u64,
    read_bytes: u64,
    sent_bytes: u64,
    waste_bytes: u64,
    unread_count: u64,
    unread: Vec<Missing<'a>>,
    changing_count: u64,
    changing: &'a [String],
}

#[derive(Serialize)]
struct Missing<'a> {
    path: &'a str,
    why: &'a str,
}

impl Made {
    /// A snapshot that has all of its data.
    pub(super) const fn whole(published: Published) -> Self {
        Self { published, tree: None }
    }

    /// A snapshot of a tree.
    pub(super) fn of_tree(published: Published, tree: StagedTree) -> Self {
        let StagedTree { parent, stats, unread, changing, .. } = tree;
        let unread = unread.iter().map(|one| (shown(&one.path), one.why.to_string())).collect();
        let changing = changing.iter().map(shown).collect();
        Self { published, tree: Some(MadeTree { stats, parent, unread, changing }) }
    }

    /// Says what was made; where it was only prepared, what was uploaded for it.
    pub(in crate::command) fn say(&self, session: &Session) -> anyhow::Result<()> {
        let (staged, submitted) = &self.published;
        let verb = if submitted.is_some() { "stored" } else { "uploaded" };
        let mut summary = sentence(verb, &staged.artifact, &staged.content);
        if let Some(tree) = &self.tree {
            summary.push_str(&tree.summary());
        }
        if let Some(submitted) = submitted {
            session.output().note(format!("{summary} (entry {})", submitted.index));
            session.output().answer(&self.answer(submitted)?)?;
        } else {
            session.output().note(summary);
        }
        self.tree.as_ref().map_or(Ok(()), |tree| tree.complete(session))
    }

    fn answer(&self, submitted: &Submitted) -> anyhow::Result<Answer> {
        let (staged, _) = &self.published;
        let (artifact, content) = (&staged.artifact, &staged.content);
        let view = View {
            index: submitted.index.get(),
            time: submitted.time.to_string(),
            artifact,
            files: content.files,
            bytes: content.bytes,
            new_bytes: self.tree.as_ref().map_or(content.new_bytes, |tree| tree.stats.new_bytes),
            tree: self.tree.as_ref().map(MadeTree::view),
        };
        let variables = Variables::none()
            .with("HOLDFAST_INDEX", submitted.index.to_string())?
            .with("HOLDFAST_REF", artifact.r#ref.to_string())?
            .with("HOLDFAST_DIGEST", format!("blake3:{}", artifact.digests.blake3))?;
        Ok(Answer::new(&view)?.text(artifact.r#ref.to_string()).with_variables(variables))
    }
}

impl MadeTree {
    fn summary(&self) -> String {
        let parent =
            self.parent.as_ref().map_or_else(String::new, |parent| format!(", after {}", parent.version()));
        let read = HumanBytes(self.stats.read_bytes);
        let waste = HumanBytes(self.stats.waste_bytes);
        format!("; {} file(s) of {read} read{parent}, {waste} unused in its chunks", self.stats.read_files)
    }

    fn view(&self) -> TreeView<'_> {
        let stats = &self.stats;
        TreeView {
            parent: self.parent.as_ref(),
            directories: stats.directories,
            read_files: stats.read_files,
            read_bytes: stats.read_bytes,
            sent_bytes: stats.sent_bytes,
            waste_bytes: stats.waste_bytes,
            unread_count: stats.unread,
            unread: self.unread.iter().map(|(path, why)| Missing { path, why }).collect(),
            changing_count: stats.changing,
            changing: &self.changing,
        }
    }

    /// Names what is missing, and fails when something is.
    fn complete(&self, session: &Session) -> anyhow::Result<()> {
        let (unread, changing) = (self.stats.unread, self.stats.changing);
        for (path, why) in self.unread.iter().take(TOLD_MAX) {
            session.output().warning(format!("{path} is not in the snapshot: {why}"));
        }
        for path in self.changing.iter().take(TOLD_MAX) {
            session.output().warning(format!("{path} kept changing while it was read"));
        }
        if unread + changing == 0 {
            return Ok(());
        }
        let what = match (unread, changing) {
            (unread, 0) => format!("{unread} thing(s) could not be read"),
            (0, changing) => format!("{changing} file(s) kept changing"),
            (unread, changing) => {
                format!("{unread} thing(s) could not be read, and {changing} file(s) kept changing")
            }
        };
        let hint = "the rest is stored; --format json names up to a thousand of them";
        Err(Failure::new(ExitCode::Incomplete, format!("the snapshot is incomplete: {what}"))
            .with_hint(hint)
            .into())
    }
}

/// A path as it can be told; the names of a tree are bytes.
fn shown(path: &TreePath) -> String {
    if path.is_root() { ".".to_owned() } else { String::from_utf8_lossy(path.as_bytes()).into_owned() }
}
