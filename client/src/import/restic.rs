//! The user's own `restic`: which snapshots a repository has, and the tree of one. The password is where restic looks for
//! it, and never comes here.

use std::process::{Command, Stdio};

use holdfast_formats::manifest::{DataAsOf, Position};
use holdfast_formats::time::Timestamp;
use serde::Deserialize;

use super::Unpacked;
use crate::blocking;
use crate::error::ClientError;
use crate::session::Registry;
use crate::stream::{Producer, SourceFacts, StreamError, fact};

const PROGRAM: &str = "restic";
const PACKAGE: &str = "restic on Debian";
/// What the position of an imported snapshot is called.
const POSITION: &str = "restic-snapshot";

/// A repository, as restic names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResticRepository(String);

/// One of its snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResticSnapshot {
    /// Its whole id.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The machine that it is of.
    pub host: String,
    /// What was backed up, and by what.
    pub facts: SourceFacts,
}

/// What `restic snapshots --json` says of one; it says more.
#[derive(Deserialize)]
struct Listed {
    id: String,
    time: String,
    hostname: String,
    paths: Vec<String>,
}

impl Registry {
    /// The snapshots of a repository, oldest first; only those that were named, if some were.
    pub async fn restic_snapshots(
        &self,
        repository: &ResticRepository,
        ids: &[String],
    ) -> Result<Vec<ResticSnapshot>, ClientError> {
        let (repository, ids) = (repository.clone(), ids.to_owned());
        Ok(blocking::run(move || repository.snapshots(&ids)).await?)
    }

    /// Unpacks the tree of a snapshot.
    pub async fn unpack_restic(
        &self,
        repository: &ResticRepository,
        snapshot: &ResticSnapshot,
    ) -> Result<Unpacked, ClientError> {
        let (repository, id) = (repository.clone(), snapshot.id.clone());
        Ok(blocking::run(move || repository.unpack(&id)).await?)
    }
}

impl ResticRepository {
    /// A repository by the name that `restic --repo` takes.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        // Nothing else writes to it, and a lock would need the right to.
        command.arg("--repo").arg(&self.0).arg("--no-lock").args(arguments).stdin(Stdio::null());
        command
    }

    fn snapshots(&self, ids: &[String]) -> Result<Vec<ResticSnapshot>, StreamError> {
        let version = version()?;
        let mut command = self.command(&["snapshots", "--json"]);
        command.args(ids);
        let said = Producer::quiet(command, PROGRAM, PACKAGE)?.output()?;
        let listed: Option<Vec<Listed>> = serde_json::from_str(&said).map_err(|_| answer(&said))?;
        let mut found: Vec<ResticSnapshot> =
            listed.unwrap_or_default().into_iter().map(|one| one.read(&version)).collect::<Result<_, _>>()?;
        if found.is_empty() {
            return Err(StreamError::NoArchive("the repository has no such snapshot".to_owned()));
        }
        found.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        Ok(found)
    }

    /// `restore` and not `dump`: an archive of the latter has times to the second and no hard links.
    fn unpack(&self, id: &str) -> Result<Unpacked, StreamError> {
        let unpacked = Unpacked::empty()?;
        let mut command = self.command(&["restore", "--quiet", id]);
        command.arg("--target").arg(unpacked.root());
        Producer::quiet(command, PROGRAM, PACKAGE)?.output()?;
        Ok(unpacked)
    }
}

impl Listed {
    fn read(self, version: &str) -> Result<ResticSnapshot, StreamError> {
        let time = moment(&self.time).ok_or_else(|| answer(&self.time))?;
        let position = Position { kind: fact("position", POSITION)?, value: fact("id", &self.id)? };
        let facts = SourceFacts {
            engine: fact("engine", PROGRAM)?,
            version: fact("version", version)?,
            dataset: self.paths.join(", "),
            tool: fact("tool", "holdfast import")?,
            as_of: DataAsOf { not_before: time, not_after: time, position: Some(position) },
        };
        Ok(ResticSnapshot { id: self.id, time, host: self.hostname, facts })
    }
}

/// `restic 0.14.0 compiled with …`
fn version() -> Result<String, StreamError> {
    let mut command = Command::new(PROGRAM);
    command.arg("version").stdin(Stdio::null());
    let said = Producer::quiet(command, PROGRAM, PACKAGE)?.output()?;
    said.split_whitespace().nth(1).map(str::to_owned).ok_or_else(|| answer(&said))
}

fn answer(said: &str) -> StreamError {
    StreamError::Answer { program: PROGRAM.to_owned(), answer: said.chars().take(200).collect() }
}

/// A time with up to nanoseconds and the offset of wherever it was made.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let zone = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let local: Timestamp = format!("{date}T{seconds}.{millis}Z").parse().ok()?;
    let behind = |offset: &str| {
        let (hours, minutes) = offset.split_once(':')?;
        Some((hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?) * 60_000)
    };
    match zone.split_at_checked(1)? {
        ("Z", "") => Some(local),
        ("+", offset) => local.as_ms().checked_sub(behind(offset)?).map(Timestamp::from_ms),
        ("-", offset) => Some(local.plus_ms(behind(offset)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_any_offset_is_that_moment() {
        for text in [
            "2026-11-21T07:00:00.123456789Z",
            "2026-11-21T08:00:00.123+01:00",
            "2026-11-21T01:30:00.1239-05:30",
        ] {
            assert_eq!(moment(text).unwrap().to_string(), "2026-11-21T07:00:00.123Z", "{text}");
        }
        assert_eq!(moment("2026-11-21T07:00:00Z").unwrap().to_string(), "2026-11-21T07:00:00.000Z");
        for text in ["", "2026-11-21", "2026-11-21T07:00:00", "2026-11-21T07:00:00+0100", "x"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
