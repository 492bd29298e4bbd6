//! `rollback start|step|finish`: a rollback or a drill, recorded as it happens.

mod finish;
mod start;
mod step;

use anyhow::Context as _;
use holdfast_client::{Registry, new_id};
use holdfast_formats::name::ChannelName;
use holdfast_formats::text::Label;

use crate::session::Session;

/// Between the channel and the random part of the ids that `start` makes, so that an id alone says where it belongs.
const ID_SEPARATOR: char = '#';
/// Enough for the rollbacks of one channel, and short enough to be read out.
const RANDOM_DIGITS: usize = 12;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Begin: prints the id that step and finish take
    Start(start::Args),
    /// One component is back, or is not
    Step(step::Args),
    /// It is over
    Finish(finish::Args),
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Start(args) => args.run(session).await,
            Self::Step(args) => args.run(session).await,
            Self::Finish(args) => args.run(session).await,
        }
    }
}

/// A new id on a channel.
pub(super) fn fresh_id(channel: &ChannelName) -> anyhow::Result<Label> {
    let random: String = new_id().to_string().chars().take(RANDOM_DIGITS).collect();
    Ok(format!("{channel}{ID_SEPARATOR}{random}").parse()?)
}

/// The principal whose key signs; the key itself when the policy does not know it.
pub(super) async fn owner_of_key(registry: &Registry) -> anyhow::Result<Label> {
    let key = registry.signer()?.public();
    let (_, policy) = registry.policy().await?;
    let principal = policy.principals.iter().find(|principal| principal.key.as_ref() == Some(&key));
    Ok(principal.map_or_else(|| key.to_string(), |principal| principal.id.to_string()).parse()?)
}

/// Which rollback is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The id that `rollback start` printed
    id: Label,
    /// The channel, where the id is one of your own
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<ChannelName>,
}

impl Which {
    fn channel(&self) -> anyhow::Result<ChannelName> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let (channel, _) = self.id.as_str().split_once(ID_SEPARATOR).unwrap_or(("", ""));
        channel
            .parse()
            .with_context(|| format!("the id '{}' does not name its channel; give --channel", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_channel_unless_the_channel_is_given() {
        let which = |id: &str, channel: Option<&str>| Which {
            id: id.parse().unwrap(),
            channel: channel.map(|c| c.parse().unwrap()),
        };
        assert_eq!(which("shop/prod#00ff", None).channel().unwrap().as_str(), "shop/prod");
        assert_eq!(which("INC-7", Some("shop/prod")).channel().unwrap().as_str(), "shop/prod");
        assert!(which("INC-7", None).channel().is_err());
    }
}
