//! `extend`: a longer window.

use std::time::Duration;

use holdfast_client::Draft;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::Extend;
use holdfast_formats::text::Reason;

use super::logged::logged;
use crate::moment::{Moment, parse_duration};
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
A window only grows: a date that is no later than the one it has is refused, and so is one beyond the longest that policy lets \
anybody ask for. Publishers and holders may extend.

Examples:
  holdfast extend shop/orders@2026-11-21T070000Z --for 2y -m \"tax records\"
  holdfast extend shop/release@2.0.0 --until 2030-01-01T00:00:00Z -m \"contract\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[group(id = "date", required = true, multiple = false, args = ["until", "duration"])]
pub(crate) struct Args {
    /// What is kept longer
    #[arg(value_name = "REF")]
    reference: Reference,
    /// Until when
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// For how long from now
    #[arg(id = "duration", long = "for", value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let artifact = registry.retention(&self.reference).await?.artifact;
        let when = self.until.or(self.duration.map(Moment::Away));
        let until = when.unwrap_or(Moment::At(Session::now())).ahead_of(Session::now());
        let done = format!("keeping {} until {until}", artifact.r#ref);
        let draft = Draft::new(Extend { artifact: artifact.clone(), until, reason: self.reason });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}
