//! `release`: artifacts that are deployed together, with order, boundaries and undo.

use std::path::PathBuf;

use holdfast_client::ReleaseRequest;
use holdfast_formats::reference::ArtifactRef;

use super::describing::Describing;
use super::logged::logged;
use crate::document::read_release;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Example:
  holdfast release shop/release@1.4.2 release.toml

A whole release.toml; what stands behind # may be left out:
  base = \"shop/release@1.4.1\"                # the release it was made from
  runbook = \"shop/runbook@3\"                 # how to roll it back by hand
  acceptance = [\"orders can be placed\"]      # how to see that it works

  [[component]]
  name = \"web\"
  role = \"code\"                  # code, config, schema, flags, data, infra or runbook
  ref = \"shop/web@1.4.2\"
  stage = 3                      # deployed in ascending stages, undone in descending ones
  after = [\"schema\"]             # inside the same stage, or earlier
  needs = [{ name = \"schema\", range = \"^2\" }]
  scope = \"in\"                   # out: a rollback leaves it alone
  custody = \"held\"               # referenced: its bytes are elsewhere; then digest = \"sha256:…\"
  undo = { mode = \"redeploy\" }   # redeploy, restore, down, compensate, flag_off or none
  irreversible = { step = \"drop\", reason = \"the old column is gone\" }

  [objectives]
  rpo_s = 3600
  rto_s = 300";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Name and version of the release
    #[arg(value_name = "NAME@VERSION")]
    target: ArtifactRef,
    /// The release.toml
    file: PathBuf,
    #[command(flatten)]
    more: Describing,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let body = read_release(&self.file)?;
        let components = body.components.len();
        let registry = session.registry()?;
        let request = ReleaseRequest { artifact: self.target, body, about: self.more.about(&self.signing)? };
        let staged = registry.draft_release(&request).await?;
        let Some(submitted) = self.signing.log(staged.draft, &registry, session).await? else {
            return Ok(());
        };
        let artifact = staged.artifact;
        let done = format!(
            "released {}  blake3:{}  {components} component(s)",
            artifact.r#ref, artifact.digests.blake3
        );
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}
