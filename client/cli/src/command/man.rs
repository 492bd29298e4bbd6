//! `man`: the manual pages.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::output::Output;
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  holdfast man | man -l -
  holdfast man --out ~/.local/share/man/man1";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Write one page a command to this folder; without it the first page goes to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let Some(folder) = self.out else {
            let mut page = Vec::new();
            Man::new(Arguments::command()).render(&mut page)?;
            return Output::verbatim(&page);
        };
        let shown = folder.display();
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {shown}"))?;
        clap_mangen::generate_to(Arguments::command(), &folder)
            .with_context(|| format!("cannot write to {shown}"))?;
        session.output().note(format!("the manual pages are in {shown}"));
        Ok(())
    }
}
