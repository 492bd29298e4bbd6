//! `witness add|remove|list|status`: who must have seen the log besides this machine.

use holdfast_client::{ClientError, Registry};
use holdfast_formats::note::NoteKey;
use holdfast_formats::trust::{Trust, TrustedWitnesses};
use holdfast_formats::wire::v1::WitnessStatus;
use holdfast_verify::witness::{Quorum, Witnessed};
use serde_json::json;

use crate::moment::shown_duration;
use crate::output::{Answer, Line};
use crate::session::Session;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Trust one more witness: write it to .holdfast/trust.json
    #[command(after_help = "\
Everybody who works in this repository demands the quorum from then on: what the registry shows is accepted (else exit 8) \
only when so many witnesses vouch for it. Commit the change, so that it is reviewed.

The quorum stays what it was, 1 at first.

Examples:
  holdfast witness add witness.example/w1+f03e5ae5+BNQtwuSF…
  holdfast witness add witness.example/w2+1f9d4a37+BPLWUBFF… --quorum 2")]
    Add(Box<AddArgs>),
    /// Trust a witness no longer
    #[command(after_help = "\
Examples:
  holdfast witness remove witness.example/w1
  holdfast witness remove witness.example/w1 --quorum 1")]
    Remove {
        /// Its name or its verifier key
        #[arg(value_name = "NAME|VKEY")]
        witness: String,
        /// How many of the others must vouch
        #[arg(long, value_name = "N")]
        quorum: Option<u16>,
    },
    /// Show the trusted witnesses, and the log's own key for those who run one
    #[command(after_help = "Example:\n  holdfast witness list")]
    List,
    /// What the registry's witnesses did, and what those trusted here vouch for
    #[command(after_help = "\
The list is the registry's own word. What the quorum vouches for is checked here: exit 8 when too few do.

Example:
  holdfast witness status")]
    Status,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The witness's verifier key, as its operator publishes it
    #[arg(value_name = "VKEY")]
    verifier: NoteKey,
    /// How many of the witnesses must vouch
    #[arg(long, value_name = "N")]
    quorum: Option<u16>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Add(args) => {
                let places = session.places()?;
                let trust = places.add_witness(args.verifier, args.quorum)?;
                session.output().note(format!("written to {}", places.trust_file().display()));
                session.output().answer(&listed(&trust, &[])?)
            }
            Self::Remove { witness, quorum } => {
                let places = session.places()?;
                let trust = places.remove_witness(&witness, quorum)?;
                session.output().note(format!("written to {}", places.trust_file().display()));
                session.output().answer(&listed(&trust, &[])?)
            }
            Self::List => {
                let registry = session.registry()?;
                session.output().answer(&listed(registry.trust(), &registry.log_verifiers())?)
            }
            Self::Status => status(session).await,
        }
    }
}

fn listed(trust: &Trust, log_verifiers: &[NoteKey]) -> anyhow::Result<Answer> {
    let logs = log_verifiers.iter().map(|key| Line::plain(format!("  log     {key}"))).collect::<Vec<_>>();
    let answer = Answer::new(&json!({ "witnesses": trust.witnesses, "log": log_verifiers }))?;
    Ok(match &trust.witnesses {
        Some(TrustedWitnesses { keys, quorum }) => answer
            .line(Line::heading(format!("{quorum} of {} witnesses must vouch", keys.len())))
            .with_lines(keys.iter().map(|key| Line::plain(format!("  witness {key}")))),
        None => answer.line(Line::heading("no witnesses are asked for")),
    }
    .with_lines(logs))
}

async fn status(session: &Session) -> anyhow::Result<()> {
    let registry = session.registry()?;
    let said = registry.status().await?.witnesses;
    let view = registry.sync().await;
    let (witnessed, failed) = match view {
        Ok(view) => (view.witnessed, None),
        Err(error @ (ClientError::Unwitnessed { .. } | ClientError::Fork { .. })) => (None, Some(error)),
        Err(error) => return Err(error.into()),
    };
    let trusted: Vec<&NoteKey> = registry.quorum().into_iter().flat_map(Quorum::keys).collect();
    let vouched = witnessed.as_ref().map(|w| json!({ "size": w.size, "time": w.time, "by": w.by }));
    let json = json!({ "witnesses": said, "trusted": trusted, "witnessed": vouched });
    let lines = said.iter().flat_map(|one| lines(one, trusted.iter().any(|key| *key.name() == one.name)));
    let answer = Answer::new(&json)?
        .line(Line::heading(format!("the registry asks {} witness(es)", said.len())))
        .with_lines(lines)
        .with_lines(witnessed.as_ref().map(|w| Line::plain(vouching(&registry, w))));
    session.output().answer(&answer)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn vouching(registry: &Registry, witnessed: &Witnessed) -> String {
    let quorum = registry.quorum();
    let (need, keys) = quorum.map_or((0, 0), |quorum| (quorum.need(), quorum.keys().len()));
    let Witnessed { size, time, .. } = witnessed;
    format!("  quorum  {need} of {keys} vouch for the first {size} entries, as of {time}")
}

/// One witness, in the registry's words.
pub(super) fn lines(witness: &WitnessStatus, is_trusted: bool) -> Vec<Line> {
    let WitnessStatus { name, url, size, cosigned, failures, error, conflict } = witness;
    let did = match (size, cosigned) {
        (Some(size), Some(time)) => {
            let age = shown_duration(Session::now().ms_since(*time));
            format!("cosigned {size} entries {age} ago")
        }
        _ => "has cosigned nothing yet".to_owned(),
    };
    let trusted = if is_trusted { ", trusted here" } else { "" };
    let mut lines = vec![Line::plain(format!("  witness {name} at {url}: {did}{trusted}"))];
    if let Some(error) = error {
        let text = format!("          failed {failures} time(s) since: {error}");
        lines.push(if *conflict { Line::alarm(text) } else { Line::caution(text) });
    }
    lines
}
