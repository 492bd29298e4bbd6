//! `gate`: may this be deployed there now?

use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::ExitCode;

use crate::failure::Failure;
use crate::output::{Answer, Line, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
Ends with 0 when it may, with 6 when it may not.

Examples:
  holdfast gate shop/prod shop/release@1.4.2
  holdfast gate shop/prod shop/release@1.4.2 && ./deploy.sh";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// What would be deployed
    #[arg(value_name = "REF")]
    reference: Reference,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let gate = session.registry()?.gate(&self.channel, &self.reference).await?;
        let word = if gate.allowed { "may" } else { "may not" };
        let sentence = format!("{} {word} be deployed to {}", gate.artifact, gate.channel);
        let variables = Variables::none()
            .with("HOLDFAST_ALLOWED", gate.allowed.to_string())?
            .with("HOLDFAST_REF", gate.artifact.to_string())?;
        let line = if gate.allowed { Line::heading(&sentence) } else { Line::alarm(&sentence) };
        let reasons = gate.reasons.iter().map(|reason| Line::plain(format!("  {reason}")));
        session
            .output()
            .answer(&Answer::new(&gate)?.line(line).with_lines(reasons).with_variables(variables))?;
        if gate.allowed { Ok(()) } else { Err(Failure::new(ExitCode::Refused, sentence).into()) }
    }
}
