//! Makes a log long: many entries of one kind, as the registry itself would have logged them.
//!
//! The clock stands still meanwhile, so the leaf of each pin is known before it is logged and the next pin can name it:
//! a line of 100,000 pins takes seconds instead of one commit a pin.

use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures::future::join_all;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::name::ChannelName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, EntryRef, Pin};
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_registry::index::IndexError;
use holdfast_registry::log::{Log, Prepared};
use holdfast_registry::node::Node;
use holdfast_verify::facts::{Facts as _, FactsError, PinFact};

use crate::entries::Author;
use crate::node::open;
use crate::report::figure;

/// As many as one commit takes.
const BATCH: u64 = 256;

/// The arguments of `grow`.
#[derive(Args)]
pub(crate) struct GrowArguments {
    /// The data folder of a registry that is stopped
    #[arg(long)]
    data: PathBuf,
    /// The key of somebody with every role
    #[arg(long)]
    key: PathBuf,
    /// What to log
    #[arg(long)]
    what: What,
    /// How many
    #[arg(long)]
    entries: u64,
    /// An artifact that is published, and for pins was read back
    #[arg(long)]
    artifact: ArtifactRef,
    /// The channel of deployments and pins
    #[arg(long)]
    channel: ChannelName,
}

/// Kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// New versions of the artifact's name, each with a manifest of its own.
    Publishes,
    /// Deployments of the artifact.
    Deploys,
    /// Pins of the artifact, each naming the one before.
    Pins,
}

pub(crate) async fn run(arguments: GrowArguments) -> anyhow::Result<()> {
    let (node, now) = open(&arguments.data).await?;
    let key = SigningKey::from_pkcs8_pem(&std::fs::read_to_string(&arguments.key)?)?;
    let author = Author { log: node.log().keys().origin.clone(), key, now };
    let (artifact, newest_pin) = look_up(&node, &arguments).await?;
    let mut grower = Grower { author, artifact, newest_pin, arguments };
    let mut done = 0;
    while done < grower.arguments.entries {
        let count = BATCH.min(grower.arguments.entries - done);
        let batch = grower.batch(done, count, node.log().head().size().next_index())?;
        // Without a budget of its own the runtime would cut a batch into commits of one entry.
        tokio::task::unconstrained(append_in_order(node.log(), batch)).await?;
        done += count;
    }
    figure("size", node.log().head().size())?;
    node.stop().await;
    Ok(())
}

/// The artifact as it was published, and the newest pin of its line.
async fn look_up(
    node: &Node,
    arguments: &GrowArguments,
) -> anyhow::Result<(Artifact, Option<(PinNumber, EntryRef)>)> {
    let (artifact, channel) = (arguments.artifact.clone(), arguments.channel.clone());
    let (fact, pins) = node
        .log()
        .index()
        .read(move |view| {
            let pins: Vec<PinFact> = view.pins(&channel, artifact.name(), None, 1)?;
            Ok::<_, LookUpError>((view.artifact(&artifact)?, pins))
        })
        .await?;
    let fact = fact.context("the artifact is not published")?;
    Ok((fact.artifact, pins.first().map(|pin| (pin.number, pin.entry))))
}

#[derive(Debug)]
struct LookUpError(anyhow::Error);

impl From<IndexError> for LookUpError {
    fn from(error: IndexError) -> Self {
        Self(error.into())
    }
}

impl From<FactsError> for LookUpError {
    fn from(error: FactsError) -> Self {
        Self(anyhow::Error::msg(error.to_string()))
    }
}

impl From<LookUpError> for anyhow::Error {
    fn from(error: LookUpError) -> Self {
        error.0
    }
}

struct Grower {
    author: Author,
    artifact: Artifact,
    newest_pin: Option<(PinNumber, EntryRef)>,
    arguments: GrowArguments,
}

impl Grower {
    fn batch(&mut self, done: u64, count: u64, first: LeafIndex) -> anyhow::Result<Vec<Prepared>> {
        (0..count)
            .map(|n| match self.arguments.what {
                What::Publishes => self.author.publish(self.artifact.r#ref.name(), done + n + 1),
                What::Deploys => self.author.deploy(&self.arguments.channel, &self.artifact, done + n + 1),
                What::Pins => self.pin(first.checked_add(n)?),
            })
            .collect()
    }

    /// The next pin of the line, which will stand at `index`.
    fn pin(&mut self, index: LeafIndex) -> anyhow::Result<Prepared> {
        let number = match self.newest_pin {
            Some((number, _)) => number.next()?,
            None => PinNumber::FIRST,
        };
        let pin = Pin {
            channel: self.arguments.channel.clone(),
            name: self.artifact.r#ref.name().clone(),
            number,
            predecessor: self.newest_pin.map(|(_, entry)| entry),
            artifact: self.artifact.clone(),
            deploy: None,
            reason: "one of many".parse()?,
            evidence: None,
            baseline_metrics: None,
            expires: None,
        };
        let prepared = self.author.sign(pin)?;
        let leaf = Entry {
            time: self.author.now,
            rules: RULE_BOOK_VERSION,
            payload: EntryPayload::place(&prepared.payload),
            signatures: prepared.signatures.clone(),
        };
        self.newest_pin = Some((number, EntryRef { index, leaf: TreeHash::leaf(&leaf.encode()?) }));
        Ok(prepared)
    }
}

/// Appends a batch so that it is logged in this order, its manifests first.
async fn append_in_order(log: &Log, batch: Vec<Prepared>) -> anyhow::Result<()> {
    let attachments = log.attachments();
    let manifests = batch.iter().filter_map(|prepared| prepared.manifest.as_ref());
    let stored = join_all(manifests.map(|(bytes, _)| attachments.put(Bytes::copy_from_slice(bytes)))).await;
    stored.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut waiting = Vec::with_capacity(batch.len());
    for prepared in batch {
        // The first poll queues the statement, and the queue keeps its order.
        let mut append = Box::pin(log.append(prepared));
        match futures::poll!(&mut append) {
            std::task::Poll::Ready(done) => drop(done?),
            std::task::Poll::Pending => waiting.push(append),
        }
    }
    for append in waiting {
        append.await?;
    }
    Ok(())
}
