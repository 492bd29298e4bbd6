//! `audit export`: what a log says about a period, in a folder that an auditor can check alone.

use std::path::PathBuf;

use holdfast_client::evidence::{EvidencePack, ExportRequest};
use holdfast_formats::wire::v1::ExitCode;
use indicatif::HumanBytes;
use serde_json::{Value, json};

use crate::describe::described;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Writes every entry of the period with its proof, all under one signed checkpoint; the proof that this log extends the one \
before the period; every policy and key; manifests and attested envelopes; what earlier entries those of the period end or \
follow; an index for people; and a manifest of all files, signed with your key. Needs a token with the audit action.

`holdfast verify DIR` checks all of it without any network, with nothing but a trust.json.

Ends with 11 when the registry did not have everything that the entries name.

Examples:
  holdfast audit export --since 90d --out evidence
  holdfast audit export --since 2026-07-01T00:00:00Z --out q3";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Export {
    /// Write an evidence pack about a period, verifiable without any network
    Export(Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The period begins then: a time, or so long ago
    #[arg(long, value_name = "WHEN")]
    since: Moment,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self::Export(Args { since, out }) = self;
        let describe = |statement: &_| escaped(&described(statement)).to_string();
        let request = ExportRequest { since: since.before(Session::now()), out: &out, describe };
        let pack = session.registry()?.export_evidence(&request).await?;
        let sentence = format!("{} holds: evidence of {}", out.display(), pack.log);
        session.output().answer(&answer(&pack, sentence)?)?;
        if pack.missing.is_empty() {
            return Ok(());
        }
        let message = format!("the registry does not have {} attachment(s) any more", pack.missing.len());
        Err(Failure::new(ExitCode::Incomplete, message).into())
    }
}

/// What a pack is, after every check.
pub(super) fn answer(pack: &EvidencePack, sentence: String) -> anyhow::Result<Answer> {
    let entries = pack.size.get() - pack.before.get();
    let types: serde_json::Map<String, Value> =
        pack.types.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
    let json = json!({
        "log": pack.log, "since": pack.since, "exported_at": pack.exported_at, "exporter": pack.exporter,
        "before": pack.before, "size": pack.size, "root": pack.root, "entries": entries, "types": types,
        "files": pack.files, "bytes": pack.bytes, "missing": pack.missing,
    });
    let counts: Vec<String> = pack.types.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let missing = pack.missing.iter().map(|digest| Line::caution(format!("  missing    sha256:{digest}")));
    Ok(Answer::new(&json)?
        .line(Line::heading(sentence))
        .text(format!("  since      {}", pack.since))
        .text(format!(
            "  entries    {entries}, from {} to before {}: {}",
            pack.before,
            pack.size,
            counts.join(", ")
        ))
        .text(format!("  root       {} of size {}", pack.root, pack.size))
        .text(format!("  exported   by {} at {}", pack.exporter, pack.exported_at))
        .text(format!("  files      {}, {}", pack.files, HumanBytes(pack.bytes)))
        .with_lines(missing))
}
