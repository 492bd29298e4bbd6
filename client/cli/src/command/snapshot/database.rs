//! Snapshots of databases, by what their own makers ship for it.

use std::path::Path;

use holdfast_client::Registry;
use holdfast_client::stream::{PostgresForm, PostgresUrl, SourceFacts};
use holdfast_formats::manifest::Consistency;
use holdfast_formats::path::FilePath;
use holdfast_formats::text::Label;

use super::Args;
use super::said::Made;
use crate::document::Data;
use crate::session::Session;

impl Args {
    pub(super) async fn postgres(
        &self,
        url: &PostgresUrl,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let (form, ending) =
            if self.plain { (PostgresForm::Plain, "sql") } else { (PostgresForm::Custom, "dump") };
        let dump = registry.dump_postgres(url, form).await?;
        let facts = dump.facts().clone();
        let name = self.dump_name(&format!("{}.{ending}", facts.dataset), &format!("database.{ending}"))?;
        let stored = registry.store_stream(&self.target.name().namespace(), &name, dump).await?;
        self.publish_stored(&stored, self.data(&facts, url.host()), registry, session).await
    }

    pub(super) async fn sqlite(
        &self,
        file: &Path,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let copy = registry.copy_sqlite(file).await?;
        let facts = copy.facts().clone();
        let own = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let name = self.dump_name(&own, "database.sqlite")?;
        let stored = registry.store_stream(&self.target.name().namespace(), &name, copy).await?;
        self.publish_stored(&stored, self.data(&facts, None), registry, session).await
    }

    /// The name of the file: as given, else the database's own where a file may be called so.
    fn dump_name(&self, own: &str, otherwise: &str) -> anyhow::Result<FilePath> {
        match (&self.name, own.parse()) {
            (Some(given), _) => Ok(given.clone()),
            (None, Ok(own)) => Ok(own),
            (None, Err(_)) => Ok(otherwise.parse()?),
        }
    }

    fn data<'a>(&'a self, facts: &'a SourceFacts, host: Option<&'a str>) -> Data<'a> {
        Data {
            system: self.lineage.source().map(Label::as_str).or(host),
            engine: facts.engine.as_str(),
            version: facts.version.as_str(),
            dataset: &facts.dataset,
            consistency: Consistency::Transaction,
            as_of: facts.as_of.clone(),
            tool: facts.tool.as_str(),
        }
    }
}
