//! The `holdfast-registry` binary: reads its settings and hands them on.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use clap::{Parser, Subcommand};
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::SystemClock;
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::http::front::{FrontLimits, Listener, ServeOutcome, TlsAcceptor, serve};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, METRICS_CONTENT_TYPE, Metrics, start_logging};
use tokio::signal::unix::{SignalKind, signal};

const EXIT_USAGE: u8 = 2;

/// Immutable artifacts and backups, and the last state that was known to be good.
#[derive(Parser)]
#[command(name = "holdfast-registry", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the registry; the first start makes the store
    ///
    /// Without any flag it runs on a store under ./holdfast-data and listens on 127.0.0.1:7420. Every flag is also an
    /// environment variable and a key of holdfast.toml.
    #[command(
        after_long_help = "Example:\n  holdfast-registry serve --listen 0.0.0.0:7420 --data /srv/holdfast"
    )]
    Serve(ServeFlags),
}

fn main() -> ExitCode {
    let Command::Serve(flags) = Cli::parse().command;
    let config = match ServeConfig::load(flags) {
        Ok(config) => config,
        Err(error) => return failed(&error.into(), EXIT_USAGE),
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, 1),
    }
}

fn failed(error: &anyhow::Error, code: u8) -> ExitCode {
    use std::io::Write;
    // When standard error is gone there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "holdfast-registry: {error:#}"));
    ExitCode::from(code)
}

fn run(config: ServeConfig) -> anyhow::Result<()> {
    start_logging(config.log_format, &config.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Reads of a local store bring their own blocking calls; ours are bounded by `Blocking`.
        .max_blocking_threads(config.limits.blocking_max.get().saturating_mul(2))
        .build()
        .context("the runtime did not start")?;
    runtime.block_on(run_serve(config))
}

async fn run_serve(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = shutdown_signal().context("signals cannot be received")?;
    let tls = config.tls.as_ref().map(TlsAcceptor::load).transpose()?;
    let listener = Listener::bind(config.listen, tls)?;
    let host = Host {
        blocking: Blocking::new(config.limits.blocking_max),
        clock: SystemClock::shared(),
        fatal: Fatal::process(),
    };
    let store = Store::open(&config.store, host).await?;
    store.probe().await?;
    tracing::info!(store = %config.store, address = %listener.address(), tls = listener.is_tls(), "serving");
    let metrics = Arc::new(Metrics::new());
    let limits = FrontLimits::configured(&config.limits);
    match serve(listener, router(&metrics), limits, metrics, shutdown).await {
        ServeOutcome::Drained => tracing::info!("stopped"),
        ServeOutcome::Aborted { connections } => tracing::warn!(connections, "stopped, connections were cut"),
    }
    Ok(())
}

fn router(metrics: &Arc<Metrics>) -> Router {
    let metrics = Arc::clone(metrics);
    let page = move || async move { ([("content-type", METRICS_CONTENT_TYPE)], metrics.render()) };
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/metrics", get(page))
}

/// Resolves at the first SIGTERM or SIGINT.
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
