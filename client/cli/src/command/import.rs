//! `import`: what another tool archived becomes snapshots.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use holdfast_client::Registry;
use holdfast_client::import::{ResticRepository, ResticSnapshot};
use holdfast_client::stream::SourceFacts;
use holdfast_formats::manifest::{Body, DataAsOf};
use holdfast_formats::name::ArtifactName;
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::wire::v1::ExitCode;

use super::describing::Describing;
use super::snapshot::{Lineage, Made, Tree, Walk};
use super::target::{Target, parse_target};
use crate::document::modified;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
What is imported is unpacked into the folder that TMPDIR names, by the system's tar or your restic, and stored from there \
with names, modes, times, links and attributes; owners and devices only as root, who alone can make them.

restic is run as you would run it: its password comes from RESTIC_PASSWORD, RESTIC_PASSWORD_FILE or \
RESTIC_PASSWORD_COMMAND. Each of its snapshots becomes one version, named after its time, whose data is of that time; what \
was imported before is left as it is, so an import that was cut off goes on when it is repeated.

Examples:
  holdfast import shop/files@2026-11 tar:backup.tar
  zstd -dc backup.tar.zst | holdfast import shop/files@2026-11 tar:-
  holdfast import shop/files restic:/srv/restic
  holdfast import shop/files restic:sftp:backup@host:/srv/restic --snapshot latest";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Name and version; of a restic repository the name alone
    #[arg(value_name = "NAME[@VERSION]", value_parser = parse_destination)]
    target: Destination,
    /// tar:FILE, tar:- for standard input, or restic:REPOSITORY
    #[arg(value_name = "FROM")]
    from: From,
    /// Import this restic snapshot only
    #[arg(long = "snapshot", value_name = "ID")]
    snapshots: Vec<String>,
    #[command(flatten)]
    walk: Walk,
    #[command(flatten)]
    lineage: Lineage,
    #[command(flatten)]
    more: Describing,
    #[command(flatten)]
    signing: Signing,
}

/// What is imported as what.
#[derive(Debug, Clone)]
enum Destination {
    One(Target),
    Many(ArtifactName),
}

fn parse_destination(text: &str) -> Result<Destination, String> {
    if text.contains('@') {
        parse_target(text).map(Destination::One)
    } else {
        text.parse().map(Destination::Many).map_err(|e| format!("{e}"))
    }
}

/// What is imported.
#[derive(Debug, Clone)]
enum From {
    Tar(Option<PathBuf>),
    Restic(String),
}

impl FromStr for From {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("tar", "-")) => Ok(Self::Tar(None)),
            Some(("tar", file)) if !file.is_empty() => Ok(Self::Tar(Some(file.into()))),
            Some(("restic", repository)) if !repository.is_empty() => Ok(Self::Restic(repository.to_owned())),
            _ => Err("write tar:FILE, tar:- or restic:REPOSITORY"),
        }
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        match (&self.from, &self.target) {
            (From::Tar(file), Destination::One(target)) => {
                self.tar(file.as_deref(), target, &registry, session).await
            }
            (From::Restic(repository), Destination::Many(name)) => {
                self.restic(&ResticRepository::named(repository), name, &registry, session).await
            }
            (From::Tar(_), Destination::Many(name)) => {
                let hint = format!("write {name}@VERSION, or {name}@now");
                Err(Failure::usage("an archive becomes one version").with_hint(hint).into())
            }
            (From::Restic(_), Destination::One(target)) => {
                let hint = format!("write {} alone", target.name());
                Err(Failure::usage("versions of restic snapshots are their times").with_hint(hint).into())
            }
        }
    }

    async fn tar(
        &self,
        file: Option<&Path>,
        target: &Target,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<()> {
        let begun = Session::now();
        let unpacked = registry.unpack_tar(file).await?;
        let as_of = match file {
            Some(file) => modified(file, begun)?,
            None => DataAsOf { not_before: begun, not_after: Session::now().max(begun), position: None },
        };
        let dataset = file.map_or_else(
            || "standard input".to_owned(),
            |file| {
                std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).to_string_lossy().into_owned()
            },
        );
        let facts = SourceFacts {
            engine: "tar".parse()?,
            version: "unknown".parse()?,
            dataset,
            tool: "holdfast import".parse()?,
            as_of,
        };
        let versions = target.versions(Session::now());
        let made = self.store(unpacked.root(), &versions, None, facts, registry, session).await?;
        made.say(session)
    }

    /// Imports each snapshot, oldest first, so that each has the one before as its parent.
    async fn restic(
        &self,
        repository: &ResticRepository,
        name: &ArtifactName,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<()> {
        let mut incomplete = Ok(());
        for snapshot in registry.restic_snapshots(repository, &self.snapshots).await? {
            let versions = Target::Now(name.clone()).versions(snapshot.time);
            let Some(versions) = not_yet_imported(&versions, &snapshot, registry).await? else {
                session.output().note(format!("{} was imported before", snapshot.id));
                continue;
            };
            let unpacked = registry.unpack_restic(repository, &snapshot).await?;
            let (facts, host) = (snapshot.facts.clone(), Some(snapshot.host.as_str()));
            let made = self.store(unpacked.root(), &versions, host, facts, registry, session).await?;
            match made.say(session) {
                // The others are imported all the same.
                Err(error) if is_incomplete(&error) => incomplete = Err(error),
                outcome => outcome?,
            }
        }
        incomplete
    }

    async fn store(
        &self,
        root: &Path,
        versions: &[ArtifactRef],
        system: Option<&str>,
        facts: SourceFacts,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Made> {
        let (walk, lineage, about) = (&self.walk, &self.lineage, self.more.about(&self.signing)?);
        let tree = Tree { root, versions, walk, lineage, system, facts: Some(facts), about };
        tree.publish(&self.signing, registry, session).await
    }
}

/// The versions from the first that is free on; nothing when one before it is this very snapshot.
async fn not_yet_imported(
    versions: &[ArtifactRef],
    snapshot: &ResticSnapshot,
    registry: &Registry,
) -> anyhow::Result<Option<Vec<ArtifactRef>>> {
    for (at, version) in versions.iter().enumerate() {
        let record = match registry.artifact(&Reference::Version(version.clone())).await {
            Err(error) if error.exit() == ExitCode::NotFound => {
                return Ok(Some(versions.iter().skip(at).cloned().collect()));
            }
            found => found?,
        };
        if let Body::Snapshot(body) = &record.manifest().body
            && body.data_as_of.position == snapshot.facts.as_of.position
        {
            return Ok(None);
        }
    }
    Ok(Some(Vec::new()))
}

fn is_incomplete(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.exit() == ExitCode::Incomplete)
}
