//! `pin`: this artifact is known-good on this channel.

use holdfast_client::PinDraft;
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Evidence, EvidenceKind, Metric};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::tree::LeafIndex;

use super::logged::logged;
use crate::moment::Moment;
use crate::session::Session;
use crate::signing::{Signing, parse_pair};

const AFTER_HELP: &str = "\
The registry first reads every byte of the artifact and its components back; the pin waits for that. A pin is never changed: \
a later pin of the same line takes its place, a deny takes it out of the answers.

Examples:
  holdfast pin shop/prod shop/web@1.4.2 -m \"smoke passed\"
  holdfast pin shop/prod shop/release@2.1.0 -m \"one week good\" --evidence deploy:1041
  holdfast pin shop/prod shop/release@2.1.0 -m \"two of three\" --prepare pin.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// What is known-good
    #[arg(value_name = "REF")]
    reference: Reference,
    /// Why it is known to be good
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// Stop answering it then: a duration from now, or a time
    #[arg(long, value_name = "WHEN")]
    expires: Option<Moment>,
    /// The entry of the deployment that showed it
    #[arg(long, value_name = "ENTRY")]
    deploy: Option<LeafIndex>,
    /// An entry that shows it: attest:ENTRY, deploy:ENTRY or drill:ENTRY
    #[arg(long, value_name = "KIND:ENTRY", value_parser = parse_evidence)]
    evidence: Vec<Evidence>,
    /// What was normal: a value measured now, to compare with after a rollback
    #[arg(long, value_name = "NAME=VALUE[:UNIT]", value_parser = parse_metric)]
    metric: Vec<Metric>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let artifact = registry.resolve(&self.reference).await?;
        let pin = PinDraft {
            reason: self.reason,
            deploy: self.deploy,
            evidence: self.evidence,
            baseline_metrics: self.metric,
            expires: self.expires.map(|when| when.ahead_of(Session::now())),
        };
        let (draft, number) = registry.draft_pin(&self.channel, &artifact, pin).await?;
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        let done = format!("pinned {} on {} as pin {number}", artifact.r#ref, self.channel);
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}

fn parse_evidence(text: &str) -> Result<Evidence, String> {
    let (kind, entry) = text.split_once(':').ok_or("write attest:ENTRY, deploy:ENTRY or drill:ENTRY")?;
    let kind: EvidenceKind = kind.parse().map_err(|e| format!("{e}"))?;
    let entry: LeafIndex = entry.parse().map_err(|e| format!("{e}"))?;
    Ok(Evidence { kind, predicate_type: None, digest: None, entry: Some(entry), uri: None })
}

fn parse_metric(text: &str) -> Result<Metric, String> {
    let (name, measured): (Label, Label) = parse_pair(text)?;
    let (value, unit) = measured.as_str().split_once(':').unwrap_or((measured.as_str(), "1"));
    let label = |text: &str| text.parse::<Label>().map_err(|e| format!("{e}"));
    Ok(Metric { name, value: label(value)?, unit: label(unit)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_names_a_kind_and_an_entry() {
        let evidence = parse_evidence("drill:12").unwrap();
        assert_eq!((evidence.kind, evidence.entry.map(LeafIndex::get)), (EvidenceKind::Drill, Some(12)));
        assert!(
            parse_evidence("12").is_err()
                && parse_evidence("hope:12").is_err()
                && parse_evidence("drill:-1").is_err()
        );
    }

    #[test]
    fn a_metric_without_unit_is_a_plain_number() {
        let metric = parse_metric("p99=12.5:ms").unwrap();
        assert_eq!(
            (metric.name.as_str(), metric.value.as_str(), metric.unit.as_str()),
            ("p99", "12.5", "ms")
        );
        assert_eq!(parse_metric("errors=0").unwrap().unit.as_str(), "1");
        assert!(parse_metric("errors").is_err());
    }
}
