//! `hold`: a legal hold. Nothing ends the artifact while it stands, whatever its window says.

use holdfast_client::Draft;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::Hold;
use holdfast_formats::text::{Label, Reason};

use super::logged::logged;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
One holder is enough to hold; the end of a hold takes as many as policy says. A hold has no date, and several may stand.

Example:
  holdfast hold shop/orders@2026-11-21T070000Z --case 2026-C-117 -m \"requested by counsel\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// What is held
    #[arg(value_name = "REF")]
    reference: Reference,
    /// The case it belongs to
    #[arg(long, value_name = "TEXT")]
    case: Label,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        // What must not be read can be held: its record is not asked for.
        let artifact = registry.retention(&self.reference).await?.artifact;
        let done = format!("holding {} for {}", artifact.r#ref, self.case);
        let draft = Draft::new(Hold { artifact: artifact.clone(), case: self.case, reason: self.reason });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}
