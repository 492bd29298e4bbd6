//! `delete`: the end of an artifact that nothing keeps.

use holdfast_client::Draft;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::Delete;
use holdfast_formats::text::Reason;
use holdfast_formats::wire::v1::{KeptReason, KeptWhy, RetentionView};

use super::logged::logged;
use super::retention::reason_line;
use crate::confirm::confirm;
use crate::output::Output;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Only what nothing keeps can be deleted: no window, no hold, no pin that can still be gone back to, no release. Its name stays \
taken for ever, its entry stays in the log, and its bytes go with the next sweep unless something else has them, too. What is \
about to end is shown and, on a terminal, confirmed; --yes leaves the question out.

A window in governance mode is ended early with --bypass, by a holder beside the publisher; the reason is logged. Nobody ends \
one in compliance mode.

Examples:
  holdfast delete shop/web@1.4.2-rc1 -m \"never released\"
  holdfast delete shop/dump@4 --bypass -m \"personal data of the wrong customer\" --prepare delete.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// What ends
    #[arg(value_name = "REF")]
    reference: Reference,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// End a window in governance mode early
    #[arg(long)]
    bypass: bool,
    /// Do not ask whether that is what you mean
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        // What must not be read can be deleted: its record is not asked for.
        let shown = registry.retention(&self.reference).await?;
        say(&shown, session.output());
        if !self.signing.is_prepared() {
            confirm(&format!("End {} for good?", shown.artifact.r#ref), self.yes)?;
        }
        let artifact = shown.artifact;
        let draft =
            Draft::new(Delete { artifact: artifact.clone(), bypass: self.bypass, reason: self.reason });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        let done = format!("deleted {}", artifact.r#ref);
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}

/// What is about to end, and what still keeps it.
fn say(shown: &RetentionView, output: &Output) {
    let artifact = &shown.artifact;
    output.note(format!("{}  blake3:{} would end", artifact.r#ref, artifact.digests.blake3));
    // A class without a window keeps from sweeps only.
    let keeps = |reason: &&KeptReason| reason.stands && reason.why != KeptWhy::Unlimited;
    for reason in shown.reasons.iter().filter(keeps) {
        output.note(format!("  kept by {}", reason_line(reason)));
    }
}
