//! `history`: what happened on a channel.

use holdfast_formats::name::ChannelName;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::HistoryQuery;

use super::entry_line::entries_answer;
use crate::session::Session;

const AFTER_HELP: &str = "\
Newest first: entry, time, first digits of the keys that signed, and what the statement says. Every signature was checked.

Examples:
  holdfast history shop/prod
  holdfast history shop/prod --limit 100 --format json
  holdfast history shop/prod --before 800";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// How many entries at most
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Only entries before this one
    #[arg(long, value_name = "ENTRY")]
    before: Option<LeafIndex>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let query = HistoryQuery { before: self.before, limit: Some(self.limit) };
        let page = session.registry()?.history(&self.channel, &query).await?;
        session.output().answer(&entries_answer(&page.entries)?)?;
        if let Some(next) = page.next {
            session
                .output()
                .note(format!("there is more: holdfast history {} --before {next}", self.channel));
        }
        Ok(())
    }
}
