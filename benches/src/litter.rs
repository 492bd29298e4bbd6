//! A store with very many chunks of which some are dead, made through the node's own code: what a sweep is measured on.
//!
//! Each artifact is one file of a thousand tiny chunks, so that the objects are many and the bytes few. Half of what is dead
//! belongs to artifacts whose windows passed and that were announced more than a day ago, the other half was uploaded and
//! never published. The clock of all that is set days back, and so are the times of the files in the end: the registry that
//! is started on the store afterwards runs by the real one.

use std::fs::File as SystemFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::Args;
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_client::{GrantDraft, Places, keys};
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::manifest::{Body, File, Kind, Manifest};
use holdfast_formats::name::{ArtifactName, Namespace};
use holdfast_formats::number::{ByteSize, PolicyNumber, Seconds};
use holdfast_formats::policy::Window;
use holdfast_formats::statement::{Action, WindowMode};
use holdfast_formats::time::Timestamp;
use holdfast_formats::trust::{Trust, TrustedPolicy};
use holdfast_registry::clock::{Clock as _, ManualClock, SystemClock};
use holdfast_registry::node::Node;

use crate::entries::Author;
use crate::node::{first_policy, open_at};
use crate::report::figure;

const HOUR_MS: u64 = 3_600_000;
/// How far back the clock is set: a week is what a log may be quiet at most.
const AGO_MS: u64 = 48 * HOUR_MS;
const CHUNKS_PER_BLOB: u64 = 1_000;
const CHUNK_BYTES: usize = 16;
/// How many blobs are made at a time, and how many chunks of each: a node remembers only so many that it has just stored.
const WORKERS: usize = 2;
const CHUNKS_AT_ONCE: usize = 16;

/// The arguments of `litter`.
#[derive(Args)]
pub(crate) struct LitterArguments {
    /// An empty folder, for a registry to be started on
    #[arg(long)]
    data: PathBuf,
    /// An empty folder for the key, the trust and the token of whoever uses it
    #[arg(long)]
    home: PathBuf,
    /// How many chunks
    #[arg(long, default_value_t = 1_000_000)]
    chunks: u64,
    /// How many of a hundred are dead
    #[arg(long, default_value_t = 10)]
    dead_percent: u64,
}

pub(crate) async fn run(arguments: LitterArguments) -> anyhow::Result<()> {
    let blobs = arguments.chunks / CHUNKS_PER_BLOB;
    let over = blobs * arguments.dead_percent / 200;
    let clock = ManualClock::new(SystemClock.now_ms().saturating_sub(AGO_MS));
    let node = open_at(&arguments.data, Arc::clone(&clock) as _).await?;
    std::fs::create_dir_all(&arguments.home)?;
    let key = keys::generate(&Places::under(&arguments.home).key_file())?;
    let mut author =
        Author { log: node.log().keys().origin.clone(), key, now: Timestamp::from_ms(clock.now_ms()) };
    let_in(&node, &author, &arguments.home).await?;

    let maker = Arc::new(Maker::new(node)?);
    maker.clone().make(0..over, &author, Some(Kind::Build)).await?;
    clock.advance(2 * HOUR_MS);
    let announced = maker.node.service().sweeper().sweep(false).await?.announced.len() as u64;
    ensure!(announced == over, "{announced} of {over} artifacts were announced");
    clock.advance(25 * HOUR_MS);
    author.now = Timestamp::from_ms(clock.now_ms());
    maker.clone().make(over..blobs - over, &author, Some(Kind::Config)).await?;
    maker.clone().make(blobs - over..blobs, &author, None).await?;
    maker.node.blobs().barrier().await?;
    let maker = Arc::into_inner(maker).context("every worker has ended")?;
    maker.node.stop().await;

    let aged = age(&arguments.data.join("objects"))?;
    figure("objects", aged)?;
    figure("chunks", blobs * CHUNKS_PER_BLOB)?;
    Ok(figure("dead", 2 * over * (CHUNKS_PER_BLOB + 2))?)
}

