//! Restoring the tree of a snapshot: never outside the target, never half a file under its name.
//!
//! A catalog is read three times. [`survey`] learns what is chosen and needed; [`plan`] makes folders, keeps what is
//! right and hands on the other files, which [`work`] makes on all cores from chunks that [`pool`] fetches; [`finish`]
//! makes links when nothing is written through them any more, and sets each folder's metadata last.

mod fetch;
mod finish;
mod making;
mod output;
mod plan;
mod pool;
mod read;
mod report;
mod snapshots;
mod survey;
mod work;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use holdfast_formats::catalog::TreePath;
use tokio::sync::mpsc;

use crate::artifact::ArtifactRecord;
use crate::blocking;
use crate::catalog::CatalogFile;
use crate::error::{ClientError, FileAction};
use crate::progress::{Activity, Running, SharedProgress};
use crate::session::Registry;
use crate::tree::folder::Folder;
use crate::tree::{Selection, TreeError};
use fetch::Fetcher;
use finish::Finisher;
use making::{FileJob, OwnNames};
use plan::Planner;
use pool::{Pool, Trouble};
use report::Report;
pub use report::{Change, ChangeKind, RestoreFailure, RestoreInto, RestoreRequest, Restored};
use survey::Survey;
use work::Bench;

/// Files that wait to be made.
const WAITING: usize = 256;

/// A snapshot of a tree, and where its chunks come from.
#[derive(Debug, Clone)]
struct Source {
    catalog: CatalogFile,
    fetcher: Fetcher,
    progress: SharedProgress,
}

impl Registry {
    /// Restores the tree of a snapshot, or a part of it, into a folder.
    pub async fn restore_tree(
        &self,
        record: &ArtifactRecord,
        request: &RestoreRequest,
    ) -> Result<Restored, ClientError> {
        self.source(record).await?.restore(request).await
    }

    /// Fetches and hashes every file of the tree of a snapshot, and keeps none.
    pub async fn verify_tree(&self, record: &ArtifactRecord) -> Result<Restored, ClientError> {
        self.source(record).await?.check().await
    }

    async fn source(&self, record: &ArtifactRecord) -> Result<Source, ClientError> {
        let catalog = self.catalog(record).await?;
        Ok(Source { catalog, fetcher: self.fetcher(record), progress: self.shared_progress() })
    }

    fn fetcher(&self, record: &ArtifactRecord) -> Fetcher {
        Fetcher { transport: self.transport().clone(), artifact: record.artifact().r#ref.clone() }
    }
}

impl Source {
    async fn restore(self, request: &RestoreRequest) -> Result<Restored, ClientError> {
        let (request, read) = (Arc::new(request.clone()), self.catalog.clone());
        let (wanted, selection) = (Arc::clone(&request), Selection::of(&request.paths));
        let (survey, root) = blocking::run(move || {
            // What is not in the snapshot is told before anything is made.
            let survey = Survey::of(&read, selection)?;
            Ok::<_, ClientError>((Arc::new(survey), open_target(&wanted)?.map(Arc::new)))
        })
        .await?;
        let _running = Running::begin(self.progress.as_ref(), Activity::Download, survey.bytes);
        let bench = self.bench(request.target.clone(), root.clone());
        let (out, jobs) = mpsc::channel(WAITING);
        let planned = plan(&bench, &self.catalog, &request, &survey, root.clone(), out);
        let made = work::make_all(Arc::clone(&bench), self.pool(survey.uses.clone(), &bench), jobs);
        let (made, planned) = tokio::join!(made, planned);
        made?;
        let made = planned?.into_iter().collect();
        blocking::run(move || {
            finish(&bench, &self.catalog, &request, &survey, root, made)?;
            Ok(bench.report.take())
        })
        .await
    }

    async fn check(self) -> Result<Restored, ClientError> {
        let read = self.catalog.clone();
        let survey = blocking::run(move || Survey::of(&read, Selection::of(&[]))).await?;
        let _running = Running::begin(self.progress.as_ref(), Activity::Download, survey.bytes);
        let bench = self.bench(PathBuf::new(), None);
        let (out, jobs) = mpsc::channel(WAITING);
        let read = self.catalog.clone();
        let planned = blocking::alone(move || plan::plan_check(&read, &out));
        let made = work::make_all(Arc::clone(&bench), self.pool(survey.uses, &bench), jobs);
        let (made, planned) = tokio::join!(made, planned);
        made?;
        planned?;
        Ok(bench.report.take())
    }

    fn bench(&self, target: PathBuf, root: Option<Arc<Folder>>) -> Arc<Bench> {
        Arc::new(Bench {
            progress: Arc::clone(&self.progress),
            names: OwnNames::new(),
            report: Arc::new(Report::default()),
            target,
            root,
            trouble: Arc::new(Trouble::default()),
            unflushed: AtomicU64::new(0),
        })
    }

    fn pool(&self, uses: Vec<u32>, bench: &Bench) -> Pool {
        Pool::new(self.fetcher.clone(), self.catalog.clone(), uses, Arc::clone(&bench.trouble))
    }
}

/// The target, which only this restore writes to from now on. None when a dry run would have to make it.
fn open_target(request: &RestoreRequest) -> Result<Option<Folder>, ClientError> {
    let target = &request.target;
    let failed = |e| ClientError::file(FileAction::Create, target, e);
    if request.dry_run && !target.exists() {
        return Ok(None);
    }
    if !request.dry_run {
        std::fs::create_dir_all(target).map_err(failed)?;
    }
    let folder = Folder::root(target).map_err(failed)?;
    if !request.dry_run && !folder.lock() {
        return Err(TreeError::Busy { path: target.clone() }.into());
    }
    if !request.is_in_place() && !folder.names().map_err(failed)?.is_empty() {
        return Err(TreeError::NotEmpty { path: target.clone() }.into());
    }
    Ok(Some(folder))
}

/// Runs the planner beside those who take what it plans: it waits for them, so it has a thread of its own.
async fn plan(
    bench: &Arc<Bench>,
    catalog: &CatalogFile,
    request: &Arc<RestoreRequest>,
    survey: &Arc<Survey>,
    root: Option<Arc<Folder>>,
    out: mpsc::Sender<FileJob>,
) -> Result<Vec<TreePath>, ClientError> {
    let (bench, catalog) = (Arc::clone(bench), catalog.clone());
    let (request, survey) = (Arc::clone(request), Arc::clone(survey));
    blocking::alone(move || {
        let (report, progress) = (bench.report.as_ref(), bench.progress.as_ref());
        Planner { request: &request, survey: &survey, report, progress, out }.run(&catalog, root)
    })
    .await
}

fn finish(
    bench: &Bench,
    catalog: &CatalogFile,
    request: &RestoreRequest,
    survey: &Survey,
    root: Option<Arc<Folder>>,
    made: HashSet<TreePath>,
) -> Result<(), ClientError> {
    let (report, names) = (bench.report.as_ref(), &bench.names);
    Finisher { request, survey, report, names, root: root.clone(), made }.run(catalog)?;
    match root.filter(|_| !request.dry_run).map(|root| root.sync()) {
        Some(Err(e)) => Err(ClientError::file(FileAction::Write, &request.target, e)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
