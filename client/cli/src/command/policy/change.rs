//! What every change of the policy has in common: the difference is shown, confirmed, signed and logged.

use std::path::PathBuf;

use holdfast_client::policy::{cautions, difference};
use holdfast_client::{Draft, Registry};
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::EntryRef;
use holdfast_formats::tree::{LeafIndex, TreeHash};

use crate::command::logged::logged;
use crate::confirm::confirm;
use crate::output::Output;
use crate::session::Session;
use crate::signing::Signing;

/// Options of every command that changes the policy.
#[derive(Debug, clap::Args)]
pub(crate) struct Changing {
    /// Do not ask whether the difference is what you mean
    #[arg(long, short)]
    yes: bool,
    /// Sign with this key file, too: for thresholds that you can meet yourself
    #[arg(long, value_name = "FILE", conflicts_with = "prepare")]
    also_key: Vec<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

impl Changing {
    /// Shows what would change, asks, signs and logs it, or prepares it for several to sign.
    pub(super) async fn log(
        &self,
        registry: &Registry,
        (index, current): (LeafIndex, Policy),
        wanted: Policy,
        session: &Session,
    ) -> anyhow::Result<()> {
        if wanted == current {
            session.output().note("nothing was changed, so nothing is logged");
            return Ok(());
        }
        show_change(&current, &wanted, session.output());
        if !self.signing.is_prepared() {
            confirm("Sign this policy?", self.yes)?;
        }
        let next = successor(registry, index, &current, wanted).await?;
        let number = next.number;
        let logged_at = self.signing.log_also_by(Draft::new(next), &self.also_key, registry, session).await?;
        let Some(submitted) = logged_at else { return Ok(()) };
        session.output().answer(&logged(&format!("policy {number} is in force"), None, &submitted)?)
    }
}

/// Shows the difference between two policies, and what it weakens.
pub(crate) fn show_change(current: &Policy, wanted: &Policy, output: &Output) {
    output.note(format!("what changes from policy {} on:", current.number));
    for change in difference(current, wanted) {
        output.note(format!("  {change}"));
    }
    for caution in cautions(current, wanted) {
        output.warning(caution);
    }
}

/// The wanted policy in its place behind the current one.
async fn successor(
    registry: &Registry,
    index: LeafIndex,
    current: &Policy,
    wanted: Policy,
) -> anyhow::Result<Policy> {
    let (receipt, _) = registry.receipt(index).await?;
    let leaf = TreeHash::leaf(&receipt.entry.0);
    Ok(Policy { number: current.number.next()?, predecessor: Some(EntryRef { index, leaf }), ..wanted })
}
