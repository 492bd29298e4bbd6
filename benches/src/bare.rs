//! The peer of a lookup: the same HTTP stack answering as many bytes, with nothing behind it.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use bytes::Bytes;
use clap::Args;

use crate::report::figure;

/// The arguments of `bare`.
#[derive(Args)]
pub(crate) struct BareArguments {
    /// The size of the body
    #[arg(long)]
    bytes: usize,
}

pub(crate) async fn run(arguments: BareArguments) -> anyhow::Result<()> {
    let body = Bytes::from(vec![b'x'; arguments.bytes]);
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    figure("port", listener.local_addr()?.port())?;
    Ok(axum::serve(listener, Router::new().route("/{*path}", get(answer))).await?)
}
