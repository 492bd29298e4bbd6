//! `push`: a file or folder becomes one version of an artifact.

use std::path::PathBuf;

use holdfast_client::PushRequest;
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::Label;

use super::describing::Describing;
use super::logged::logged;
use super::publishing::{self, sentence};
use super::target::{Target, parse_target};
use crate::document::{BodySource, body_of, read_body};
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Only what the registry does not have yet is sent; a push that was cut goes on where it stopped. A version never changes its \
meaning: the same content again succeeds with the same receipt, other content is refused (exit 9).

In GitHub Actions and GitLab CI the statement also says which run of which commit this was; --no-pipeline leaves that out.

Examples:
  holdfast push shop/web@1.4.2 dist/
  holdfast push shop/config@1.4.2 config/ --kind config --label team=checkout
  holdfast push shop/web@1.4.3 dist/ --keep 2y
  holdfast push shop/database@now dump/ --kind snapshot --source shop-db-1 --data-class personal --keep-class nightly
  holdfast push shop/schema@1.4.2 migrations/ --kind schema --body ledger.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Name and version; @now stands for the time in UTC
    #[arg(value_name = "NAME@VERSION", value_parser = parse_target)]
    target: Target,
    /// The file or folder
    path: PathBuf,
    /// What it is
    #[arg(long, value_name = "KIND", default_value = "build")]
    kind: Kind,
    /// The typed part of the manifest of a schema, flags or snapshot (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The system that a snapshot is of; this machine when left out
    #[arg(long, value_name = "SYSTEM", conflicts_with = "body")]
    source: Option<Label>,
    #[command(flatten)]
    more: Describing,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        // The body of a schema says which version it is of, so the name is the clock's from the beginning.
        let artifact = self.target.versions(Session::now()).swap_remove(0);
        let request = self.request(&artifact, session)?;
        let (staged, submitted) =
            publishing::push(&request, &[artifact], &self.signing, &registry, session).await?;
        let done = |verb| sentence(verb, &staged.artifact, &staged.content);
        if let Some(submitted) = submitted {
            session.output().answer(&logged(&done("pushed"), Some(&staged.artifact), &submitted)?)?;
        } else {
            session.output().note(done("uploaded"));
        }
        Ok(())
    }

    fn request(&self, artifact: &ArtifactRef, session: &Session) -> anyhow::Result<PushRequest> {
        let body = self.body(artifact, session)?;
        Ok(PushRequest {
            artifact: artifact.clone(),
            source: self.path.clone(),
            body,
            about: self.more.about(&self.signing)?,
        })
    }

    fn body(&self, artifact: &ArtifactRef, session: &Session) -> anyhow::Result<Body> {
        if let Some(file) = &self.body {
            return read_body(self.kind, file);
        }
        let source =
            BodySource { artifact, path: &self.path, system: self.source.as_ref(), now: Session::now() };
        let filled = body_of(self.kind, &source)?;
        if let Some(warning) = filled.warning {
            session.output().warning(warning);
        }
        Ok(filled.body)
    }
}
