//! `sign`: one more signature on a prepared statement.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::keys::Signer;
use holdfast_client::{Approvals, ClientError, Prepared, Registry};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::time::Timestamp;
use serde_json::json;

use super::policy::show_change;
use crate::confirm::confirm;
use crate::describe::{described, wanted_lines};
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Shows what the statement says, who has signed and who is still wanted, and on a terminal asks before it adds your signature. \
Without network it goes by the newest policy that this machine knows; without trust.json name the log with --log. Several people \
can sign copies of the file at the same time: --merge takes their signatures in, and so does `holdfast submit FILE FILE...`.

Examples:
  holdfast sign pin.json
  holdfast --key second.pem sign pin.json
  holdfast sign pin.json --merge from-bob.json";

/// More than the largest statement with its attachments.
const PREPARED_BYTES_MAX: u64 = 100 * 1024 * 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The file that --prepare wrote; the signature is added to it
    file: PathBuf,
    /// A copy of the file that somebody else signed: its signatures are taken in
    #[arg(long, value_name = "FILE")]
    merge: Vec<PathBuf>,
    /// The log that the statement must be for, where there is no trust.json
    #[arg(long, value_name = "ORIGIN")]
    log: Option<Origin>,
    /// Do not ask before signing
    #[arg(long, short)]
    yes: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let prepared = merged(&self.file, &self.merge)?;
        let statement = prepared.statement()?;
        check_not_over(statement.header.not_after)?;
        let registry = self.check_log(&prepared, &statement, session)?;
        let before = match &registry {
            Some(registry) => registry.approvals(&prepared).await?,
            None => None,
        };
        let holder = Signer::open(&session.key_file()?)?;
        show(&statement, before.as_ref(), session);
        // Whoever merges copies that hold their own signature only wants them merged.
        let signed = if !self.merge.is_empty() && prepared.is_signed_by(&holder.public()) {
            prepared
        } else {
            confirm("Sign this?", self.yes)?;
            prepared.signed_by(&holder).await?
        };
        replace(&self.file, &signed.to_json()?)?;
        let after = match &registry {
            Some(registry) => registry.approvals(&signed).await?,
            None => None,
        };
        let (key, missing) = (holder.public(), after.as_ref().map(Approvals::missing));
        let json = json!({ "key": key, "signatures": signed.signatures(), "missing": missing, "not_after": statement.header.not_after });
        let next = match missing {
            Some(0) => format!("  that is enough: `holdfast submit {}`", self.file.display()),
            Some(missing) => format!("  {missing} more signature(s) are wanted"),
            None => "  no policy is known here, so it is not known whether that is enough".to_owned(),
        };
        let answer = Answer::new(&json)?
            .line(Line::heading(described(&statement)))
            .text(format!("  for {}, until {}", statement.header.log, statement.header.not_after))
            .text(format!("  signed by {key}; {} signature(s) now", signed.signatures()))
            .text(next);
        session.output().answer(&answer)
    }

    /// The statement must be for the log that is trusted here, or for the one that is named.
    fn check_log(
        &self,
        prepared: &Prepared,
        statement: &Statement,
        session: &Session,
    ) -> anyhow::Result<Option<Registry>> {
        let found = &statement.header.log;
        if let Some(wanted) = self.log.as_ref().filter(|wanted| *wanted != found) {
            let (wanted, found) = (wanted.clone(), found.clone());
            return Err(ClientError::PreparedForOtherLog { wanted, found }.into());
        }
        match session.registry() {
            Ok(registry) => {
                registry.check_log(prepared)?;
                Ok(Some(registry))
            }
            Err(error) if is_no_trust(&error) && self.log.is_some() => Ok(None),
            Err(error) if is_no_trust(&error) => Err(Failure::usage(format!(
                "there is no trust.json here, so nothing tells whether {found} is the log that you mean"
            ))
            .with_hint(format!("if it is, add --log {found}"))
            .into()),
            Err(error) => Err(error),
        }
    }
}

fn is_no_trust(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClientError::NoTrust { .. }))
}

/// Says what is about to be signed.
fn show(statement: &Statement, approvals: Option<&Approvals>, session: &Session) {
    let output = session.output();
    output.note(format!("{} for {}", described(statement), statement.header.log));
    if let (Predicate::Policy(new), Some(approvals)) = (&statement.predicate, approvals) {
        show_change(&approvals.policy, new, output);
    }
    approvals.into_iter().flat_map(wanted_lines).for_each(|line| output.note(line));
}

/// Reads a prepared statement with the signatures of its copies.
pub(super) fn merged(file: &Path, copies: &[PathBuf]) -> anyhow::Result<Prepared> {
    let mut prepared = read_prepared(file)?;
    for copy in copies {
        prepared = prepared
            .merged(read_prepared(copy)?)
            .with_context(|| format!("{} cannot be merged", copy.display()))?;
    }
    Ok(prepared)
}

/// Reads a file that `--prepare` wrote.
fn read_prepared(file: &Path) -> anyhow::Result<Prepared> {
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
