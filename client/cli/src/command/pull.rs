//! `pull`: an artifact's files, every byte checked before it gets its name.

use std::path::PathBuf;

use holdfast_formats::reference::Reference;
use indicatif::HumanBytes;
use serde_json::json;

use crate::output::{Answer, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
Nothing is written outside DIR, and no file gets its name before all of its bytes were checked. Files that are there already \
with the right content are kept; a pull that was cut goes on where it stopped. A bad byte ends it with exit code 4.

Examples:
  holdfast pull shop/web@1.4.2 --to /srv/web
  holdfast pull channel:shop/prod --to restored";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which artifact
    #[arg(value_name = "REF")]
    reference: Reference,
    /// The folder for its files; made when it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let record = registry.artifact(&self.reference).await?;
        let pulled = registry.pull(&record, &self.to).await?;
        let artifact = record.artifact();
        let to = self.to.display().to_string();
        let view = json!({
            "ref": artifact.r#ref, "digests": artifact.digests, "to": to,
            "files": pulled.files, "bytes": pulled.bytes, "kept": pulled.kept,
        });
        let size = HumanBytes(pulled.bytes);
        let line = format!(
            "pulled {} to {to}  {} file(s), {size}, {} kept",
            artifact.r#ref, pulled.files, pulled.kept
        );
        let variables = Variables::none()
            .with("HOLDFAST_REF", artifact.r#ref.to_string())?
            .with("HOLDFAST_DIGEST", format!("blake3:{}", artifact.digests.blake3))?;
        session.output().answer(&Answer::new(&view)?.text(line).with_variables(variables))
    }
}
