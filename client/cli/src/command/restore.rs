//! `restore`: the tree of a snapshot, or a part of it, back into a folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use holdfast_client::{
    ArtifactRecord, Change, ChangeKind, ClientError, Registry, RestoreFailure, RestoreInto, RestoreRequest,
    Restored, TreeError,
};
use holdfast_formats::catalog::TreePath;
use holdfast_formats::path::FilePath;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::ExitCode;
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::tree_view::{NAMES_IN_JSON, parse_path, path_json, shown};
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Nothing is written outside DIR, and no file gets its name before all of its bytes were checked. Symbolic links are made last \
and never followed. A bad byte ends it with exit code 4; what could not be restored is told, and ends it with 11 when the rest \
is there.

DIR must be empty, unless --in-place says that what is right there stays (by size and time; with --verify by content) and the \
rest is replaced. A restore that was cut goes on when it is run again with --in-place; after a power cut, with --verify.

Owners are restored by number, by whoever may do that; others are told once. FIFOs, devices and sockets are left out unless \
--special is given.

channel:CHANNEL means the data of its known-good answer. Where that is more than one snapshot, each goes to a folder of its own \
below DIR.

Examples:
  holdfast restore shop/db@2026-11-21T070000Z --to /srv/db
  holdfast restore channel:shop/prod --to /srv/db --in-place --delete --dry-run
  holdfast restore shop/db@2026-11-21T070000Z --to /tmp/look etc/nginx var/lib/app";

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = AFTER_HELP, after_long_help = format!("{NAMES_IN_JSON}\n\n{AFTER_HELP}"))]
pub(crate) struct Args {
    /// Which snapshot
    #[arg(value_name = "REF")]
    reference: Reference,
    /// The folder that the snapshot's root becomes; made when it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Only these paths of the snapshot, and what is below them
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// Change nothing; say what would be changed
    #[arg(long)]
    dry_run: bool,
    /// Let DIR have content: what is right stays, the rest is replaced
    #[arg(long)]
    in_place: bool,
    /// Remove what the snapshot does not have
    #[arg(long, requires = "in_place")]
    delete: bool,
    /// Read what is there already, instead of going by size and time
    #[arg(long, requires = "in_place")]
    verify: bool,
    /// Make FIFOs, devices and sockets, too
    #[arg(long)]
    special: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let paths = self.paths.iter().map(|path| parse_path(path)).collect::<Result<Vec<_>, _>>()?;
        let snapshots = registry.snapshots(&self.reference).await?;
        let is_one = snapshots.len() == 1;
        let mut failed = 0;
        for (name, record) in snapshots {
            let target = if is_one { self.to.clone() } else { self.to.join(folder(&name)?) };
            let restored = self.one(&registry, &record, &target, &paths, session).await?;
            failed += restored.failed + restored.attributes_left_out;
        }
        if failed == 0 {
            return Ok(());
        }
        let message = format!("{} could not be restored; the rest is there", counted(failed, "thing"));
        Err(Failure::new(ExitCode::Incomplete, message).into())
    }

    async fn one(
        &self,
        registry: &Registry,
        record: &ArtifactRecord,
        target: &Path,
        paths: &[TreePath],
        session: &Session,
    ) -> anyhow::Result<Restored> {
        let request = self.request(target, paths);
        let restored = if record.manifest().catalog().is_some() {
            registry.restore_tree(record, &request).await?
        } else {
            self.files(registry, record, &request).await?
        };
        tell(&restored, session);
        session.output().answer(&self.answer(record, target, &restored)?)?;
        Ok(restored)
    }

    fn request(&self, target: &Path, paths: &[TreePath]) -> RestoreRequest {
        let into = if self.in_place {
            RestoreInto::Existing { delete: self.delete, verify: self.verify }
        } else {
            RestoreInto::Empty
        };
        RestoreRequest {
            target: target.to_owned(),
            paths: paths.to_vec(),
            into,
            dry_run: self.dry_run,
            special: self.special,
        }
    }

    /// A snapshot of a few files has no tree: its files come as those of any artifact, and only whole.
    async fn files(
        &self,
        registry: &Registry,
        record: &ArtifactRecord,
        request: &RestoreRequest,
    ) -> Result<Restored, ClientError> {
        let artifact = record.artifact().r#ref.to_string();
        for (option, is_given) in
            [("dry-run", self.dry_run), ("delete", self.delete), ("PATH", !request.paths.is_empty())]
        {
            if is_given {
                return Err(TreeError::TreesOnly { artifact, option }.into());
            }
        }
        if !self.in_place && std::fs::read_dir(&request.target).is_ok_and(|mut found| found.next().is_some())
        {
            return Err(TreeError::NotEmpty { path: request.target.clone() }.into());
        }
        let pulled = registry.pull(record, &request.target).await?;
        Ok(Restored { files: pulled.files, bytes: pulled.bytes, kept: pulled.kept, ..Restored::default() })
    }

    fn answer(&self, record: &ArtifactRecord, target: &Path, restored: &Restored) -> anyhow::Result<Answer> {
        let artifact = record.artifact();
        let to = target.display().to_string();
        let json = json!({
            "ref": artifact.r#ref, "digests": artifact.digests, "to": to, "dry_run": self.dry_run,
            "files": restored.files, "bytes": restored.bytes, "kept": restored.kept, "folders": restored.folders,
            "links": restored.links, "special": restored.special, "special_left_out": restored.special_left_out,
            "removed": restored.removed, "other_owner": restored.other_owner,
            "attributes_left_out": restored.attributes_left_out + restored.privileged_left_out,
            "changes": restored.changes.iter().map(change_json).collect::<Vec<_>>(),
            "failed": restored.failed, "failures": restored.failures.iter().map(failure_json).collect::<Vec<_>>(),
        });
        let answer = Answer::new(&json)?;
        if self.dry_run {
            let summary =
                format!("{} would be changed in {to}", counted(restored.changes.len() as u64, "thing"));
            return Ok(answer.with_lines(restored.changes.iter().map(change_line)).text(summary));
        }
        let Restored { files, folders, links, kept, removed, .. } = restored;
        Ok(answer.text(format!(
            "restored {} to {to}  {files} file(s), {}, {folders} folder(s), {links} link(s), {kept} kept, {removed} removed",
            artifact.r#ref,
            HumanBytes(restored.bytes)
        )))
    }
}

