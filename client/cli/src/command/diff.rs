//! `diff`: what differs between the trees of two snapshots.

use holdfast_client::{Difference, changed_fields, differences};
use holdfast_formats::catalog::{Entry, Metadata};
use holdfast_formats::reference::Reference;
use serde_json::{Value, json};

use super::tree_view::{NAMES_IN_JSON, entry_json, one_snapshot, path_json, shown};
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
`+` is only in the second, `-` only in the first, `M` has another content or is something else, `m` differs in mode, owner, \
time or attributes alone. `holdfast restore --in-place --delete --dry-run` compares a snapshot with a folder.

Examples:
  holdfast diff shop/db@2026-11-20T070000Z shop/db@2026-11-21T070000Z
  holdfast diff channel:shop/prod shop/db@2026-11-21T070000Z --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{NAMES_IN_JSON}\n\n{AFTER_HELP}"))]
pub(crate) struct Args {
    /// The first snapshot
    #[arg(value_name = "REF")]
    before: Reference,
    /// The second snapshot
    #[arg(value_name = "REF")]
    after: Reference,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let before = registry.catalog(&one_snapshot(&registry, &self.before).await?).await?;
        let after = registry.catalog(&one_snapshot(&registry, &self.after).await?).await?;
        let (mut json, mut lines) = (Vec::new(), Vec::new());
        for difference in differences(before.entries()?, after.entries()?) {
            let difference = difference?;
            json.push(json_of(&difference));
            lines.push(Line::plain(line(&difference)));
        }
        session.output().answer(&Answer::new(&json)?.with_lines(lines))
    }
}

fn line(difference: &Difference) -> String {
    match difference {
        Difference::Added(entry) => format!("+ {}", name(entry)),
        Difference::Removed(entry) => format!("- {}", name(entry)),
        Difference::Changed(_, entry) => format!("M {}", name(entry)),
        Difference::Metadata(before, after) => {
            format!("m {}  ({})", name(after), fields(before, after).join(", "))
        }
    }
}

fn name(entry: &Entry) -> String {
    if entry.path.is_root() { ".".to_owned() } else { shown(entry.path.as_bytes()) }
}

fn fields(before: &Entry, after: &Entry) -> Vec<&'static str> {
    let both = |before: &Metadata, after: &Metadata| changed_fields(before, after);
    match (before.node.metadata(), after.node.metadata()) {
        (Some(before), Some(after)) => both(before, after),
        _ => Vec::new(),
    }
}

fn json_of(difference: &Difference) -> Value {
    let (what, before, after) = match difference {
        Difference::Added(after) => ("added", None, Some(after)),
        Difference::Removed(before) => ("removed", Some(before), None),
        Difference::Changed(before, after) => ("changed", Some(before), Some(after)),
        Difference::Metadata(before, after) => ("metadata", Some(before), Some(after)),
    };
    let mut object = before.or(after).map(|entry| path_json(&entry.path)).unwrap_or_default();
    object.insert("change".to_owned(), json!(what));
    object.insert("before".to_owned(), before.map_or(Value::Null, entry_json));
    object.insert("after".to_owned(), after.map_or(Value::Null, entry_json));
    Value::Object(object)
}
