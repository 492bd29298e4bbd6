//! `trust show`: what this repository starts from.

use holdfast_formats::trust::TrustedWitnesses;

use crate::output::{Answer, Line};
use crate::session::Session;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Show .holdfast/trust.json: the log, its keys, and the policy that the chain is followed from
    #[command(after_help = "Example:\n  holdfast trust show")]
    Show,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self::Show = self;
        let places = session.places()?;
        let trust = places.trust()?;
        let keys = |role: &str, keys: &[holdfast_formats::key::PublicKey]| -> Vec<Line> {
            keys.iter().map(|key| Line::plain(format!("  {role} key  {key}"))).collect()
        };
        let answer = Answer::new(&trust)?
            .line(Line::heading(format!("{} at {}", trust.origin, trust.url)))
            .text(format!("  from      {}", places.trust_file().display()))
            .text(format!("  policy    {} and its successors", trust.policy.number))
            .with_lines(keys("root", &trust.root.keys))
            .text(format!("  threshold {} of {}", trust.root.threshold, trust.root.keys.len()))
            .with_lines(keys("log ", &trust.log_keys))
            .with_lines(keys("head", &trust.head_keys))
            .with_lines(trust.witnesses.iter().flat_map(witnesses))
            .text(format!("  a channel head is good for {} s", trust.head_max_age_s));
        session.output().answer(&answer)
    }
}

fn witnesses(trusted: &TrustedWitnesses) -> Vec<Line> {
    let keys = trusted.keys.iter().map(|key| Line::plain(format!("  witness   {key}")));
    let quorum = Line::plain(format!("  quorum    {} of {}", trusted.quorum, trusted.keys.len()));
    keys.chain([quorum]).collect()
}
