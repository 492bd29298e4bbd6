//! `audit`: the whole log, judged again without trust in the registry.

use std::path::PathBuf;

use anyhow::Context as _;
use holdfast_client::audit::to_html;
use holdfast_client::{AuditReport, AuditRequest, Finding};
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::ExitCode;
use serde_json::json;

use super::audit_export::Export;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Reads every entry, recomputes the root, checks every signature, judges every entry by the rule book, and compares what \
follows with what the registry answers: known-good on every line, histories, gates, denies, grants and windows. Over the \
registry it needs a token with the audit action; with --store it reads what the registry wrote and needs no registry at all. \
Signatures and what is trusted (.holdfast/trust.json) are the same either way.

Each audit goes on where the last one ended, after making sure that the log extends it. Findings about the log are kept \
and reported by every later audit; so are refused entries, for ever. Ends with 4 when something does not hold, 8 when the \
log cannot be read.

Examples:
  holdfast audit
  holdfast audit --store /var/lib/holdfast/objects --offline
  AWS_REGION=eu-central-1 holdfast audit --store s3://bucket/registry --html audit.html";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    export: Option<Export>,
    /// Read the log from here instead of asking the registry: the folder of a local store, a bucket (with the registry's own
    /// environment variables), or a static mirror
    #[arg(long, value_name = "DIR|s3://…|https://…")]
    store: Option<String>,
    /// Take the first SIZE entries on trust: they are replayed for facts and roots, but their signatures are not checked and
    /// nothing about them is reported. Such an audit neither uses nor keeps any state
    #[arg(long, value_name = "SIZE")]
    from: Option<TreeSize>,
    /// Forget what earlier audits kept, and begin with the first entry
    #[arg(long)]
    fresh: bool,
    /// With --store: do not ask the registry anything
    #[arg(long)]
    offline: bool,
    /// Also write the report as one page of HTML
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self { export, store, from, fresh, offline, html } = self;
        if let Some(export) = export {
            return export.run(session).await;
        }
        let request = AuditRequest { store, from, fresh, offline };
        if let Some(rule) = request.contradiction() {
            return Err(Failure::new(ExitCode::Usage, rule.to_owned()).into());
        }
        let report = session.registry()?.audit(&request).await?;
        if let Some(file) = html {
            let written = std::fs::write(&file, to_html(&report));
            written.with_context(|| format!("{} could not be written", file.display()))?;
        }
        session.output().answer(&answer(&report)?)?;
        if report.is_clean() {
            return Ok(());
        }
        let what = format!("the audit found {} thing(s) that do not hold", report.findings_total);
        let hint = "keep this output and the log: together they are the evidence";
        Err(Failure::new(ExitCode::Integrity, what).with_hint(hint).into())
    }
}

fn answer(report: &AuditReport) -> anyhow::Result<Answer> {
    let head = format!(
        "audited {}: {} entries, {} artifact(s), {} channel(s)",
        report.origin, report.entries, report.artifacts, report.channels
    );
    let mut answer = Answer::new(&json_of(report))?
        .line(Line::heading(head))
        .text(format!("  read from {}, entries from {} on", report.source, report.resumed_from))
        .text(format!("  root {} of size {}", report.root, report.size))
        .text(format!("  {}", compared(report)));
    for note in &report.notes {
        answer = answer.text(format!("  note: {note}"));
    }
    if report.is_clean() {
        answer = answer.text("  every signature, every decision and the root hold");
    }
    let left_out = report.findings_total.saturating_sub(report.findings.len() as u64);
    let more = (left_out > 0).then(|| Line::alarm(format!("  {left_out} more are not listed")));
    Ok(answer.with_lines(report.findings.iter().map(finding).chain(more)))
}

fn compared(report: &AuditReport) -> String {
    let compared = &report.compared;
    match (&compared.registry, &compared.not_asked) {
        (None, Some(why)) => format!("not compared with a registry: {why}"),
        (None, None) => "not compared with a registry".to_owned(),
        (Some(url), _) => format!(
            "compared with {url}: known-good on {} line(s), {} histories, {} gate(s), {} deny(s), {} grant(s), windows of {} \
             artifact(s)",
            compared.known_good,
            compared.histories,
            compared.gates,
            compared.denies,
            compared.grants,
            compared.windows
        ),
    }
}

fn json_of(report: &AuditReport) -> serde_json::Value {
    let compared = &report.compared;
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|f| {
            json!({
                "kind": f.kind, "index": f.index, "channel": f.channel, "what": f.what, "advice": f.kind.advice(),
            })
        })
        .collect();
    let policies: Vec<_> = report
        .policies
        .iter()
        .map(|policy| json!({ "number": policy.number, "index": policy.index, "time": policy.time }))
        .collect();
    json!({
        "origin": report.origin, "source": report.source, "time": report.time, "size": report.size,
        "root": report.root, "from": report.from, "resumed_from": report.resumed_from,
        "entries": report.entries, "artifacts": report.artifacts, "channels": report.channels,
        "statements": report.statements, "policies": policies,
        "compared": {
            "registry": compared.registry, "not_asked": compared.not_asked, "channels": compared.channels,
            "known_good": compared.known_good, "histories": compared.histories, "gates": compared.gates,
            "denies": compared.denies, "grants": compared.grants, "windows": compared.windows,
        },
        "notes": report.notes, "findings": findings, "findings_total": report.findings_total,
    })
}

fn finding(finding: &Finding) -> Line {
    let place = match (&finding.index, &finding.channel) {
        (Some(index), Some(channel)) => format!("entry {index}, {channel}: "),
        (Some(index), None) => format!("entry {index}: "),
        (None, Some(channel)) => format!("{channel}: "),
        (None, None) => String::new(),
    };
    Line::alarm(format!("  [{}] {place}{}", finding.kind.name(), finding.what))
}
