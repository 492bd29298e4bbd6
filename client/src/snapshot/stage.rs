//! Staging a tree: everything is stored, and the statement that makes a snapshot of it is ready to be signed.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use holdfast_formats::catalog::{ChunkIndex, TreePath};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::{
    Body, CATALOG_FILE, DataAsOf, File, SnapshotBody, SnapshotCatalog, SnapshotSource,
};
use holdfast_formats::number::{ByteSize, Count};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;

use super::TreeRequest;
use super::again::{Again, Reason};
use super::before::{self, Before};
use super::catalog::Catalog;
use super::error::SnapshotError;
use super::exclude::Excludes;
use super::item::{Source, Unread};
use super::parent::Earlier;
use super::pipeline::Pipeline;
use super::report::{Report, TreeStats};
use super::send::Sent;
use super::sequence::Sequenced;
use super::system::{Directory, Owners};
use super::walk::Walk;
use crate::blocking;
use crate::error::{ClientError, FileAction};
use crate::progress::{Activity, Running};
use crate::push::{Staged, stage_manifest};
use crate::session::Registry;
use crate::source::SourceFile;
use crate::stored_chunk::Effort;
use crate::stream::SourceFacts;
use crate::upload::{ChunkDoor, Content, upload};

/// The most bytes of a label.
const LABEL_BYTES_MAX: usize = 256;
/// How many chunks are asked about at once.
const ASKED_MAX: usize = 4096;

/// A tree of which everything is stored and nothing is published.
#[derive(Debug)]
pub struct StagedTree {
    /// The statement, and what it will make.
    pub staged: Staged,
    /// The snapshot before.
    pub parent: Option<ArtifactRef>,
    /// How much it is.
    pub stats: TreeStats,
    /// What is missing in it: the first thousand.
    pub unread: Vec<Unread>,
    /// Files that kept changing: the first thousand.
    pub changing: Vec<TreePath>,
    made: Made,
}

/// What the runs over a tree made.
#[derive(Debug)]
struct Made {
    sequenced: Sequenced,
    sent: Sent,
    span: Span,
}

/// From when to when a tree was looked at.
#[derive(Debug, Clone, Copy)]
struct Span {
    begun: Timestamp,
    ended: Timestamp,
}

impl Registry {
    /// Stores a tree and its catalog, and says what to sign.
    pub async fn stage_tree(&self, request: &TreeRequest) -> Result<StagedTree, ClientError> {
        let excludes = Excludes::parse(&request.exclude).map_err(SnapshotError::from)?;
        let before = before::find(self, request.artifact.name(), &request.parent).await?;
        let root = open_root(&request.root).await?;
        let mut made = self.walk_tree(request, root, excludes, before.as_ref()).await?;
        let wasted = made.sequenced.usage.wasted();
        if !wasted.is_empty() {
            made = self.go_over(request, made, wasted, Reason::Waste).await?;
        }
        self.stage_made(request, made, before.map(|before| before.artifact)).await
    }

    /// The same after the registry refused to publish it, because chunks are missing: the files in them are read again.
    /// To be tried once.
    pub async fn mend_tree(
        &self,
        request: &TreeRequest,
        staged: StagedTree,
        refused: &ClientError,
    ) -> Result<StagedTree, ClientError> {
        let StagedTree { made, parent, .. } = staged;
        let told = refused.problem().and_then(|problem| problem.missing.as_deref()).unwrap_or_default();
        let mut missing: BTreeSet<Blake3Digest> = told.iter().map(|missing| missing.chunk).collect();
        let namespace = request.artifact.name().namespace();
        let door = ChunkDoor {
            transport: self.transport(),
            namespace: &namespace,
            progress: self.progress(),
            effort: Effort::Files,
        };
        // A problem tells of some thousand only.
        for some in made.sequenced.catalog.index().chunks().chunks(ASKED_MAX) {
            missing.extend(door.missing(some.iter().map(|chunk| chunk.digest).collect()).await?);
        }
        let made = self.go_over(request, made, missing, Reason::Missing).await?;
        self.stage_made(request, made, parent).await
    }

    async fn walk_tree(
        &self,
        request: &TreeRequest,
        root: Directory,
        excludes: Excludes,
        before: Option<&Before>,
    ) -> Result<Made, ClientError> {
        let expected = before.map_or(0, |before| before.catalog.trailer().size);
        let _running = Running::begin(self.progress(), Activity::Snapshot, expected);
        let trusted = before.filter(|_| !request.force_read);
        let earlier = match trusted {
            Some(before) => Earlier::of(Box::new(before.catalog.entries()?)),
            None => Earlier::nothing(),
        };
        let index = Arc::new(trusted.map_or_else(ChunkIndex::default, |b| b.catalog.index().clone()));
        let owners = Arc::new(Owners::default());
        let begun = self.now();
        let walk = Walk::of(root, excludes, earlier, Arc::clone(&owners));
        let stored = Arc::clone(&index);
        let (sequenced, sent) = self.run(request, Box::new(walk), owners, stored, index).await?;
        Ok(Made { sequenced, sent, span: Span { begun, ended: self.now() } })
    }

