//! What a client does with a known-good answer: read it, follow the policies from trust.json, check every proof, signature
//! and reason, and the bytes. And the peer: one signature of Ed25519 alone.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use holdfast_client::{Bundle, OpenOptions, Places, Registry};
use holdfast_formats::key::SigningKey;
use holdfast_formats::name::ChannelName;
use holdfast_formats::wire::v1::KnownGoodQuery;

use crate::latency::Latencies;

const TIMES: usize = 2_000;

/// The arguments of `verify`.
#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// The folder that `holdfast login` made
    #[arg(long)]
    home: PathBuf,
    /// Where the registry is now
    #[arg(long)]
    url: Option<String>,
    /// The channel whose answer is verified; without it, one signature is
    #[arg(long)]
    channel: Option<ChannelName>,
}

type Job = Box<dyn FnMut() -> anyhow::Result<()>>;

pub(crate) async fn run(arguments: VerifyArguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut job = match arguments.channel {
        Some(channel) => {
            let token = std::env::var("HOLDFAST_TOKEN").ok().map(|token| token.parse()).transpose()?;
            let options = OpenOptions { url: arguments.url, token, ..OpenOptions::new() };
            answer(&arguments.home, options, &channel, folder.path().join("bundle")).await?
        }
        None => signature(),
    };
    job()?;
    let started = Instant::now();
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let before = Instant::now();
        job()?;
        took.push(before.elapsed());
    }
    Ok(Latencies::of(took).report(started.elapsed())?)
}

/// Verifies one answer as somebody who knows nothing but a trust.json. A bundle carries both, with all that proves it.
async fn answer(
    home: &Path,
    options: OpenOptions,
    channel: &ChannelName,
    file: PathBuf,
) -> anyhow::Result<Job> {
    let registry = Registry::open(&Places::under(home), options)?;
    let query = KnownGoodQuery::EVERYTHING;
    registry.bundle(channel, &query, &file).await?;
    let now = registry.now();
    Ok(Box::new(move || {
        let opened = Bundle::open_by_itself(&file, now)?;
        ensure!(!opened.answer().get().closure.is_empty(), "it answers something");
        Ok(())
    }))
}

fn signature() -> Job {
    let key = SigningKey::from_seed([7; 32]);
    let (message, public) = ([7; 1_000], key.public());
    let signature = key.sign(&message);
    Box::new(move || public.verify(&message, &signature).context("it was just signed"))
}
