//! `lift`: the end of one deny.

use holdfast_client::{Draft, Registry};
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{EntryIndex, Lift};
use holdfast_formats::text::Reason;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ExitCode;

use super::logged::logged;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
A lift takes as many releasers as a pin does.

Examples:
  holdfast lift shop/release@2.0.0 -m \"the totals were right, the test was wrong\"
  holdfast lift 57 -m \"wrong artifact\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The denied artifact, or the entry of the deny
    #[arg(value_name = "REF|ENTRY")]
    deny: String,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let index = match self.deny.parse::<LeafIndex>() {
            Ok(index) => index,
            Err(_) => only_deny(&registry, &self.deny.parse()?).await?,
        };
        let draft = Draft::new(Lift { deny: EntryIndex { index }, reason: self.reason });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&format!("lifted deny {index}"), None, &submitted)?)
    }
}

/// The one deny in force that is about an artifact.
async fn only_deny(registry: &Registry, reference: &Reference) -> anyhow::Result<LeafIndex> {
    let record = registry.artifact(reference).await?;
    let denies: Vec<LeafIndex> = record.denies().iter().map(|(index, _)| *index).collect();
    match denies.as_slice() {
        [only] => Ok(*only),
        [] => Err(Failure::new(ExitCode::NotFound, format!("no deny of {reference} is in force"))
            .with_hint("a deny of one of its components is lifted by naming that component")
            .into()),
        several => {
            let entries: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!(
                "{reference} is denied {} times, by the entries {}",
                several.len(),
                entries.join(", ")
            );
            Err(Failure::usage(message).with_hint("name one of these entries").into())
        }
    }
}
