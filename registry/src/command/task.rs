//! A task that a command has done and waits for: by a node of its own or, when a registry runs on the store, by that one.

use std::sync::Arc;
use std::time::Duration;

use holdfast_formats::time::Timestamp;
use holdfast_registry::config::ServeConfig;
use holdfast_registry::folder_lock::FolderLock;
use holdfast_registry::node::Node;
use holdfast_registry::service::Failure;
use holdfast_registry::telemetry::Metrics;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{asking, opening};

/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a node can be asked to do, at `POST /v1/operations/<name>`.
pub(super) trait Task {
    /// The last part of its path.
    const NAME: &'static str;
    /// What begins a run, or only asks how it goes.
    type Request: Serialize + Sync;
    /// How it goes.
    type Status: DeserializeOwned;
    /// A run that ended.
    type Run;

    /// Asks how it goes, and begins nothing.
    fn look() -> Self::Request;

    /// Has a node of this process take a request.
    async fn take(node: &Node, request: Self::Request) -> Result<Self::Status, Failure>;

    /// When the run began that goes on.
    fn running(status: &Self::Status) -> Option<Timestamp>;

    /// The run that ended last, and when it began.
    fn ended(status: Self::Status) -> Option<(Timestamp, Self::Run)>;
}

/// The registry went away while it was at work.
#[derive(Debug, thiserror::Error)]
#[error("the registry ended, and its {task} with it; the next one goes on where it was")]
pub(super) struct RegistryEnded {
    task: &'static str,
}

/// Whoever does it.
pub(super) enum Worker<'a> {
    /// A node of this process; nobody else is on the data folder.
    Own(Box<Node>, FolderLock),
    /// The registry that runs.
    Running(&'a ServeConfig),
}

impl<'a> Worker<'a> {
    /// Finds the registry that runs, or starts a node.
    pub(super) async fn find(config: &'a ServeConfig) -> anyhow::Result<Self> {
        match Self::own(config).await {
            Err(error) if opening::is_in_use(&error) => Ok(Self::Running(config)),
            own => own,
        }
    }

    async fn own(config: &'a ServeConfig) -> anyhow::Result<Self> {
        let data = opening::data(config)?;
        let store = opening::store(config).await?;
        let node = opening::node(config, store, &Arc::new(Metrics::new()), None).await?;
        Ok(Self::Own(Box::new(node), data))
    }

    /// Asks how a task goes, or begins one.
    pub(super) async fn ask<T: Task>(&self, request: T::Request) -> anyhow::Result<T::Status> {
        match self {
            Self::Own(node, _) => Ok(T::take(node, request).await?),
            Self::Running(config) => asking::ask(config, T::NAME, &request).await,
        }
    }

    /// Ends the node, if it is one of this process.
    pub(super) async fn leave(self) {
        if let Self::Own(node, data) = self {
            node.stop().await;
            drop(data);
        }
    }
}

/// Begins a run and waits for its end.
pub(super) async fn run<T: Task>(config: &ServeConfig, order: T::Request) -> anyhow::Result<T::Run> {
    let worker = Worker::find(config).await?;
    let outcome = follow::<T>(&worker, order).await;
    worker.leave().await;
    outcome
}

async fn follow<T: Task>(worker: &Worker<'_>, order: T::Request) -> anyhow::Result<T::Run> {
    let gone = || RegistryEnded { task: T::NAME };
    let first = worker.ask::<T>(order).await?;
    let started =
        T::running(&first).or_else(|| T::ended(first).map(|(started, _)| started)).ok_or_else(gone)?;
    loop {
        let status = worker.ask::<T>(T::look()).await?;
        let goes_on = T::running(&status) == Some(started);
        match T::ended(status) {
            Some((began, run)) if began == started => return Ok(run),
            _ if goes_on => tokio::time::sleep(LOOK_EVERY).await,
            _ => return Err(gone().into()),
        }
    }
}
