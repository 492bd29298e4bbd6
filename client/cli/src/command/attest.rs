//! `attest`: an envelope (provenance, SBOM, test result) about an artifact.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::Draft;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::reference::Reference;
use holdfast_formats::text::Uri;
use holdfast_formats::wire::v1::ExitCode;

use super::attested::Attested;
use super::logged::logged;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
The envelope is kept byte for byte. Its predicate type is read from it when it is a DSSE envelope or an in-toto statement. \
One that names digests, and none of the artifact or of its files, is refused.

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
        let attested = Attested::read(&envelope);
        let Some(predicate_type) = self.predicate_type.or_else(|| attested.predicate_type.clone()) else {
            let message = format!("{} does not say what it is", self.file.display());
            return Err(Failure::usage(message).with_hint("give --type URI").into());
        };
        let registry = session.registry()?;
        let record = registry.artifact(&self.reference).await?;
        let artifact = record.artifact();
        if attested.is_about_another_than(&record) {
            let message = format!(
                "{} is about something else than {}: it names neither the artifact's digest nor one of its files'",
                self.file.display(),
                artifact.r#ref
            );
            let hint = "attest the artifact that its subjects name, or have it made anew for this one";
            return Err(Failure::new(ExitCode::Integrity, message).with_hint(hint).into());
        }
        let done = format!("attested {} with {predicate_type}", artifact.r#ref);
        let draft = Draft::attest(envelope, predicate_type, vec![artifact.digests]);
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&done, Some(artifact), &submitted)?)
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
