//! `proof`: the receipt of an artifact or of any entry.

use std::path::PathBuf;

use holdfast_client::Registry;
use holdfast_formats::reference::Reference;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::Receipt;

use crate::output::{Answer, Line};
use crate::session::Session;
use crate::signing::write_new;

const AFTER_HELP: &str = "\
The receipt is a c2sp.org/tlog-proof@v1: whoever has it, the entry and the log's key can check inclusion without us. It was \
verified before it is shown. --format json has the entry's bytes too.

Examples:
  holdfast proof shop/web@1.4.2
  holdfast proof shop/web@1.4.2 --format json > receipt.json
  holdfast proof --entry 57 -o 57.proof";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The artifact whose publish entry is proven
    #[arg(value_name = "REF", required_unless_present = "entry", conflicts_with = "entry")]
    reference: Option<Reference>,
    /// Any entry
    #[arg(long, value_name = "ENTRY")]
    entry: Option<LeafIndex>,
    /// Write the tlog-proof to a new file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let receipt = self.receipt(&session.registry()?).await?;
        if let Some(file) = &self.out {
            write_new(file, receipt.proof.as_bytes())?;
            session.output().note(format!("the receipt of entry {} is in {}", receipt.index, file.display()));
            return Ok(());
        }
        let lines = receipt.proof.lines().map(Line::plain);
        session.output().answer(&Answer::new(&receipt)?.with_lines(lines))
    }

    async fn receipt(&self, registry: &Registry) -> anyhow::Result<Receipt> {
        if let Some(index) = self.entry {
            return Ok(registry.receipt(index).await?.0);
        }
        let reference =
            self.reference.as_ref().ok_or_else(|| anyhow::anyhow!("clap asks for REF or --entry"))?;
        Ok(registry.artifact(reference).await?.receipt().clone())
    }
}
