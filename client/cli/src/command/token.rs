//! `token grant|revoke|list`: what programs may do.

use holdfast_client::{Draft, GrantDraft, Tokens};
use holdfast_formats::key::PublicKey;
use holdfast_formats::number::{ByteSize, Count};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::statement::{Action, EntryIndex, Grant, Quotas, Revoke};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::GrantFact;
use serde_json::json;

use crate::command::logged::logged;
use crate::moment::Moment;
use crate::output::{Answer, Line, Variables};
use crate::session::Session;
use crate::signing::Signing;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Make a token and log what it may do; the token itself is shown once and kept nowhere
    #[command(after_help = "\
A program gives the token as HOLDFAST_TOKEN.

Examples:
  holdfast token grant ci --action read,publish --name 'shop/*'
  holdfast token grant deployer --action read,deploy --channel shop/prod --expires 90d
  holdfast token grant run-77 --action read,publish --name shop/web --expires 2h --ephemeral-key ed25519:…")]
    Grant(Box<GrantArgs>),
    /// End a token
    #[command(after_help = "Example:\n  holdfast token revoke 57 -m \"the laptop was lost\"")]
    Revoke {
        /// The entry of the grant, as `holdfast token list` shows it
        #[arg(value_name = "ENTRY")]
        grant: LeafIndex,
        /// Why
        #[arg(long, short = 'm', value_name = "REASON")]
        reason: Reason,
        #[command(flatten)]
        signing: Signing,
    },
    /// Which tokens there are; needs a token with the audit action
    #[command(after_help = "Examples:\n  holdfast token list\n  holdfast token list --all")]
    List {
        /// Those that ended too
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct GrantArgs {
    /// Who or what the token is for
    subject: Label,
    /// What it may do: read, publish, attest, deploy, release, hold, operate, administer, audit
    #[arg(long = "action", value_name = "ACTION,…", value_delimiter = ',', required = true)]
    actions: Vec<Action>,
    /// On which artifact names: a name, shop/* for all below shop, * for all
    #[arg(long = "name", value_name = "PATTERN,…", value_delimiter = ',', default_value = "*")]
    names: Vec<NamePattern>,
    /// On which channels
    #[arg(long = "channel", value_name = "PATTERN,…", value_delimiter = ',', default_value = "*")]
    channels: Vec<NamePattern>,
    /// When it ends: a duration from now, or a time
    #[arg(long, value_name = "WHEN")]
    expires: Option<Moment>,
    /// The public half of a short-lived key that may sign under this token, as `holdfast key generate` shows it
    #[arg(long, value_name = "KEY", requires = "expires")]
    ephemeral_key: Option<PublicKey>,
    /// How many uploaded bytes may wait for their publication
    #[arg(long, value_name = "BYTES")]
    bytes_unpublished: Option<u64>,
    /// How many entries it may log a day
    #[arg(long, value_name = "N")]
    entries_per_day: Option<u64>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Grant(args) => grant(*args, session).await,
            Self::Revoke { grant, reason, signing } => {
                let registry = session.registry()?;
                let draft = Draft::new(Revoke { grant: EntryIndex { index: grant }, reason });
                let Some(submitted) = signing.log(draft, &registry, session).await? else { return Ok(()) };
                session.output().answer(&logged(&format!("revoked grant {grant}"), None, &submitted)?)
            }
            Self::List { all } => list(all, session).await,
        }
    }
}

async fn grant(args: GrantArgs, session: &Session) -> anyhow::Result<()> {
    let registry = session.registry()?;
    let expires = args.expires.map(|when| when.ahead_of(Session::now()));
    let (subject, names, channels) = (args.subject, args.names, args.channels);
    let bytes_unpublished = args.bytes_unpublished.map(ByteSize::new).transpose()?;
    let entries_per_day = args.entries_per_day.map(Count::new).transpose()?;
    let limited = bytes_unpublished.is_some() || entries_per_day.is_some();
    let quotas = limited.then_some(Quotas { bytes_unpublished, entries_per_day });
    let wanted = GrantDraft {
        subject: subject.clone(),
        actions: args.actions,
        names,
        channels,
        quotas,
        expires,
        key: args.ephemeral_key,
    };
    let (draft, token) = wanted.draft();
    let submitted = args.signing.log(draft, &registry, session).await?;
    let index = submitted.map(|submitted| submitted.index);
    match index {
        Some(index) => session
            .output()
            .note(format!("granted to {subject} by entry {index}; the token is shown this once")),
        None => session
            .output()
            .note("the token below works once the statement is signed and submitted; it is shown this once"),
    }
    let variables = Variables::none().with("HOLDFAST_TOKEN", token.expose())?;
    let json = json!({ "token": token.expose(), "index": index });
    session.output().answer(&Answer::new(&json)?.text(token.expose()).with_variables(variables))
}

async fn list(all: bool, session: &Session) -> anyhow::Result<()> {
    let registry = session.registry()?;
    let tokens = registry.grants(if all { Tokens::All } else { Tokens::Standing }).await?;
    let now = Session::now();
    let shown: Vec<_> = tokens.iter().map(|token| (token.get(), state(token.get(), now))).collect();
    let json: Vec<_> = shown
        .iter()
        .map(|(fact, state)| json!({ "index": fact.index, "grant": fact.grant, "state": state }))
        .collect();
    let lines = shown.iter().map(|(fact, state)| Line::plain(line(fact.index, &fact.grant, state)));
    session.output().answer(&Answer::new(&json)?.with_lines(lines))
}

fn state(fact: &GrantFact, now: Timestamp) -> String {
    match (fact.revoked, fact.grant.expires) {
        (Some(by), _) => format!("revoked by entry {by}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "without end".to_owned(),
    }
}

fn line(index: LeafIndex, grant: &Grant, state: &str) -> String {
    let joined = |items: Vec<&str>| items.join(",");
    let actions = joined(grant.actions.iter().map(|action| action.as_str()).collect());
    let names = joined(grant.names.iter().map(NamePattern::as_str).collect());
    let channels = joined(grant.channels.iter().map(NamePattern::as_str).collect());
    format!("{index:>6}  {}  {actions}  names {names}  channels {channels}  {state}", grant.subject)
}
