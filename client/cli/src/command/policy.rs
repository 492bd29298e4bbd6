//! `policy show|edit`: the rules of the registry.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use holdfast_client::{Draft, Registry};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{ChannelRule, Policy, RoleRule};
use holdfast_formats::statement::EntryRef;
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_formats::wire::v1::ExitCode;

use super::logged::logged;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;
use crate::signing::Signing;

/// No policy that people wrote is larger.
const POLICY_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Show the policy in force
    #[command(
        after_help = "Examples:\n  holdfast policy show\n  holdfast policy show --format json > policy.json"
    )]
    Show,
    /// Change the policy: opens it in $EDITOR, then signs and submits its successor
    #[command(after_help = "\
Number and predecessor are filled in. The threshold of the current and of the new root keys must sign; with more than one, use \
--prepare.

Examples:
  holdfast policy edit
  holdfast policy edit --file policy.json
  holdfast policy edit --file policy.json --prepare p2.json")]
    Edit {
        /// Take the new policy from a file, in the form of `policy show --format json`
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        signing: Signing,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let (index, policy) = registry.policy().await?;
        match self {
            Self::Show => show(index, &policy, session),
            Self::Edit { file, signing } => edit(&registry, (index, policy), file, signing, session).await,
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
    let namespaces = policy.namespaces.iter().map(|n| {
        let read = if n.public_read { "public" } else { "by grant" };
        Line::plain(format!("  namespace   {}  read {read}, {} window(s)", n.name, n.windows.iter().count()))
    });
    let answer = Answer::new(policy)?
        .line(Line::heading(head))
        .text(root)
        .with_lines(principals)
        .with_lines(policy.roles.iter().map(role))
        .with_lines(namespaces)
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

fn channel(rule: &ChannelRule) -> Line {
    let follows = rule.follows.as_ref().map_or_else(String::new, |name| format!("  follows {name}"));
    Line::plain(format!(
        "  channel     {}{follows}  {} kind(s) of evidence, keeps {} pins",
        rule.pattern,
        rule.evidence.len(),
        rule.keep_pins
    ))
}

async fn edit(
    registry: &Registry,
    (index, current): (LeafIndex, Policy),
    file: Option<PathBuf>,
    signing: Signing,
    session: &Session,
) -> anyhow::Result<()> {
    let text = match file {
        Some(file) => std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?,
        None => in_editor(&current)?,
    };
    let wanted: Policy = holdfast_formats::from_json(&text, POLICY_BYTES_MAX).map_err(|wrong| {
        Failure::usage(format!("the new policy is malformed: {wrong}"))
            .with_hint("`holdfast policy show --format json` shows the form")
    })?;
    let Some(next) = successor(registry, index, &current, wanted).await? else {
        session.output().note("nothing was changed, so nothing is logged");
        return Ok(());
    };
    let number = next.number;
    let Some(submitted) = signing.log(Draft::new(next), registry, session).await? else { return Ok(()) };
    session.output().answer(&logged(&format!("policy {number} is in force"), None, &submitted)?)
}

/// The wanted policy in its place behind the current one; `None` when nothing else was changed.
async fn successor(
    registry: &Registry,
    index: LeafIndex,
    current: &Policy,
    wanted: Policy,
) -> anyhow::Result<Option<Policy>> {
    if wanted.number != current.number {
        let message = format!(
            "the new policy was written from policy {}, but policy {} is in force",
            wanted.number, current.number
        );
        return Err(Failure::new(ExitCode::Conflict, message)
            .with_hint("begin with `holdfast policy show --format json` again")
            .into());
    }
    if wanted == *current {
        return Ok(None);
    }
    let (receipt, _) = registry.receipt(index).await?;
    let leaf = TreeHash::leaf(&receipt.entry.0);
    Ok(Some(Policy { number: current.number.next()?, predecessor: Some(EntryRef { index, leaf }), ..wanted }))
}

/// Lets a person change the policy in their editor.
fn in_editor(current: &Policy) -> anyhow::Result<Vec<u8>> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to edit in")
            .with_hint("give the new policy with --file FILE")
            .into());
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let file = Scratch::with(&serde_json::to_vec_pretty(current)?)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !ended.success() {
        return Err(Failure::usage(format!("{program} ended with {ended}; nothing was changed")).into());
    }
    std::fs::read(file.path()).context("cannot read what was edited")
}

/// A file that only this user sees and that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn with(bytes: &[u8]) -> anyhow::Result<Self> {
        let file = std::env::temp_dir().join(format!("holdfast-policy-{}.json", holdfast_client::new_id()));
        crate::signing::write_new(&file, bytes)?;
        Ok(Self(file))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A policy is no secret: a file that stays behind does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}
