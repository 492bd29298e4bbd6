//! `keys`: makes the keys of a registry whose nodes share a store, and the next key when one is to be changed.

use std::path::{Path, PathBuf};

use clap::Args;
use holdfast_formats::origin::Origin;
use holdfast_registry::log::{KeyKind, NodeKeys};

use super::{CommandFailure, say};

/// The arguments of `keys`.
#[derive(Args)]
pub(crate) struct KeysArguments {
    /// Directory to make and to put the keys in, or with --add the one they are in; keys that are there are never overwritten
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Name of the log that is to be started [default: a random one under holdfast.local/]
    #[arg(long, value_name = "NAME")]
    origin: Option<Origin>,
    /// Make the next log, head or registry key beside those that are there, for `holdfast policy rotate`
    #[arg(long, value_name = "KIND", value_parser = parse_kind, conflicts_with = "origin")]
    add: Option<KeyKind>,
}

fn parse_kind(text: &str) -> Result<KeyKind, String> {
    let found = KeyKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| "write log, head or registry".to_owned())
}

pub(crate) fn run(arguments: KeysArguments) -> Result<(), CommandFailure> {
    let KeysArguments { to, origin, add } = arguments;
    if let Some(kind) = add {
        return next_key(&to, kind);
    }
    let keys = NodeKeys::make(&to, origin)?;
    let [log, head, registry] = keys.public();
    let shown = to.display();
    say(&format!("keys      {shown}"))?;
    say(&format!("origin    {}", keys.origin))?;
    say(&format!("log       {log}"))?;
    say(&format!("head      {head}"))?;
    say(&format!("registry  {registry}"))?;
    say("")?;
    say("Keep a copy where nobody else reads it: without these keys the log can never be gone on with.")?;
    say(&format!(
        "Then put the folder on every node and start each with the same store:\n  holdfast-registry serve --store s3://BUCKET/PREFIX --keys {shown}"
    ))?;
    Ok(())
}

/// The registry need not be stopped: it finds the key when a policy names it.
fn next_key(folder: &Path, kind: KeyKind) -> Result<(), CommandFailure> {
    let (path, key) = NodeKeys::add(folder, kind)?;
    let (name, shown) = (kind.as_str(), path.display());
    say(&format!("key       {shown}"))?;
    say(&format!("{name:<10}{key}"))?;
    say("")?;
    say(
        "It signs nothing before a policy names it. Keep a copy, put the file on every node that shares the store, then:",
    )?;
    Ok(say(&format!("  holdfast policy rotate {name}-key {key}"))?)
}
