//! `serve`: runs the registry until a signal ends it.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use holdfast_formats::tree::LeafIndex;
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::http::front::{
    FrontLimits, Listener, ServeOutcome, TlsAcceptor, connections_within_open_files, serve,
};
use holdfast_registry::node::Node;
use holdfast_registry::telemetry::{Metrics, start_logging};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{CommandFailure, opening, say};

/// How old a staging file must be before it is taken for a leftover of a crash.
const STAGING_AGE: std::time::Duration = std::time::Duration::from_hours(1);

/// The arguments of `serve`.
#[derive(Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    flags: ServeFlags,
    /// Go on although the log has this entry, which the rule book refuses and a person has looked at
    #[arg(long, value_name = "INDEX")]
    acknowledge_refused: Option<LeafIndex>,
}

pub(crate) fn run(arguments: ServeArguments) -> Result<(), CommandFailure> {
    let config = ServeConfig::load(arguments.flags)?;
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::run(&config, serve_until_signal(&config, arguments.acknowledge_refused))?)
}

async fn serve_until_signal(config: &ServeConfig, acknowledge: Option<LeafIndex>) -> anyhow::Result<()> {
    let signals = Signals::received().context("signals cannot be received")?;
    let tls = config.tls.as_ref().map(TlsAcceptor::load).transpose()?;
    let _data = opening::data(config)?;
    let store = opening::store(config).await?;
    let swept = store.sweep_staging(STAGING_AGE).await?;
    if swept > 0 {
        tracing::info!(files = swept, "leftovers of a crash were removed");
    }
    let metrics = Arc::new(Metrics::new());
    let node = opening::node(config, store, &metrics, acknowledge).await?;
    let listener = Listener::bind(config.listen, tls)?;
    greet(config, &listener, &node)?;
    let mut limits = FrontLimits::configured(&config.limits);
    limits.connections_max = connections_within_open_files(limits.connections_max);
    tokio::select! {
        outcome = serve(listener, node.router(), limits, metrics, signals.reached(1)) => match outcome {
            ServeOutcome::Drained => tracing::info!("stopped"),
            ServeOutcome::Aborted { connections } => tracing::warn!(connections, "stopped, connections were cut"),
        },
        () = signals.reached(2) => tracing::warn!("stopped at once by a second signal, connections were cut"),
    }
    node.stop().await;
    Ok(())
}

/// Says where the registry is, and at its first start how to log in.
fn greet(config: &ServeConfig, listener: &Listener, node: &Node) -> anyhow::Result<()> {
    let scheme = if listener.is_tls() { "https" } else { "http" };
    let url = config.external_url.clone().unwrap_or_else(|| format!("{scheme}://{}", listener.address()));
    let head = node.log().head();
    tracing::info!(store = %config.store, url, origin = %node.log().keys().origin, entries = head.size().get(), "serving");
    if let Some(reason) = head.halted() {
        tracing::error!(reason, "the log takes no entries");
    }
    if head.policy().is_none() {
        let secret = node.log().keys().new_login(&config.keys)?;
        say("This registry has no policy yet. The first login makes one; this URL works once:")?;
        say(&format!("login: holdfast login {url}#{}", secret.expose()))?;
    }
    Ok(say(&format!("holdfast-registry: serving on {url}"))?)
}

/// How often SIGTERM or SIGINT came. The first asks to drain, the second to end at once.
struct Signals {
    count: watch::Receiver<u32>,
}

impl Signals {
    fn received() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (counted, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                counted.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { count })
    }

    /// Resolves when so many came.
    fn reached(&self, wanted: u32) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.clone();
        // The task above never ends before the runtime does.
        async move { drop(count.wait_for(|count| *count >= wanted).await) }
    }
}
