//! `pull`: an artifact's files, every byte checked before it gets its name.

use std::path::PathBuf;

use holdfast_client::{Bundle, Pulled};
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::Artifact;
use indicatif::HumanBytes;
use serde_json::json;

use super::offline::say_age;
use crate::failure::Failure;
use crate::output::{Answer, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
Nothing is written outside DIR, and no file gets its name before all of its bytes were checked. Files that are there already \
with the right content are kept; a pull that was cut goes on where it stopped. A bad byte ends it with exit code 4.

With --bundle the files come from the bundle, without any network, after all of it was checked. Without REF every artifact of \
its answer is written to a folder of its own below DIR.

Examples:
  holdfast pull shop/web@1.4.2 --to /srv/web
  holdfast pull channel:shop/prod --to restored
  holdfast pull --bundle shop-prod.bundle channel:shop/prod --to restored
  holdfast pull --bundle shop-prod.bundle --to restored";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which artifact
    #[arg(value_name = "REF", required_unless_present = "bundle")]
    reference: Option<Reference>,
    /// The folder for its files; made when it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Take the files from a bundle
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        match (&self.bundle, &self.reference) {
            (Some(file), reference) => {
                let bundle = registry.open_bundle(file).await?;
                say_age(&bundle, session);
                match reference {
                    Some(reference) => {
                        let artifact = bundle.artifact(reference)?;
                        let pulled = bundle.pull(artifact, &self.to)?;
                        self.answer(&artifact.artifact, pulled, session)
                    }
                    None => self.answer_all(&bundle, session),
                }
            }
            (None, Some(reference)) => {
                let record = registry.artifact(reference).await?;
                let pulled = registry.pull(&record, &self.to).await?;
                self.answer(record.artifact(), pulled, session)
            }
            (None, None) => Err(Failure::usage("say which artifact to pull").into()),
        }
    }

    fn answer(&self, artifact: &Artifact, pulled: Pulled, session: &Session) -> anyhow::Result<()> {
        let to = self.to.display().to_string();
        let view = json!({
            "ref": artifact.r#ref, "digests": artifact.digests, "to": to,
            "files": pulled.files, "bytes": pulled.bytes, "kept": pulled.kept,
        });
        let line = format!("pulled {} to {to}  {}", artifact.r#ref, counted(pulled));
        let variables = Variables::none()
            .with("HOLDFAST_REF", artifact.r#ref.to_string())?
            .with("HOLDFAST_DIGEST", format!("blake3:{}", artifact.digests.blake3))?;
        session.output().answer(&Answer::new(&view)?.text(line).with_variables(variables))
    }

    fn answer_all(&self, bundle: &Bundle, session: &Session) -> anyhow::Result<()> {
        let pulled = bundle.pull_all(&self.to)?;
        let to = self.to.display().to_string();
        let refs: Vec<_> = bundle.answer().get().closure.iter().map(|a| &a.artifact.r#ref).collect();
        let view = json!({
            "refs": refs, "to": to, "files": pulled.files, "bytes": pulled.bytes, "kept": pulled.kept,
        });
        let line = format!("pulled {} artifact(s) to {to}  {}", refs.len(), counted(pulled));
        session.output().answer(&Answer::new(&view)?.text(line))
    }
}

fn counted(pulled: Pulled) -> String {
    let Pulled { files, bytes, kept } = pulled;
    format!("{files} file(s), {}, {kept} kept", HumanBytes(bytes))
}
