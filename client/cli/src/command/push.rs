//! `push`: a file or folder becomes one version of an artifact.

use std::path::PathBuf;

use holdfast_client::{ClientError, Content, PushRequest, Registry, Staged, Submitted};
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::Label;
use holdfast_formats::wire::v1::ProblemCode;
use indicatif::HumanBytes;

use super::describing::Describing;
use super::logged::logged;
use crate::document::{BodySource, body_of, read_body};
use crate::moment::version_of;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Only what the registry does not have yet is sent; a push that was cut goes on where it stopped. A version never changes its \
meaning: the same content again succeeds with the same receipt, other content is refused (exit 9).

In GitHub Actions and GitLab CI the statement also says which run of which commit this was; --no-pipeline leaves that out.

Examples:
  holdfast push shop/web@1.4.2 dist/
  holdfast push shop/config@1.4.2 config/ --kind config --label team=checkout
  holdfast push shop/database@now dump/ --kind snapshot --source shop-db-1 --data-class personal --keep nightly
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

/// A reference whose version may be left to the clock.
#[derive(Debug, Clone)]
struct Target(ArtifactRef);

fn parse_target(text: &str) -> Result<Target, String> {
    let filled = match text.strip_suffix("@now") {
        Some(name) => format!("{name}@{}", version_of(Session::now())),
        None => text.to_owned(),
    };
    filled.parse().map(Target).map_err(|e| format!("{e}"))
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let request = self.request(session)?;
        let (staged, submitted) = match self.publish(&registry, &request, session).await {
            // What was there when it was asked for has ended since: the upload asks again and sends what is missing.
            Err(error) if is_content_missing(&error) => self.publish(&registry, &request, session).await?,
            outcome => outcome?,
        };
        let done = |verb| sentence(verb, &staged.artifact, &staged.content);
        if let Some(submitted) = submitted {
            session.output().answer(&logged(&done("pushed"), Some(&staged.artifact), &submitted)?)?;
        } else {
            session.output().note(done("uploaded"));
        }
        Ok(())
    }

    async fn publish(
        &self,
        registry: &Registry,
        request: &PushRequest,
        session: &Session,
    ) -> anyhow::Result<(Staged, Option<Submitted>)> {
        let staged = registry.stage(request).await?;
        let submitted = self.signing.log(staged.draft.clone(), registry, session).await?;
        Ok((staged, submitted))
    }

    fn request(&self, session: &Session) -> anyhow::Result<PushRequest> {
        let Target(artifact) = &self.target;
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

fn is_content_missing(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<ClientError>().and_then(ClientError::problem);
    problem.is_some_and(|problem| problem.code == ProblemCode::ContentMissing)
}

fn sentence(verb: &str, artifact: &Artifact, content: &Content) -> String {
    format!(
        "{verb} {}  blake3:{}  {} file(s), {}, {} new",
        artifact.r#ref,
        artifact.digests.blake3,
        content.files,
        HumanBytes(content.bytes),
        HumanBytes(content.new_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_becomes_a_version_of_the_clock() {
        let Target(artifact) = parse_target("shop/db@now").unwrap();
        assert_eq!(artifact.name().as_str(), "shop/db");
        assert!(artifact.version().as_str().ends_with('Z') && artifact.version().as_str().len() == 18);
        assert!(parse_target("shop@now").is_err() && parse_target("shop/db").is_err());
    }
}
