//! `login`: the first person at a new registry, and a job of a CI.

use std::io::Read as _;

use anyhow::Context as _;
use holdfast_client::{LoginRequest, login};
use holdfast_formats::name::PrincipalId;
use serde_json::json;

use super::login_job::JobArgs;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
The registry prints the URL once, at its first start. What is behind # names the registry's keys: they are checked before \
anything is signed. Commit .holdfast/trust.json, so that everybody who clones the repository starts from the same trust.

A job of a CI needs no secret: where the policy has a principal of kind oidc for it, --oidc exchanges the ID token of its CI \
for a grant of at most an hour and a key for this job alone.

Examples:
  holdfast login http://127.0.0.1:7420#SECRET
  holdfast login - < url.txt
  holdfast login --oidc";

/// A URL with a secret is longer than this only by mistake.
const URL_BYTES_MAX: u64 = 4096;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The login URL; - reads it from standard input
    #[arg(value_name = "URL#SECRET", required_unless_present = "oidc")]
    url: Option<String>,
    /// Your name in the policy; owner when left out
    #[arg(long = "as", value_name = "NAME")]
    principal: Option<PrincipalId>,
    #[command(flatten)]
    job: JobArgs,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Some(url) = self.url else { return self.job.run(session).await };
        let url = if url == "-" { read_url()? } else { url };
        if !url.contains('#') {
            let message = "the address has no #SECRET, so nothing tells whether it is the right registry";
            return Err(Failure::usage(message)
                .with_hint("use the whole line that the registry printed at its first start")
                .into());
        }
        let request = LoginRequest { url, key_file: session.named_key_file(), principal: self.principal };
        let done = login(&session.places()?, &request).await?;
        let answer = Answer::new(&json!({
            "origin": done.origin,
            "url": done.url,
            "key": done.key,
            "key_file": shown(&done.key_file),
            "trust_file": shown(&done.trust_file),
            "policy_index": done.policy_index,
            "grant_index": done.grant_index,
        }))?
        .line(Line::heading(format!("logged in to {} at {}", done.origin, done.url)))
        .text(format!("  policy 1 is entry {}, signed by your key {}", done.policy_index, done.key))
        .text(format!("  key file   {}", shown(&done.key_file)))
        .text(format!("  trust file {} (commit it)", shown(&done.trust_file)));
        session.output().answer(&answer)
    }
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn read_url() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(URL_BYTES_MAX)
        .read_to_string(&mut text)
        .context("cannot read the login URL from standard input")?;
    match text.lines().next().map(str::trim) {
        Some(url) if !url.is_empty() => Ok(url.to_owned()),
        _ => Err(Failure::usage("standard input is empty").with_hint("pipe the login URL in").into()),
    }
}