/// Admits one person, whose builds are kept for an hour, and gives a token for everything.
async fn let_in(node: &Node, author: &Author, home: &Path) -> anyhow::Result<()> {
    let mut policy = first_policy(node, author)?;
    let window = Window { keep_s: Seconds::new(3600)?, mode: WindowMode::Governance };
    for rule in &mut policy.namespaces {
        rule.windows = [("build".parse()?, window.clone())].into_iter().collect();
    }
    let admitted = author.sign(policy.clone())?;
    let sha256 = admitted.payload_sha256;
    node.log().append(admitted).await.context("policy 1")?;
    let grant = GrantDraft {
        subject: "owner".parse()?,
        actions: Action::ALL.to_vec(),
        names: vec!["*".parse()?],
        channels: vec!["*".parse()?],
        quotas: None,
        expires: None,
        key: None,
    };
    let (grant, token) = grant.draft();
    node.log().append(author.sign(grant.predicate)?).await.context("the grant")?;
    std::fs::write(home.join("token"), token.expose())?;
    let trust = Trust {
        origin: policy.origin,
        url: "http://127.0.0.1:7420".parse()?,
        log_keys: policy.log_keys,
        head_keys: policy.head_keys,
        root: policy.root,
        policy: TrustedPolicy { number: PolicyNumber::FIRST, sha256 },
        witnesses: None,
        head_max_age_s: Seconds::new(Trust::HEAD_MAX_AGE_S)?,
    };
    Ok(std::fs::write(Places::under(home).trust_file(), trust.to_bytes()?)?)
}

struct Maker {
    node: Node,
    name: ArtifactName,
    namespace: Namespace,
    next: AtomicU64,
}

impl Maker {
    fn new(node: Node) -> anyhow::Result<Self> {
        let name: ArtifactName = "bench/many".parse()?;
        let namespace = name.namespace();
        Ok(Self { node, name, namespace, next: AtomicU64::new(0) })
    }

    /// Stores blobs by their numbers, and publishes each when it is said as what kind.
    async fn make(
        self: Arc<Self>,
        numbers: std::ops::Range<u64>,
        author: &Author,
        kind: Option<Kind>,
    ) -> anyhow::Result<()> {
        self.next.store(numbers.start, Ordering::SeqCst);
        let workers = (0..WORKERS).map(|_| {
            let (maker, author, end) = (Arc::clone(&self), author.clone(), numbers.end);
            tokio::spawn(async move {
                loop {
                    let n = maker.next.fetch_add(1, Ordering::SeqCst);
                    if n >= end {
                        return Ok::<_, anyhow::Error>(());
                    }
                    let file = maker.store(n).await?;
                    if let Some(kind) = kind {
                        maker.publish(n, file, &author, kind).await?;
                    }
                }
            })
        });
        try_join_all(workers).await?.into_iter().collect()
    }

    async fn store(&self, n: u64) -> anyhow::Result<File> {
        let blobs = self.node.blobs();
        let (mut content, mut extents, mut puts) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..CHUNKS_PER_BLOB {
            let mut chunk = [0; CHUNK_BYTES];
            let (first, second) = chunk.split_at_mut(8);
            first.copy_from_slice(&n.to_be_bytes());
            second.copy_from_slice(&at.to_be_bytes());
            let digest = Blake3Digest::of(&chunk);
            let header = ChunkHeader { codec: Codec::Raw, length: u32::try_from(CHUNK_BYTES)? };
            let object = Bytes::from([header.encode().as_slice(), &chunk].concat());
            puts.push(async move { blobs.put_chunk(&self.namespace, digest, object).await });
            content.extend_from_slice(&chunk);
            extents.push(Extent { chunk: digest, offset: 0, length: u32::try_from(CHUNK_BYTES)? });
        }
        let mut puts = stream::iter(puts).buffer_unordered(CHUNKS_AT_ONCE);
        while puts.try_next().await?.is_some() {}
        let digests = Digests::of(&content);
        let record = BlobRecord { digests, size: content.len() as u64, extents };
        blobs.put_record(&self.namespace, record, None).await?;
        let size = ByteSize::of(&content);
        Ok(File { path: "file".parse()?, size, digests, mode: None, media_type: None, stored: None })
    }

    async fn publish(&self, n: u64, file: File, author: &Author, kind: Kind) -> anyhow::Result<()> {
        let manifest = Manifest::of_files(vec![file], Body::None(kind));
        let prepared = author.publish_manifest(&self.name, n, kind, manifest)?;
        let (bytes, _) = prepared.manifest.as_ref().context("it has a manifest")?;
        self.node.log().attachments().put(Bytes::copy_from_slice(bytes)).await?;
        self.node.log().append(prepared).await?;
        Ok(())
    }
}

/// Sets the times of all content back; gives how many objects there are.
fn age(objects: &Path) -> anyhow::Result<u64> {
    #[expect(clippy::disallowed_methods, reason = "the times of files are the system's")]
    let then = SystemTime::now() - Duration::from_millis(AGO_MS);
    let mut folders: Vec<PathBuf> = ["chunks", "blobs", "aliases"].map(|top| objects.join(top)).into();
    let mut aged = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                SystemFile::open(entry.path())?.set_modified(then)?;
                aged += 1;
            }
        }
    }
    Ok(aged)
}
