//! `policy distrust`: a key whose statements stop counting, and what falls with it.

use holdfast_client::policy::{Consequence, consequences, distrust};
use holdfast_client::{ClientError, HistoryEntry, Registry};
use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;
use holdfast_formats::text::Reason;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ExitCode;

use super::change::Changing;
use super::rotate::key_of;
use crate::describe::described;
use crate::session::Session;

const AFTER_HELP: &str = "\
For a key that was stolen or misused. What it signed from that entry on no longer counts for answers, unless others signed it \
who are enough; what it signed before stays. Nothing is removed from the log. Which statements fall is shown before it is \
signed, as far as your token may read the log (the audit action).

Examples:
  holdfast policy distrust bob --from 1041 --reason \"laptop stolen\"
  holdfast policy distrust ed25519:... --from 0 --reason \"never ours\" --prepare p7.json";

/// Entries asked for at a time.
const PAGE: u32 = 500;
/// Statements that are shown one by one.
const SHOWN_MAX: usize = 50;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The key: ed25519:..., the name of its principal, or a file that holds it
    #[arg(value_name = "KEY|NAME|FILE")]
    distrusted: String,
    /// The first entry that no longer counts
    #[arg(long, value_name = "ENTRY")]
    from: LeafIndex,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    #[command(flatten)]
    changing: Changing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let (index, current) = registry.policy().await?;
        let key = key_of(&current, &self.distrusted)?;
        let mut wanted = current.clone();
        distrust(&mut wanted, &key, self.from, self.reason.clone())?;
        show_consequences(&registry, &wanted, &key, self.from, session).await?;
        self.changing.log(&registry, (index, current), wanted, session).await
    }
}

async fn show_consequences(
    registry: &Registry,
    coming: &Policy,
    key: &PublicKey,
    from: LeafIndex,
    session: &Session,
) -> anyhow::Result<()> {
    let output = session.output();
    let entries = match read_from(registry, from).await {
        Ok(entries) => entries,
        Err(error) if matches!(error.exit(), ExitCode::NotFound | ExitCode::Refused) => {
            output.warning("your token may not read the log, so what falls with the key cannot be shown");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let all = consequences(coming, key, entries);
    let falling = all.iter().filter(|consequence| consequence.falls.is_some()).count();
    output.note(format!(
        "{} statement(s) from entry {from} on are signed by it, {falling} of them fall:",
        all.len()
    ));
    for consequence in all.iter().take(SHOWN_MAX) {
        output.note(line(consequence));
    }
    if all.len() > SHOWN_MAX {
        output.note(format!("  … and {} more", all.len() - SHOWN_MAX));
    }
    Ok(())
}

fn line(Consequence { entry, falls }: &Consequence) -> String {
    let fate = falls.unwrap_or("still counts, by its other signers");
    format!("  {:>6}  {}: {fate}", entry.index, described(&entry.statement))
}

/// Every entry from one on that the log has now.
async fn read_from(registry: &Registry, from: LeafIndex) -> Result<Vec<HistoryEntry>, ClientError> {
    let size = registry.sync().await?.size;
    let mut read = Vec::new();
    let mut next = Some(from);
    while let Some(place) = next.filter(|place| size.contains(*place)) {
        let entries = registry.entries(place, PAGE).await?;
        next = entries.last().and_then(|last| last.index.checked_add(1).ok());
        read.extend(entries);
    }
    Ok(read)
}
