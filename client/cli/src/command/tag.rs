//! `tag`: a moving tag points at an artifact. It is never answered as known-good.

use holdfast_client::Draft;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Tag, TagTarget};
use holdfast_formats::version::Version;

use super::logged::logged;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Only tags that the policy lists as moving for the namespace can be pointed anew, such as latest and main.

Example:
  holdfast tag shop/web@1.4.2 latest";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Where it points from now on
    #[arg(value_name = "REF")]
    reference: Reference,
    /// The tag
    tag: Version,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let artifact = registry.resolve(&self.reference).await?;
        let name = artifact.r#ref.name().clone();
        let done = format!("tagged {} as {name}:{}", artifact.r#ref, self.tag);
        let draft = Draft::new(Tag { name, tag: self.tag, target: TagTarget { digests: artifact.digests } });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }
}
