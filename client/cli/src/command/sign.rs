//! `sign`: one more signature on a prepared statement.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::{Prepared, keys};
use holdfast_formats::time::Timestamp;
use serde_json::json;

use crate::describe::described;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Shows what the statement says before it adds the signature. Needs no network.

Examples:
  holdfast sign pin.json
  holdfast --key second.pem sign pin.json";

/// More than the largest statement with its attachments.
const PREPARED_BYTES_MAX: u64 = 100 * 1024 * 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The file that --prepare wrote; the signature is added to it
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let prepared = read_prepared(&self.file)?;
        let statement = prepared.statement()?;
        check_not_over(statement.header.not_after)?;
        let key = keys::load(&session.key_file()?)?;
        let signed = prepared.signed_by(&key)?;
        replace(&self.file, &signed.to_json()?)?;
        let json = json!({ "key": key.public(), "signatures": signed.signatures(), "not_after": statement.header.not_after });
        let answer = Answer::new(&json)?
            .line(Line::heading(described(&statement)))
            .text(format!("  for {}, until {}", statement.header.log, statement.header.not_after))
            .text(format!("  signed by {}; {} signature(s) now", key.public(), signed.signatures()));
        session.output().answer(&answer)
    }
}

/// Reads a file that `--prepare` wrote.
pub(super) fn read_prepared(file: &Path) -> anyhow::Result<Prepared> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if size > PREPARED_BYTES_MAX {
        return Err(
            Failure::usage(format!("{shown} has {size} bytes; no prepared statement is so large")).into()
        );
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    Prepared::parse(&bytes).map_err(|_| {
        Failure::usage(format!("{shown} is no prepared statement"))
            .with_hint("name a file that --prepare wrote")
            .into()
    })
}

fn check_not_over(not_after: Timestamp) -> Result<(), Failure> {
    if Session::now() > not_after {
        return Err(Failure::usage(format!(
            "the statement could be submitted until {not_after}, which is over"
        ))
        .with_hint("prepare it again, with a longer --valid-for"));
    }
    Ok(())
}

/// Puts the new content in the file's place at once, so that no half-written file is left.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes)
        .with_context(|| format!("cannot write {}", Path::new(&beside).display()))?;
    std::fs::rename(&beside, file).with_context(|| format!("cannot replace {}", file.display()))
}
