//! `find`: in which snapshots of a name something is, and since when it looks as it does.

use holdfast_client::PathPattern;
use holdfast_formats::catalog::{Entry, Node};
use holdfast_formats::manifest::Kind;
use holdfast_formats::name::ArtifactName;
use holdfast_formats::wire::v1::ArtifactSummary;
use serde_json::{Value, json};

use super::list;
use super::tree_view::{NAMES_IN_JSON, entry_json, shown, time};
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
A PATTERN without a slash is a name anywhere, one with a slash a path from the root; `*` and `?` stand for any characters of a \
name, `**` for any number of folders, `[a-z]` for one of some. Oldest snapshots come first; what has the same content as in the \
snapshot before is marked with `=`.

Examples:
  holdfast find shop/db '*.conf'
  holdfast find shop/db /etc/nginx/nginx.conf --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{NAMES_IN_JSON}\n\n{AFTER_HELP}"))]
pub(crate) struct Args {
    /// The name of the snapshots
    #[arg(value_name = "NAME")]
    name: ArtifactName,
    /// What to look for
    #[arg(value_name = "PATTERN")]
    pattern: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let pattern = PathPattern::parse(&self.pattern)?;
        let registry = session.registry()?;
        let mut snapshots: Vec<ArtifactSummary> = list::all_of(&registry, &self.name, Kind::Snapshot).await?;
        snapshots.sort_by_key(|summary| summary.index);
        let (mut json, mut lines, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for summary in &snapshots {
            let reference = &summary.artifact.r#ref;
            let (record, found) = registry.find_in(reference, &pattern).await?;
            for entry in &found {
                let is_same = before.iter().any(|earlier| is_same(earlier, entry));
                let version = reference.version();
                lines.push(Line::plain(format!(
                    "{version:<24} {} {}",
                    if is_same { "=" } else { "*" },
                    described(entry)
                )));
                let mut object = entry_json(entry);
                if let Value::Object(fields) = &mut object {
                    fields.insert("ref".to_owned(), json!(reference));
                    fields.insert("published".to_owned(), json!(record.published_at()));
                    fields.insert("same_as_before".to_owned(), json!(is_same));
                }
                json.push(object);
            }
            before = found;
        }
        session.output().answer(&Answer::new(&json)?.with_lines(lines))
    }
}

fn described(entry: &Entry) -> String {
    let size = match &entry.node {
        Node::File(_, content) => content.size.to_string(),
        _ => "-".to_owned(),
    };
    let modified = entry.node.metadata().map_or_else(String::new, |metadata| time(metadata.modified));
    format!("{size:>12} {modified:<30} {}", shown(entry.path.as_bytes()))
}

fn is_same(one: &Entry, other: &Entry) -> bool {
    let content = |node: &Node| match node {
        Node::File(_, content) => Some((content.size, content.blake3)),
        _ => None,
    };
    one.path == other.path && content(&one.node) == content(&other.node)
}
