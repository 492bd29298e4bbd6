//! `token grant|revoke|list`: what programs may do.

use std::collections::BTreeMap;

use holdfast_client::{Draft, GrantDraft, HistoryEntry, Registry};
use holdfast_formats::key::PublicKey;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::statement::{Action, EntryIndex, Grant, Predicate, Revoke};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::tree::LeafIndex;
use serde_json::json;

use crate::command::logged::logged;
use crate::moment::Moment;
use crate::output::{Answer, Line, Variables};
use crate::session::Session;
use crate::signing::Signing;

/// Entries asked for at a time.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Make a token and log what it may do; the token itself is shown once and kept nowhere
    #[command(after_help = "\
A program gives the token as HOLDFAST_TOKEN.

Examples:
  holdfast token grant ci --action read,publish --name 'shop/*'
  holdfast token grant deployer --action read,deploy --channel shop/prod --expires 90d
  holdfast token grant run-77 --action read,publish --name shop/web --expires 2h --ephemeral-key ed25519:…")]
    Grant(GrantArgs),
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
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Grant(args) => grant(args, session).await,
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
    let wanted = GrantDraft {
        subject: subject.clone(),
        actions: args.actions,
        names,
        channels,
        quotas: None,
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
    let tokens = read(&registry).await?;
    let now = Session::now();
    let shown: Vec<_> = tokens
        .iter()
        .map(|(index, (grant, revoked))| {
            let state = match (revoked, grant.expires) {
                (Some(by), _) => format!("revoked by entry {by}"),
                (None, Some(at)) if at <= now => format!("expired {at}"),
                (None, Some(at)) => format!("until {at}"),
                (None, None) => "without end".to_owned(),
            };
            let over = revoked.is_some() || grant.expires.is_some_and(|at| at <= now);
            (index, grant, state, over)
        })
        .filter(|(_, _, _, over)| all || !over)
        .collect();
    let json: Vec<_> = shown
        .iter()
        .map(|(index, grant, state, _)| json!({ "index": index, "grant": grant, "state": state }))
        .collect();
    let lines = shown.iter().map(|(index, grant, state, _)| Line::plain(line(**index, grant, state)));
    session.output().answer(&Answer::new(&json)?.with_lines(lines))
}

fn line(index: LeafIndex, grant: &Grant, state: &str) -> String {
    let joined = |items: Vec<&str>| items.join(",");
    let actions = joined(grant.actions.iter().map(|action| action.as_str()).collect());
    let names = joined(grant.names.iter().map(NamePattern::as_str).collect());
    let channels = joined(grant.channels.iter().map(NamePattern::as_str).collect());
    format!("{index:>6}  {}  {actions}  names {names}  channels {channels}  {state}", grant.subject)
}

/// Every grant of the log, and the entry that revoked it.
async fn read(registry: &Registry) -> anyhow::Result<BTreeMap<LeafIndex, (Grant, Option<LeafIndex>)>> {
    let size = registry.sync().await?.size;
    let mut tokens = BTreeMap::new();
    let mut next = LeafIndex::new(0)?;
    while size.contains(next) {
        let entries: Vec<HistoryEntry> = registry.entries(next, PAGE).await?;
        let Some(last) = entries.last() else { break };
        next = last.index.checked_add(1)?;
        for entry in entries {
            match entry.statement.predicate {
                Predicate::Grant(grant) => {
                    tokens.insert(entry.index, (*grant, None));
                }
                Predicate::Revoke(revoke) => {
                    if let Some((_, revoked)) = tokens.get_mut(&revoke.grant.index) {
                        *revoked = Some(entry.index);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(tokens)
}
