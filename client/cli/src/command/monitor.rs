//! `monitor`: what is new on some channels, and whether the log is still the one that was seen.

use std::time::Duration;

use holdfast_client::monitor::{Alert, AlertKind, Looked, Monitor, Sinks, Watch, Webhook};
use holdfast_client::{ClientError, SystemClock};
use holdfast_formats::name::ChannelName;
use holdfast_formats::wire::v1::ExitCode;

use crate::describe::described;
use crate::failure::Failure;
use crate::moment::parse_duration;
use crate::output::Line;
use crate::session::Session;

const AFTER_HELP: &str = "\
Tells of every new pin, deny, lift, freeze, thaw, policy and distrusted key; of a known-good answer that changed and of a pin \
that ends soon; of silence, when nothing fresh came for so long; and of a fork, or anything else that does not hold, which \
ends it with 4. One line each; with --format json one JSON object a line. It begins with what comes after its first look, \
goes on where it stopped, and delivers every alert at least once: twice with the same id only after a crash.

It needs the read action on the channels, no more. With the audit action, `holdfast log tail` shows every entry.

A webhook gets each alert as a POST of {\"type\": \"holdfast.deny\", \"timestamp\": …, \"data\": {…}}. Name its address in \
HOLDFAST_WEBHOOK where others could read a command line. With HOLDFAST_WEBHOOK_SECRET=whsec_… it is signed as \
standardwebhooks.com says. It must be on the public Internet and spoken to by https, unless its host is allowed by name. \
What it does not take waits, up to 1000 alerts; then the log is not read further.

With --once it looks once and ends: with 0 when there is nothing new, 9 when there were alerts, 11 when a webhook does not \
take them, 8 when nothing fresh was answered, 4 when something does not hold.

Examples:
  holdfast monitor shop/prod
  holdfast monitor shop/prod shop/canary --silence 5m --webhook https://alerts.example/holdfast
  holdfast monitor shop/prod --once --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channels
    #[arg(required = true, value_name = "CHANNEL")]
    channels: Vec<ChannelName>,
    /// Look once and end
    #[arg(long)]
    once: bool,
    /// How long to wait between two looks
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    every: Duration,
    /// How long nothing fresh may come before that is an alert
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    silence: Duration,
    /// Send alerts there too
    #[arg(long, value_name = "URL", env = "HOLDFAST_WEBHOOK", hide_env_values = true)]
    webhook: Option<String>,
    /// The webhook's host, if it may be a private address or be spoken to by plain http
    #[arg(long, value_name = "HOST")]
    allow_private_webhook: Vec<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.output().require_events()?;
        let webhook = self.webhook()?;
        let watch = Watch { channels: self.channels, silence: self.silence, describe: described };
        let monitor = Monitor::begin(session.registry()?, watch).await?;
        let mut tell = |alert: &Alert| session.output().event(&line(alert), alert);
        let mut sinks = Sinks { tell: &mut tell, webhook: webhook.as_ref() };
        let mut is_first = true;
        loop {
            let looked = monitor.look(&mut sinks).await?;
            if let Some(refused) = &looked.webhook {
                session.output().warning(format!("{refused}; {} alert(s) wait", looked.waiting));
            }
            if self.once {
                return ended(looked);
            }
            match looked.failure {
                Some(error) if is_final(&error, is_first) => return Err(error.into()),
                Some(error) => session.output().note(error.to_string()),
                None => {}
            }
            is_first = false;
            tokio::time::sleep(self.every).await;
        }
    }

    fn webhook(&self) -> anyhow::Result<Option<Webhook>> {
        let Some(url) = self.webhook.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let secret = std::env::var("HOLDFAST_WEBHOOK_SECRET").ok().filter(|secret| !secret.is_empty());
        let made = Webhook::new(url, &self.allow_private_webhook, secret.as_deref(), SystemClock::shared());
        let made = made.map_err(|error| {
            Failure::usage(error.to_string()).with_hint("--allow-private-webhook HOST allows one host")
        })?;
        Ok(Some(made))
    }
}

/// Whether there is no use in looking again: the log does not hold, or nothing that was asked for can be seen at all.
fn is_final(error: &ClientError, is_first: bool) -> bool {
    match error.exit() {
        ExitCode::Integrity => true,
        ExitCode::Unreachable => false,
        _ => is_first,
    }
}

fn ended(looked: Looked) -> anyhow::Result<()> {
    let exit = looked.exit();
    let message = match (looked.failure, exit) {
        (Some(failure), _) => return Err(failure.into()),
        (None, ExitCode::Done) => return Ok(()),
        (None, ExitCode::Incomplete) => {
            format!(
                "the webhook did not take {} alert(s); they are sent again by the next look",
                looked.waiting
            )
        }
        (None, _) => format!("{} alert(s)", looked.told),
    };
    Err(Failure::new(exit, message).into())
}

fn line(alert: &Alert) -> Line {
    let channel = alert.channel.as_ref().map_or_else(|| alert.log.to_string(), ToString::to_string);
    let entry = alert.entry.map_or_else(String::new, |entry| format!("entry {entry}: "));
    let text = format!("{}  {:<8}  {channel}  {entry}{}", alert.time, alert.kind.as_str(), alert.says);
    match alert.kind {
        AlertKind::Fork | AlertKind::Silence | AlertKind::Distrust => Line::alarm(text),
        AlertKind::Deny | AlertKind::Freeze | AlertKind::Answer | AlertKind::Expiry => Line::caution(text),
        _ => Line::plain(text),
    }
}
