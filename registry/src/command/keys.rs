//! `keys`: makes the keys of a registry whose nodes share a store.

use std::path::PathBuf;

use clap::Args;
use holdfast_formats::origin::Origin;
use holdfast_registry::log::NodeKeys;

use super::{CommandFailure, say};

/// The arguments of `keys`.
#[derive(Args)]
pub(crate) struct KeysArguments {
    /// Directory to make and to put the keys in; keys that are there are never overwritten
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Name of the log that is to be started [default: a random one under holdfast.local/]
    #[arg(long, value_name = "NAME")]
    origin: Option<Origin>,
}

pub(crate) fn run(arguments: KeysArguments) -> Result<(), CommandFailure> {
    let KeysArguments { to, origin } = arguments;
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
