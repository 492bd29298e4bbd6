//! `deny`: never answer this artifact, nor a release that contains it.

use holdfast_client::Draft;
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Deny, DenyEffect, DenyScope};
use holdfast_formats::text::Reason;

use super::logged::logged;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
One releaser is enough to deny. Without --channel it holds in every channel of the artifact's namespace.

Examples:
  holdfast deny shop/release@2.0.0 -m \"loses the cents of every total\"
  holdfast deny shop/web@1.4.3 --channel shop/canary -m \"too slow there\"
  holdfast deny shop/web@1.4.3 --everywhere --read -m \"contains a leaked key\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// What is denied
    #[arg(value_name = "REF")]
    reference: Reference,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// Only on this channel
    #[arg(long, value_name = "CHANNEL", conflicts_with = "everywhere")]
    channel: Option<ChannelName>,
    /// On every channel of the registry
    #[arg(long)]
    everywhere: bool,
    /// Do not serve its bytes either
    #[arg(long)]
    read: bool,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let artifact = registry.resolve(&self.reference).await?;
        let (scope, place) = match (&self.channel, self.everywhere) {
            (Some(channel), _) => (DenyScope::Channel, format!("on {channel}")),
            (None, true) => (DenyScope::Everywhere, "everywhere".to_owned()),
            (None, false) => (DenyScope::Namespace, format!("in {}", artifact.r#ref.name().namespace())),
        };
        let draft = Draft::new(Deny {
            name: artifact.r#ref.name().clone(),
            digests: artifact.digests,
            effect: if self.read { DenyEffect::Read } else { DenyEffect::Lookup },
            scope,
            channel: self.channel,
            reason: self.reason,
        });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(
            &format!("denied {} {place}", artifact.r#ref),
            Some(&artifact),
            &submitted,
        )?)
    }
}
