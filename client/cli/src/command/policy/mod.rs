//! `policy show|edit|upgrade|rotate|distrust`: the rules of the registry, and their changes.

mod change;
mod distrust;
mod edit;
mod rotate;
mod text;
mod upgrade;

pub(super) use change::show_change;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{ChannelRule, NamespaceRule, Policy, RoleRule};
use holdfast_formats::tree::LeafIndex;

use crate::output::{Answer, Line};
use crate::session::Session;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Show the policy in force
    #[command(
        after_help = "Examples:\n  holdfast policy show\n  holdfast policy show --format json > policy.json"
    )]
    Show,
    /// Change the policy: opens it in $EDITOR, shows the difference, then signs and submits its successor
    Edit(Box<edit::Args>),
    /// Go on as a team: more people, with thresholds and separate duties
    #[command(subcommand)]
    Upgrade(upgrade::Args),
    /// Give the registry or the root a new key
    Rotate(Box<rotate::Args>),
    /// Stop trusting a key, from an entry on
    Distrust(Box<distrust::Args>),
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Show => {
                let (index, policy) = session.registry()?.policy().await?;
                show(index, &policy, session)
            }
            Self::Edit(args) => args.run(session).await,
            Self::Upgrade(args) => args.run(session).await,
            Self::Rotate(args) => args.run(session).await,
            Self::Distrust(args) => args.run(session).await,
        }
    }
}

fn show(index: LeafIndex, policy: &Policy, session: &Session) -> anyhow::Result<()> {
    let head = format!("policy {} of {}, entry {index}", policy.number, policy.origin);
    let root = format!("  root        {} of {} keys", policy.root.threshold, policy.root.keys.len());
    let principals = policy.principals.iter().map(|p| {
        let key = p.key.as_ref().map_or_else(|| "by its issuer".to_owned(), ToString::to_string);
        Line::plain(format!("  principal   {} {key}", p.id))
    });
    let answer = Answer::new(policy)?
        .line(Line::heading(head))
        .text(root)
        .with_lines(principals)
        .with_lines(policy.roles.iter().map(role))
        .with_lines(policy.namespaces.iter().flat_map(namespace))
        .with_lines(policy.channels.iter().map(channel));
    session.output().answer(&answer)
}

fn role(rule: &RoleRule) -> Line {
    let who: Vec<String> = rule.principals.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = rule.names.iter().map(NamePattern::as_str).collect();
    let channels: Vec<&str> = rule.channels.iter().map(NamePattern::as_str).collect();
    Line::plain(format!(
        "  role        {}: {} of {}  names {}  channels {}",
        rule.role,
        rule.threshold,
        who.join(","),
        names.join(","),
        channels.join(",")
    ))
}

/// A namespace with its windows.
fn namespace(rule: &NamespaceRule) -> Vec<Line> {
    let read = if rule.public_read { "public" } else { "by grant" };
    let longest = text::shown(rule.keep_max_s.get());
    let head = format!("  namespace   {}  read {read}, kept for {longest} at most", rule.name);
    let windows = rule.windows.iter().map(|(class, window)| {
        let keep = text::shown(window.keep_s.get());
        Line::plain(format!("  window      {}  {class} for {keep}, {}", rule.name, window.mode))
    });
    std::iter::once(Line::plain(head)).chain(windows).collect()
}

fn channel(rule: &ChannelRule) -> Line {
    let follows = rule.follows.as_ref().map_or_else(String::new, |name| format!("  follows {name}"));
    Line::plain(format!(
        "  channel     {}{follows}  {} kind(s) of evidence, back within {}, keeps {} pins",
        rule.pattern,
        rule.evidence.len(),
        text::shown(rule.rollback_window_s.get()),
        rule.keep_pins
    ))
}