    /// Reads the files in some chunks again.
    async fn go_over(
        &self,
        request: &TreeRequest,
        made: Made,
        leave: BTreeSet<Blake3Digest>,
        reason: Reason,
    ) -> Result<Made, ClientError> {
        let Made { sequenced: Sequenced { catalog, report, .. }, sent, span } = made;
        let _running = Running::begin(self.progress(), Activity::Snapshot, catalog.trailer().size);
        let root = Arc::new(open_root(&request.root).await?);
        let again = Again { root, entries: catalog.entries()?, leave, reason, newest: None };
        let earlier = Arc::new(catalog.index().clone());
        let owners = Arc::new(Owners::default());
        let stored = Arc::default();
        let (mut sequenced, more) = self.run(request, Box::new(again), owners, stored, earlier).await?;
        sequenced.report = sequenced.report.after(report);
        let sent = Sent {
            new_bytes: sent.new_bytes + more.new_bytes,
            sent_bytes: sent.sent_bytes + more.sent_bytes,
        };
        Ok(Made { sequenced, sent, span: Span { ended: self.now(), ..span } })
    }

    async fn run(
        &self,
        request: &TreeRequest,
        source: Box<dyn Source>,
        owners: Arc<Owners>,
        stored: Arc<ChunkIndex>,
        earlier: Arc<ChunkIndex>,
    ) -> Result<(Sequenced, Sent), ClientError> {
        let pipeline = Pipeline {
            transport: self.transport(),
            namespace: &request.artifact.name().namespace(),
            progress: self.shared_progress(),
            clock: self.shared_clock(),
            owners,
            stored,
            earlier,
        };
        pipeline.run(source).await
    }

    /// Uploads the catalog, and writes the statement.
    async fn stage_made(
        &self,
        request: &TreeRequest,
        made: Made,
        parent: Option<ArtifactRef>,
    ) -> Result<StagedTree, ClientError> {
        let (files, catalog_bytes) = self.upload_catalog(request, &made.sequenced.catalog).await?;
        let body = body_of(request, &made, &files, parent.clone())?;
        let Report { mut stats, unread, changing } = made.sequenced.report.clone();
        stats.new_bytes = made.sent.new_bytes;
        stats.sent_bytes = made.sent.sent_bytes + catalog_bytes;
        stats.waste_bytes = made.sequenced.usage.waste_bytes();
        let content = Content { files: stats.files, bytes: stats.bytes, new_bytes: stats.sent_bytes };
        let manifest = request.about.manifest(files, Body::Snapshot(Box::new(body)));
        let staged = stage_manifest(&request.artifact, &manifest, &request.about, None, content)?;
        Ok(StagedTree { staged, parent, stats, unread, changing, made })
    }

    /// Uploads a catalog as the one file of its manifest; gives the bytes sent for it.
    async fn upload_catalog(
        &self,
        request: &TreeRequest,
        catalog: &Catalog,
    ) -> Result<(Vec<File>, u64), ClientError> {
        let path = CATALOG_FILE.parse().expect("it is a path");
        let file = SourceFile { path, place: catalog.path().to_owned(), size: catalog.size()?, mode: None };
        let namespace = request.artifact.name().namespace();
        let (files, content) = upload(self.transport(), &namespace, vec![file], self.progress()).await?;
        Ok((files, content.new_bytes))
    }
}

async fn open_root(root: &Path) -> Result<Directory, ClientError> {
    let place = root.to_owned();
    blocking::run(move || Directory::root(&place)).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => {
            ClientError::Source { path: root.to_owned(), rule: "it is no directory, so there is no tree" }
        }
        _ => ClientError::file(FileAction::List, root, error),
    })
}

fn body_of(
    request: &TreeRequest,
    made: &Made,
    files: &[File],
    parent: Option<ArtifactRef>,
) -> Result<SnapshotBody, ClientError> {
    let trailer = made.sequenced.catalog.trailer();
    let too_large = |e| ClientError::malformed("catalog", e);
    let file = files.first().ok_or(SnapshotError::Interrupted)?;
    let facts = match &request.facts {
        Some(facts) => facts.clone(),
        None => facts_of_tree(request, made.span)?,
    };
    Ok(SnapshotBody {
        source: SnapshotSource {
            system_id: request.source.clone(),
            engine: facts.engine,
            version: facts.version,
            dataset: label(last_characters(&facts.dataset, LABEL_BYTES_MAX))?,
        },
        data_as_of: facts.as_of,
        consistency: request.consistency,
        schema_state: request.schema_state.clone(),
        parent,
        derived_from: (!request.derived_from.is_empty()).then(|| request.derived_from.clone()),
        tool: facts.tool,
        catalog: Some(SnapshotCatalog {
            digest: file.digests,
            entries: Count::new(trailer.entries).map_err(too_large)?,
            size_bytes: ByteSize::new(trailer.size).map_err(too_large)?,
        }),
    })
}

/// What is known of a tree that is here: its path, and when it was looked at.
fn facts_of_tree(request: &TreeRequest, span: Span) -> Result<SourceFacts, ClientError> {
    let absolute = std::path::absolute(&request.root).unwrap_or_else(|_| request.root.clone());
    Ok(SourceFacts {
        engine: label("tree")?,
        version: label(env!("CARGO_PKG_VERSION"))?,
        dataset: absolute.to_string_lossy().into_owned(),
        tool: label(concat!("holdfast ", env!("CARGO_PKG_VERSION")))?,
        as_of: DataAsOf { not_before: span.begun, not_after: span.ended.max(span.begun), position: None },
    })
}

fn label(text: &str) -> Result<Label, SnapshotError> {
    text.parse().map_err(|_| SnapshotError::Dataset(text.to_owned()))
}

/// As much of the end of a text as fits, from a whole character on.
fn last_characters(text: &str, bytes_max: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes_max);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}
