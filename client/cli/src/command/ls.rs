//! `ls`: what is in the tree of a snapshot.

use std::ffi::OsString;

use holdfast_client::{CatalogFile, ClientError, TreeError};
use holdfast_formats::catalog::{Entry, Node, TreePath};
use holdfast_formats::reference::Reference;
use serde_json::Value;

use super::tree_view::{NAMES_IN_JSON, entry_json, long_line, one_snapshot, parse_path, shown};
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Names with special characters are escaped; what is no UTF-8 is shown as \\xNN. Ends with 3 when the snapshot has no such path.

Examples:
  holdfast ls shop/db@2026-11-21T070000Z
  holdfast ls -l channel:shop/prod etc/nginx
  holdfast ls -R --format json shop/db@2026-11-21T070000Z";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{NAMES_IN_JSON}\n\n{AFTER_HELP}"))]
pub(crate) struct Args {
    /// Which snapshot
    #[arg(value_name = "REF")]
    reference: Reference,
    /// A path in it; its root when left out
    #[arg(value_name = "PATH")]
    path: Option<OsString>,
    /// Mode, owner, group, size, time and where links lead
    #[arg(long, short)]
    long: bool,
    /// What is in folders, too
    #[arg(long, short = 'R')]
    recursive: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let path = self.path.as_deref().map_or_else(|| Ok(TreePath::root()), parse_path)?;
        let record = one_snapshot(&registry, &self.reference).await?;
        let catalog = registry.catalog(&record).await?;
        let found = self.find(&catalog, &path)?;
        let json: Vec<Value> = found.iter().map(entry_json).collect();
        let lines = found.iter().map(|entry| Line::plain(self.line(entry, &path)));
        session.output().answer(&Answer::new(&json)?.with_lines(lines))
    }

    /// What is at a path: the folder's content, or the thing itself.
    fn find(&self, catalog: &CatalogFile, path: &TreePath) -> Result<Vec<Entry>, ClientError> {
        let (mut found, mut itself) = (Vec::new(), None);
        for entry in catalog.entries()? {
            let entry = entry?;
            if entry.path == *path {
                itself = Some(entry);
            } else if entry.path.is_within(path)
                && (self.recursive || entry.path.parent().as_ref() == Some(path))
            {
                found.push(entry);
            }
        }
        match itself {
            None => Err(TreeError::NoSuchPath { path: shown(path.as_bytes()) }.into()),
            Some(Entry { node: Node::Directory(_), .. }) => Ok(found),
            Some(entry) => Ok(vec![entry]),
        }
    }

    fn line(&self, entry: &Entry, path: &TreePath) -> String {
        let below = entry.path.as_bytes().get(path.as_bytes().len()..).unwrap_or_default();
        let below = below.strip_prefix(b"/").unwrap_or(below);
        let name = if below.is_empty() { entry.path.as_bytes() } else { below };
        if self.long {
            return long_line(entry, name);
        }
        let end = if matches!(entry.node, Node::Directory(_)) { "/" } else { "" };
        format!("{}{end}", shown(name))
    }
}
