//! Snapshots of streams: standard input, and the output of a program.

use std::io::Read;

use anyhow::Context as _;
use holdfast_client::stream::{Producer, StoredStream};
use holdfast_client::{ClientError, Registry};
use holdfast_formats::manifest::{Body, Consistency, DataAsOf};
use holdfast_formats::path::FilePath;
use holdfast_formats::text::Label;

use super::said::Made;
use super::{Args, TOOL};
use crate::command::publishing;
use crate::document::Data;
use crate::failure::Failure;
use crate::session::Session;

impl Args {
    pub(super) async fn standard_input(
        &self,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let name = self.stream_name()?;
        self.stream(std::io::stdin(), TOOL, name, registry, session).await
    }

    pub(super) async fn output_of_command(
        &self,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let name = self.stream_name()?;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("--from-command needs a command behind --").into());
        };
        let producer = Producer::of_user(program, arguments).map_err(ClientError::from)?;
        // Its arguments may hold a password.
        self.stream(producer, program, name, registry, session).await
    }

    async fn stream(
        &self,
        stream: impl Read + Send + 'static,
        tool: &str,
        name: &FilePath,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let not_before = Session::now();
        let stored = registry.store_stream(&self.target.name().namespace(), name, stream).await?;
        let data = Data {
            system: self.lineage.source().map(Label::as_str),
            engine: "stream",
            version: "unknown",
            dataset: name.as_str(),
            consistency: Consistency::Crash,
            as_of: DataAsOf { not_before, not_after: Session::now().max(not_before), position: None },
            tool,
        };
        self.publish_stored(&stored, data, registry, session).await
    }

    /// Makes a stored stream an artifact.
    pub(super) async fn publish_stored(
        &self,
        stored: &StoredStream,
        data: Data<'_>,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let body = self.lineage.complete(data.body()?, registry).await?;
        let versions = self.target.versions(Session::now());
        let about = self.more.about(&self.signing)?;
        let first = versions.first().context("a target has a version")?;
        let staged = registry.stage_stream(first, stored, Body::Snapshot(Box::new(body)), &about)?;
        let published = publishing::publish(staged, &versions, &self.signing, registry, session).await?;
        Ok(Made::whole(published))
    }

    fn stream_name(&self) -> anyhow::Result<&FilePath> {
        self.name.as_ref().ok_or_else(|| {
            Failure::usage("a stream has no name of its own")
                .with_hint("say what the file is to be called, such as --name shop.dump")
                .into()
        })
    }
}
