//! `freeze`: the channel takes no forward deploys.

use holdfast_client::Draft;
use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::Freeze;
use holdfast_formats::text::Reason;

use super::logged::logged;
use crate::moment::Moment;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
A freeze refuses the start of forward deploys and nothing else: rollbacks, pins and denies go on.

Examples:
  holdfast freeze shop/prod -m \"incident 4711\"
  holdfast freeze shop/prod -m \"sale\" --until 3d";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// Until when: a duration from now, or a time
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let until = self.until.map(|when| when.ahead_of(Session::now()));
        let draft = Draft::new(Freeze { channel: self.channel.clone(), reason: self.reason, until });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        let end = until.map_or_else(|| "until it is thawed".to_owned(), |until| format!("until {until}"));
        session.output().answer(&logged(&format!("froze {} {end}", self.channel), None, &submitted)?)
    }
}
