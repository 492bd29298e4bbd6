//! `bundle`: answer, proofs and bytes in one file.

use std::path::PathBuf;

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery};
use indicatif::HumanBytes;
use serde_json::json;

use crate::output::Answer;
use crate::session::Session;

const AFTER_HELP: &str = "\
Put it where it can be reached when nothing else can, with a copy of .holdfast/trust.json. `holdfast verify FILE`, \
`holdfast known-good CHANNEL --bundle FILE` and `holdfast pull --bundle FILE --to DIR` need no network at all.

Examples:
  holdfast bundle shop/prod -o shop-prod.bundle
  holdfast bundle shop/prod --component shop/release --not current -o way-back.bundle";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Only this line
    #[arg(long, value_name = "NAME")]
    component: Option<ArtifactName>,
    /// Not this: a digest, or what runs now
    #[arg(long, value_name = "current|DIGEST")]
    not: Option<Excluded>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let query = KnownGoodQuery {
            component: self.component,
            not: self.not,
            at: None,
            back: None,
            min_size: None,
            policy: None,
        };
        let summary = session.registry()?.bundle(&self.channel, &query, &self.out).await?;
        let file = self.out.display().to_string();
        let sentence = format!(
            "{} is in {file}: {} file(s), {}",
            self.channel,
            summary.files,
            HumanBytes(summary.bytes)
        );
        let json = json!({ "channel": self.channel, "bundle": file, "files": summary.files, "bytes": summary.bytes });
        session.output().answer(&Answer::new(&json)?.text(sentence))
    }
}
