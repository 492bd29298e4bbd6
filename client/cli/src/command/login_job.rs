//! `login --oidc`: a job of a CI that keeps no secret.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::{IdTokenError, JobLogin, Places, github_id_token, login_job};
use holdfast_formats::id_token::IdToken;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::statement::Action;
use holdfast_formats::wire::v1::ExitCode;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

/// More than any issuer signs.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// Where a job of GitLab CI has its ID token, when its `id_tokens` says so.
const VARIABLE: &str = "HOLDFAST_ID_TOKEN";

/// Options of the login of a job.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Jobs of a CI")]
pub(crate) struct JobArgs {
    /// Log in as the job that this is: by the ID token of GitHub Actions, or that in `HOLDFAST_ID_TOKEN` (GitLab CI)
    #[arg(long, conflicts_with_all = ["url", "principal"])]
    pub(crate) oidc: bool,
    /// Whom the ID token is for, as the policy says; the log's name when left out
    #[arg(long, value_name = "NAME", requires = "oidc")]
    audience: Option<String>,
    /// Read the ID token from a file; - is standard input
    #[arg(long, value_name = "FILE", requires = "oidc")]
    oidc_token_file: Option<PathBuf>,
    /// Ask for these actions only; all that the policy allows when left out
    #[arg(long = "action", value_name = "ACTION,…", value_delimiter = ',', requires = "oidc")]
    actions: Option<Vec<Action>>,
    /// On these artifact names only
    #[arg(long = "name", value_name = "PATTERN,…", value_delimiter = ',', requires = "oidc")]
    names: Option<Vec<NamePattern>>,
    /// On these channels only
    #[arg(long = "channel", value_name = "PATTERN,…", value_delimiter = ',', requires = "oidc")]
    channels: Option<Vec<NamePattern>>,
}

impl JobArgs {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let places = session.places()?;
        let id_token = self.id_token(&places).await?;
        let JobArgs { actions, names, channels, .. } = self;
        let request = JobLogin { id_token, actions, names, channels };
        let done = login_job(&places, session.options(), request).await?;
        let (grant, index) = (&done.grant, done.grant_index);
        let joined = |items: Vec<&str>| items.join(",");
        let actions = joined(grant.actions.iter().map(|action| action.as_str()).collect());
        let names = joined(grant.names.iter().map(NamePattern::as_str).collect());
        let channels = joined(grant.channels.iter().map(NamePattern::as_str).collect());
        let until = grant.expires.map_or_else(String::new, |at| format!(", until {at}"));
        let answer = Answer::new(&json!({
            "origin": done.origin,
            "url": done.url,
            "key_file": done.key_file.display().to_string(),
            "grant_index": index,
            "grant": grant,
        }))?
        .line(Line::heading(format!("logged in to {} at {} as {}", done.origin, done.url, grant.subject)))
        .text(format!("  granted by entry {index}: {actions}{until}"))
        .text(format!("  names {names}, channels {channels}"))
        .text(format!("  key file   {} (for this job alone)", done.key_file.display()));
        session.output().answer(&answer)
    }

    /// The ID token from where it was said to be, or where the CI has it.
    async fn id_token(&self, places: &Places) -> anyhow::Result<IdToken> {
        if let Some(file) = &self.oidc_token_file {
            return parse(&read(file)?);
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let runner = variable("ACTIONS_ID_TOKEN_REQUEST_URL").zip(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        if let Some((address, bearer)) = runner {
            let audience = match &self.audience {
                Some(audience) => audience.clone(),
                None => places.trust()?.origin.to_string(),
            };
            return github_id_token(&address, &bearer, &audience)
                .await
                .map_err(|error| failed(&error).into());
        }
        match variable(VARIABLE) {
            Some(text) => parse(&text),
            None => Err(Failure::usage("nothing here says which job this is").with_hint(HINT).into()),
        }
    }
}

const HINT: &str = "in GitHub Actions give the job `permissions: id-token: write`; in GitLab CI set `id_tokens: \
HOLDFAST_ID_TOKEN: aud: …`; elsewhere use --oidc-token-file";

fn failed(error: &IdTokenError) -> Failure {
    let exit = match error {
        IdTokenError::Address => ExitCode::Usage,
        IdTokenError::Refused(_) | IdTokenError::Malformed => ExitCode::Unreachable,
    };
    Failure::new(exit, error.to_string())
}

fn parse(text: &str) -> anyhow::Result<IdToken> {
    text.trim()
        .parse()
        .map_err(|error: holdfast_formats::text::TextError| Failure::usage(error.to_string()).into())
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        let read = std::io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text);
        read.context("cannot read the ID token from standard input")?;
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let read = opened.take(TOKEN_BYTES_MAX).read_to_string(&mut text);
        read.with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}
