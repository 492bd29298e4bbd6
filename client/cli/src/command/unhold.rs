//! `unhold`: the end of a hold, or of all holds of an artifact.

use holdfast_client::{Draft, Registry};
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{EntryIndex, Unhold};
use holdfast_formats::text::Reason;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, KeptReason};

use super::logged::logged;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
The end of a hold takes as many holders as policy says. Holds of an artifact that belong to different cases are ended one by \
one, or with --all.

Examples:
  holdfast unhold shop/orders@2026-11-21T070000Z -m \"case closed\"
  holdfast unhold 57 -m \"wrong artifact\"
  holdfast unhold shop/orders@2026-11-21T070000Z --all -m \"all cases are closed\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The held artifact, or the entry of the hold
    #[arg(value_name = "REF|ENTRY")]
    hold: String,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// End every hold of the artifact
    #[arg(long, conflicts_with = "prepare")]
    all: bool,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let holds = match self.hold.parse::<LeafIndex>() {
            Ok(index) => vec![index],
            Err(_) => self.holds_of(&registry, &self.hold.parse()?).await?,
        };
        for index in holds {
            let draft = Draft::new(Unhold { hold: EntryIndex { index }, reason: self.reason.clone() });
            if let Some(submitted) = self.signing.log(draft, &registry, session).await? {
                session.output().answer(&logged(&format!("ended hold {index}"), None, &submitted)?)?;
            }
        }
        Ok(())
    }

    /// The holds of an artifact that are meant: the only one, or all.
    async fn holds_of(&self, registry: &Registry, reference: &Reference) -> anyhow::Result<Vec<LeafIndex>> {
        let shown = registry.retention(reference).await?;
        let of_a_hold = |reason: &KeptReason| reason.entry.zip(reason.case.clone());
        let holds: Vec<_> = shown.reasons.iter().filter_map(of_a_hold).collect();
        match holds.len() {
            0 => Err(Failure::new(ExitCode::NotFound, format!("no hold of {reference} stands")).into()),
            count if count > 1 && !self.all => {
                let said: Vec<String> =
                    holds.iter().map(|(index, case)| format!("{index} for {case}")).collect();
                let message =
                    format!("{reference} is held {count} times, by the entries {}", said.join(", "));
                Err(Failure::usage(message).with_hint("name one of these entries, or say --all").into())
            }
            _ => Ok(holds.into_iter().map(|(index, _)| index).collect()),
        }
    }
}