/// The folder of a snapshot among others: its component's name, which is free text.
fn folder(name: &str) -> Result<&str, Failure> {
    match name.parse::<FilePath>() {
        Ok(_) => Ok(name),
        Err(_) => Err(Failure::usage(format!("the component {name:?} has a name that is no folder's"))
            .with_hint("restore its snapshot by itself: name it instead of the channel")),
    }
}

/// Says what is not as it was, beside the answer.
fn tell(restored: &Restored, session: &Session) {
    let output = session.output();
    if restored.other_owner > 0 {
        output.note(format!(
            "owners were not restored: {} belong to whoever runs this; only root may give things away",
            counted(restored.other_owner, "thing")
        ));
    }
    if restored.special_left_out > 0 {
        let left_out = counted(restored.special_left_out, "FIFO, device or socket");
        output.note(format!("left out: {left_out}; --special restores them"));
    }
    if restored.privileged_left_out > 0 {
        let left_out = counted(restored.privileged_left_out, "extended attribute");
        output.note(format!("left out: {left_out} that only root may set"));
    }
    if restored.attributes_left_out > 0 {
        let left_out = counted(restored.attributes_left_out, "extended attribute");
        output.warning(format!("{left_out} could not be set: does the file system of the target have them?"));
    }
    for failure in &restored.failures {
        output.warning(format!("{}: {}", shown(failure.path.as_bytes()), failure.rule));
    }
    let untold = restored.failed.saturating_sub(restored.failures.len() as u64);
    if untold > 0 {
        output.warning(format!("and {untold} more"));
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}(s)")
}

const fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "create",
        ChangeKind::Replace => "replace",
        ChangeKind::Metadata => "metadata",
        ChangeKind::Remove => "remove",
    }
}

fn change_line(change: &Change) -> Line {
    let text = format!("{:<8}  {}", word(change.kind), shown(change.path.as_bytes()));
    if change.kind == ChangeKind::Remove { Line::caution(text) } else { Line::plain(text) }
}

fn change_json(change: &Change) -> Value {
    let mut object = path_json(&change.path);
    object.insert("change".to_owned(), json!(word(change.kind)));
    Value::Object(object)
}

fn failure_json(failure: &RestoreFailure) -> Value {
    let mut object = path_json(&failure.path);
    object.insert("rule".to_owned(), json!(failure.rule));
    Value::Object(object)
}
