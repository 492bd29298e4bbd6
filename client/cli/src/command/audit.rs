//! `audit`: the whole log, judged again without trust in the registry.

use holdfast_client::{AuditReport, Finding};
use holdfast_formats::wire::v1::ExitCode;
use serde_json::json;

use super::audit_export::Export;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Downloads every entry, recomputes the root, checks every signature, judges every entry by the rule book, and compares what \
follows with what the registry answers. Needs a token with the audit action. Ends with 4 when something does not hold.

Example:
  holdfast audit";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    export: Option<Export>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        if let Some(export) = self.export {
            return export.run(session).await;
        }
        let registry = session.registry()?;
        let report = registry.audit().await?;
        session.output().answer(&answer(registry.origin().as_str(), &report)?)?;
        match report.findings.len() {
            0 => Ok(()),
            count => Err(Failure::new(
                ExitCode::Integrity,
                format!("the audit found {count} thing(s) that do not hold"),
            )
            .with_hint("keep this output and the log: together they are the evidence")
            .into()),
        }
    }
}

fn answer(origin: &str, report: &AuditReport) -> anyhow::Result<Answer> {
    let findings: Vec<_> =
        report.findings.iter().map(|f| json!({ "index": f.index, "what": f.what })).collect();
    let json = json!({
        "origin": origin, "size": report.size, "root": report.root, "entries": report.entries,
        "artifacts": report.artifacts, "channels": report.channels, "findings": findings,
    });
    let head = format!(
        "audited {origin}: {} entries, {} artifact(s), {} channel(s)",
        report.entries, report.artifacts, report.channels
    );
    let mut answer = Answer::new(&json)?
        .line(Line::heading(head))
        .text(format!("  root {} of size {}", report.root, report.size));
    if report.findings.is_empty() {
        answer = answer.text("  every signature, every decision and the root hold");
    }
    Ok(answer.with_lines(report.findings.iter().map(finding)))
}

fn finding(finding: &Finding) -> Line {
    Line::alarm(match finding.index {
        Some(index) => format!("  entry {index}: {}", finding.what),
        None => format!("  {}", finding.what),
    })
}
