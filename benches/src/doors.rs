//! One node behind two doors: the registry's own accept loop with its limits and deadlines, and plain `axum::serve`. The
//! routes and what every request gets besides are the same, so what differs is what the accept loop costs.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::http::front::{FrontLimits, Listener, observed, serve};
use holdfast_registry::telemetry::Metrics;

use crate::report::figure;

/// The arguments of `doors`: those of `serve`, for a registry that is stopped.
#[derive(Args)]
pub(crate) struct DoorsArguments {
    #[command(flatten)]
    flags: ServeFlags,
}

pub(crate) async fn run(arguments: DoorsArguments) -> anyhow::Result<()> {
    let config = ServeConfig::load(arguments.flags)?;
    let (node, _) = crate::node::open(&config.data).await?;
    let metrics = Arc::new(Metrics::new());
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let ours = Listener::bind(anywhere, None)?;
    let plain = tokio::net::TcpListener::bind(anywhere).await?;
    figure("ours", ours.address().port())?;
    figure("plain", plain.local_addr()?.port())?;
    let limits = FrontLimits::configured(&config.limits);
    let router = observed(node.router(), Arc::clone(&metrics));
    tokio::spawn(async move { axum::serve(plain, router).await });
    serve(ours, node.router(), limits, metrics, pending()).await;
    Ok(())
}
