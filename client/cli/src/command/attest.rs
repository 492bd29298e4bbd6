//! `attest`: an envelope (provenance, SBOM, test result) about an artifact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::Draft;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::reference::Reference;
use holdfast_formats::text::Uri;
use serde::Deserialize;

use super::logged::logged;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
The envelope is kept byte for byte. Its predicate type is read from it when it is a DSSE envelope or an in-toto statement.

Examples:
  holdfast attest shop/web@1.4.2 provenance.intoto.json
  holdfast attest shop/web@1.4.2 junit.xml --type https://example.com/test-result/v1";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// What it is about
    #[arg(value_name = "REF")]
    reference: Reference,
    /// The envelope
    file: PathBuf,
    /// Its predicate type, where it does not say
    #[arg(long = "type", value_name = "URI")]
    predicate_type: Option<Uri>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let envelope = read(&self.file)?;
        let Some(predicate_type) = self.predicate_type.or_else(|| predicate_type_of(&envelope)) else {
            let message = format!("{} does not say what it is", self.file.display());
            return Err(Failure::usage(message).with_hint("give --type URI").into());
        };
        let registry = session.registry()?;
        let artifact = registry.resolve(&self.reference).await?;
        let done = format!("attested {} with {predicate_type}", artifact.r#ref);
        let draft = Draft::attest(envelope, predicate_type, vec![artifact.digests]);
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if size > ATTACHMENT_BYTES_MAX as u64 {
        return Err(Failure::usage(format!(
            "{shown} has {size} bytes; an envelope has at most {ATTACHMENT_BYTES_MAX}"
        ))
        .into());
    }
    std::fs::read(file).with_context(|| format!("cannot read {shown}"))
}

/// Only what tells the predicate type; the envelope itself may be anybody's and is kept as it is.
#[derive(Deserialize)]
struct Outer {
    payload: Option<String>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<Uri>,
}

fn predicate_type_of(envelope: &[u8]) -> Option<Uri> {
    let outer: Outer = serde_json::from_slice(envelope).ok()?;
    match (outer.predicate_type, outer.payload) {
        (Some(found), _) => Some(found),
        (None, Some(payload)) => {
            let inner = BASE64.decode(payload.as_bytes()).ok()?;
            serde_json::from_slice::<Outer>(&inner).ok()?.predicate_type
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predicate_type_is_found_in_a_statement_and_in_an_envelope() {
        let statement = br#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1"}"#;
        let envelope = format!(r#"{{"payload":"{}","signatures":[]}}"#, BASE64.encode(statement));
        for bytes in [&statement[..], envelope.as_bytes()] {
            assert_eq!(predicate_type_of(bytes).unwrap().as_str(), "https://slsa.dev/provenance/v1");
        }
        assert!(predicate_type_of(b"<testsuite/>").is_none());
    }
}
