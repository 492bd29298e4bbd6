//! Logged entries as lines for people and as JSON for programs: what `history` and `log tail` show.

use holdfast_client::HistoryEntry;
use serde::Serialize;
use serde_json::Value;

use crate::describe::described;
use crate::output::{Answer, Line};

#[derive(Serialize)]
struct EntryView {
    index: u64,
    time: String,
    r#type: &'static str,
    signers: Vec<String>,
    statement: Value,
}

/// Entries in the order given.
pub(super) fn entries_answer(entries: &[HistoryEntry]) -> anyhow::Result<Answer> {
    let views = entries.iter().map(view).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Answer::new(&views)?.with_lines(entries.iter().map(line)))
}

/// One entry as one line.
pub(super) fn line(entry: &HistoryEntry) -> Line {
    Line::plain(format!(
        "{:>6}  {}  {}  {}",
        entry.index,
        entry.time,
        signers(entry),
        described(&entry.statement)
    ))
}

fn view(entry: &HistoryEntry) -> anyhow::Result<EntryView> {
    Ok(EntryView {
        index: entry.index.get(),
        time: entry.time.to_string(),
        r#type: entry.statement.kind().as_str(),
        signers: entry.signers.iter().map(ToString::to_string).collect(),
        statement: serde_json::from_slice(&entry.statement.to_payload()?)?,
    })
}

/// The first digits of the keys that signed.
fn signers(entry: &HistoryEntry) -> String {
    let short: Vec<String> =
        entry.signers.iter().map(|key| key.to_string().chars().take(8).collect()).collect();
    short.join("+")
}
