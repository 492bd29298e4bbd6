//! A PostgreSQL database as a stream: the system's own `pg_dump`, at a snapshot that a session of `psql` exports.
//!
//! Owns which programs run and what they say of the data. The exporting session tells which transactions the dump sees,
//! so the time of the data is a point and no interval as long as the dump.

use std::io::{self, Read};
use std::process::{Command, Stdio};

use holdfast_formats::manifest::{DataAsOf, Position};

use super::facts::fact;
use super::producer::Producer;
use super::psql::Psql;
use super::{PostgresUrl, SourceFacts, StreamError};
use crate::blocking;
use crate::clock::SharedClock;
use crate::error::ClientError;
use crate::session::Registry;

/// What the programs are part of.
pub(super) const PACKAGE: &str = "the client programs of PostgreSQL, postgresql-client on Debian";

const PROGRAM: &str = "pg_dump";
/// A column must not hold the separator; no database name that is shown in a manifest needs one.
const DATABASE: &str = "SELECT translate(current_database(), '|', '/'), current_setting('server_version');\n";
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n";
const EXPORT: &str = "SELECT pg_export_snapshot(), pg_current_snapshot();\n";

/// In which form a database is dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresForm {
    /// For `pg_restore`. Not compressed by it: chunks are, and only what is not compressed before shares any.
    Custom,
    /// SQL for `psql`.
    Plain,
}

/// A running dump.
#[derive(Debug)]
pub struct PostgresDump {
    facts: SourceFacts,
    dump: Producer,
    /// The snapshot stands as long as the session that exported it.
    _session: Psql,
}

impl Registry {
    /// Begins to dump a database.
    pub async fn dump_postgres(
        &self,
        url: &PostgresUrl,
        form: PostgresForm,
    ) -> Result<PostgresDump, ClientError> {
        let (url, clock) = (url.clone(), self.shared_clock());
        Ok(blocking::run(move || PostgresDump::begin(&url, form, &clock)).await?)
    }
}

impl PostgresDump {
    fn begin(url: &PostgresUrl, form: PostgresForm, clock: &SharedClock) -> Result<Self, StreamError> {
        let mut session = Psql::open(url)?;
        let [dataset, version] = session.row(DATABASE)?;
        session.run(BEGIN)?;
        let not_before = clock.now();
        let [snapshot, transactions] = session.row(EXPORT)?;
        let position = position(&transactions);
        let as_of = DataAsOf { not_before, not_after: clock.now(), position };
        let facts = SourceFacts {
            engine: fact("engine", "postgresql")?,
            version: fact("version", &version)?,
            dataset,
            tool: fact("tool", &tool()?)?,
            as_of,
        };
        let dump = Producer::quiet(command(url, form, &snapshot), PROGRAM, PACKAGE)?;
        Ok(Self { facts, dump, _session: session })
    }

    /// What the database says of itself.
    pub const fn facts(&self) -> &SourceFacts {
        &self.facts
    }
}

impl Read for PostgresDump {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.dump.read(into)
    }
}

fn command(url: &PostgresUrl, form: PostgresForm, snapshot: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(match form {
        PostgresForm::Custom => ["--format=custom", "--compress=0"].as_slice(),
        PostgresForm::Plain => ["--format=plain"].as_slice(),
    });
    command.arg(format!("--snapshot={snapshot}"));
    url.give(&mut command);
    command.stdin(Stdio::null());
    command
}

fn tool() -> Result<String, StreamError> {
    let mut command = Command::new(PROGRAM);
    command.arg("--version").stdin(Stdio::null());
    Ok(Producer::quiet(command, PROGRAM, PACKAGE)?.output()?.trim().to_owned())
}

/// Which transactions the dump sees. Where too many are under way to name them all, the time alone must do.
fn position(transactions: &str) -> Option<Position> {
    Some(Position { kind: "pg_snapshot".parse().ok()?, value: transactions.parse().ok()? })
}
