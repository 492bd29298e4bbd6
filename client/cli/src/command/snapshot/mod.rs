//! `snapshot`: data becomes one version of an artifact of kind snapshot.

mod database;
mod lineage;
mod said;
mod stream;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::stream::PostgresUrl;
use holdfast_client::{PushRequest, Registry};
use holdfast_formats::manifest::Body;
use holdfast_formats::path::FilePath;

pub(super) use self::lineage::Lineage;
pub(super) use self::said::Made;
pub(super) use self::tree::{Tree, Walk};
use super::describing::Describing;
use super::publishing;
use super::target::{Target, parse_target};
use crate::document::snapshot_of_files;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const TOOL: &str = "holdfast snapshot";

const AFTER_HELP: &str = "\
@now stands for the time in UTC, to the second; when that version is taken, for the next second. The name of what was \
made goes to standard output, everything else to standard error.

Of a folder, files whose size, times and inode are as in the snapshot before are not read again; --force-read reads them. \
What cannot be read is named, the rest is stored, and the exit code is 11. A file is stored as it is: only of folders are \
owners, times and attributes kept.

A stream is stored while it is read. Whether the program before a pipe failed is not told to this one: write \
`set -o pipefail` in the shell, or let --from-command run the program; then nothing is published unless it succeeds.

--postgres runs the system's pg_dump at an exported snapshot, so the data is of one moment. The custom format is for \
pg_restore and not compressed by pg_dump, because chunks are, and share nothing when they come compressed. A password in \
the URL is seen by whoever lists processes while this runs: ~/.pgpass or PGPASSWORD keep it to yourself. --sqlite makes \
its copy in the folder that TMPDIR names.

To restore: `holdfast restore REF --to DIR` writes the file, then `pg_restore --dbname NEW DIR/shop.dump`.

Examples:
  holdfast snapshot shop/files@now ./data --exclude '*.tmp'
  pg_dump --format=custom --compress=0 shop | holdfast snapshot shop/db@now - --name shop.dump
  holdfast snapshot shop/db@now --name shop.sql --from-command -- mysqldump shop
  holdfast snapshot shop/db@now --postgres postgres://backup@db.example/shop --schema-state 42
  holdfast snapshot shop/queue@now --sqlite /var/lib/queue.sqlite --keep-class nightly";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Name and version; @now stands for the time in UTC
    #[arg(value_name = "NAME@VERSION", value_parser = parse_target)]
    target: Target,
    #[command(flatten)]
    of: Of,
    /// The name of the file that a stream or dump becomes
    #[arg(long, value_name = "FILE")]
    name: Option<FilePath>,
    /// Dump PostgreSQL as SQL instead of in the custom format
    #[arg(long, requires = "postgres")]
    plain: bool,
    /// What --from-command runs
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["path", "postgres", "sqlite"])]
    command: Vec<String>,
    #[command(flatten)]
    walk: Walk,
    #[command(flatten)]
    lineage: Lineage,
    #[command(flatten)]
    more: Describing,
    #[command(flatten)]
    signing: Signing,
}

/// What the snapshot is of: one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// A folder, a file, or - for standard input
    #[arg(value_name = "SOURCE")]
    path: Option<PathBuf>,
    /// The output of the program behind --; nothing is published unless it succeeds
    #[arg(long, requires = "command")]
    from_command: bool,
    /// A PostgreSQL database, dumped at one moment
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// A SQLite database, by its online backup
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let made = match &self.of {
            Of { path: Some(path), .. } if path.as_os_str() == "-" => {
                self.standard_input(&registry, session).await
            }
            Of { path: Some(path), .. } if path.is_dir() => self.tree(path, &registry, session).await,
            Of { path: Some(path), .. } => self.file(path, &registry, session).await,
            Of { postgres: Some(url), .. } => {
                let url: PostgresUrl = url.parse().map_err(holdfast_client::ClientError::from)?;
                self.postgres(&url, &registry, session).await
            }
            Of { sqlite: Some(file), .. } => self.sqlite(file, &registry, session).await,
            Of { .. } => self.output_of_command(&registry, session).await,
        };
        made?.say(session)
    }

    async fn tree(&self, path: &Path, registry: &Registry, session: &Session) -> anyhow::Result<Made> {
        self.refuse_name("a folder keeps the names of its files")?;
        let tree = Tree {
            root: path,
            versions: &self.target.versions(Session::now()),
            walk: &self.walk,
            lineage: &self.lineage,
            system: None,
            facts: None,
            about: self.more.about(&self.signing)?,
        };
        tree.publish(&self.signing, registry, session).await
    }

    async fn file(&self, path: &Path, registry: &Registry, session: &Session) -> anyhow::Result<Made> {
        self.refuse_name("a file keeps its own name")?;
        let own = snapshot_of_files(path, self.lineage.source(), TOOL, Session::now())?;
        let versions = self.target.versions(Session::now());
        let request = PushRequest {
            artifact: versions.first().context("a target has a version")?.clone(),
            source: path.to_owned(),
            body: Body::Snapshot(Box::new(self.lineage.complete(own, registry).await?)),
            about: self.more.about(&self.signing)?,
        };
        Ok(Made::whole(publishing::push(&request, &versions, &self.signing, registry, session).await?))
    }

    fn refuse_name(&self, why: &str) -> anyhow::Result<()> {
        let hint = "leave --name out; it names streams and dumps";
        if self.name.is_none() { Ok(()) } else { Err(Failure::usage(why).with_hint(hint).into()) }
    }
}
