//! `submit`: a prepared statement, once enough people have signed it.

use std::path::PathBuf;

use super::logged::logged;
use super::sign::read_prepared;
use crate::describe::described;
use crate::session::Session;

const AFTER_HELP: &str = "\
Submitting twice does no harm: the answer is the first receipt.

Example:
  holdfast submit pin.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The file that --prepare wrote and `holdfast sign` signed
    file: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let prepared = read_prepared(&self.file)?;
        let done = described(&prepared.statement()?);
        let submitted = session.registry()?.submit_prepared(&prepared).await?;
        session.output().answer(&logged(&format!("logged {done}"), None, &submitted)?)
    }
}
