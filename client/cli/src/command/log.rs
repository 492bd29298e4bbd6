//! `log checkpoint|tail`: the log itself.

use std::time::Duration;

use holdfast_client::{HistoryEntry, Registry};
use holdfast_formats::tree::LeafIndex;
use serde_json::json;

use super::entry_line::entries_answer;
use crate::output::{Answer, Line};
use crate::session::Session;

/// How long `--follow` waits between two looks.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// Entries asked for at a time.
const PAGE: u32 = 500;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// The newest signed checkpoint, checked to extend what this machine saw before
    #[command(
        after_help = "Examples:\n  holdfast log checkpoint\n  holdfast log checkpoint > checkpoint.txt"
    )]
    Checkpoint,
    /// The newest entries; needs a token with the audit action
    #[command(after_help = "Examples:\n  holdfast log tail\n  holdfast log tail -n 100 --follow")]
    Tail {
        /// How many entries
        #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
        limit: u32,
        /// Go on with entries as they come
        #[arg(long, short)]
        follow: bool,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Checkpoint => checkpoint(&registry, session).await,
            Self::Tail { limit, follow } => tail(&registry, session, limit, follow).await,
        }
    }
}

async fn checkpoint(registry: &Registry, session: &Session) -> anyhow::Result<()> {
    let view = registry.sync().await?;
    let json =
        json!({ "size": view.size, "root": view.root, "policy": view.policy, "checkpoint": view.checkpoint });
    session.output().answer(&Answer::new(&json)?.with_lines(view.checkpoint.lines().map(Line::plain)))
}

async fn tail(registry: &Registry, session: &Session, limit: u32, follow: bool) -> anyhow::Result<()> {
    let size = registry.sync().await?.size;
    let mut next = LeafIndex::new(size.get().saturating_sub(u64::from(limit)))?;
    loop {
        let entries = read_on(registry, next).await?;
        if let Some(last) = entries.last() {
            next = last.index.checked_add(1)?;
            session.output().answer(&entries_answer(&entries)?)?;
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}

/// Every entry from one on that the log has now.
async fn read_on(registry: &Registry, from: LeafIndex) -> anyhow::Result<Vec<HistoryEntry>> {
    let size = registry.sync().await?.size;
    let mut read = Vec::new();
    let mut next = from;
    while size.contains(next) {
        let entries = registry.entries(next, PAGE).await?;
        let Some(last) = entries.last() else { break };
        next = last.index.checked_add(1)?;
        read.extend(entries);
    }
    Ok(read)
}
