//! What a rollback tool asks a registry for: every operation of the client library that believes something.

use std::time::Duration;

use holdfast_client::{ClientError, Draft, PinDraft, Registry, Tokens};
use holdfast_formats::statement::Freeze;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{HistoryQuery, KnownGoodQuery, ListQuery};
use holdfast_tests::evil::Victim;
use holdfast_tests::{Folder, of};

/// A question about everything.
pub(crate) const EVERYTHING: KnownGoodQuery = KnownGoodQuery::EVERYTHING;

/// One thing to ask for.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// What is known-good on a channel.
    KnownGood(&'static str),
    /// The same, of one line, or with more to the question.
    Asked(&'static str, KnownGoodQuery),
    /// An artifact's record.
    Artifact(&'static str),
    /// The receipt of an entry.
    Receipt(LeafIndex),
    /// What happened on a channel.
    History(&'static str),
    /// Entries of the log.
    Entries,
    /// Which tokens there are.
    Grants,
    /// How the log stands.
    Sync,
    /// Whether an artifact may go to a channel.
    Gate(&'static str, &'static str),
    /// Which artifacts there are.
    List,
    /// A rollback to go on with.
    Rollback(&'static str),
    /// The pin that would come next.
    NextPin(&'static str, &'static str),
    /// A statement is submitted.
    Submit,
    /// An artifact is pushed.
    Push(&'static str),
    /// The files of an artifact are fetched.
    Pull(&'static str),
    /// The files of an artifact are fetched and only looked at.
    Check(&'static str),
    /// A bundle is written.
    Bundle(&'static str),
}

impl Question {
    /// Asks it.
    pub(crate) async fn ask(&self, victim: &Victim, registry: &Registry) -> Result<(), ClientError> {
        match self {
            Self::KnownGood(channel) => registry.known_good(&of(channel), &EVERYTHING, None).await.map(drop),
            Self::Asked(channel, query) => registry.known_good(&of(channel), query, None).await.map(drop),
            Self::Artifact(reference) => registry.artifact(&of(reference)).await.map(drop),
            Self::Receipt(index) => registry.receipt(*index).await.map(drop),
            Self::History(channel) => {
                let query = HistoryQuery { before: None, limit: None };
                registry.history(&of(channel), &query).await.map(drop)
            }
            Self::Entries => registry.entries(of("0"), 20).await.map(drop),
            Self::Grants => registry.grants(Tokens::All).await.map(drop),
            Self::Sync => registry.sync().await.map(drop),
            Self::Gate(channel, reference) => registry.gate(&of(channel), &of(reference)).await.map(drop),
            Self::List => {
                let query = ListQuery { prefix: None, kind: None, after: None, limit: Some(5), ended: None };
                registry.list(&query).await.map(drop)
            }
            Self::Rollback(id) => registry.find_rollback(&of("shop/prod"), &of(id)).await.map(drop),
            Self::NextPin(channel, reference) => {
                let artifact = registry.resolve(&of(reference)).await?;
                let pin = PinDraft {
                    reason: of("smoke tests passed"),
                    deploy: None,
                    evidence: Vec::new(),
                    baseline_metrics: Vec::new(),
                    expires: None,
                };
                registry.draft_pin(&of(channel), &artifact, pin).await.map(drop)
            }
            Self::Submit => {
                let freeze = Freeze { channel: of("shop/scratch"), reason: of("a holiday"), until: None };
                registry.submit(Draft::new(freeze)).await.map(drop)
            }
            Self::Push(reference) => push(registry, reference).await,
            Self::Pull(reference) => {
                let record = registry.artifact(&of(reference)).await?;
                registry.pull(&record, &victim.out()).await.map(drop)
            }
            Self::Check(reference) => {
                let record = registry.artifact(&of(reference)).await?;
                registry.verify_artifact(&record).await.map(drop)
            }
            Self::Bundle(channel) => {
                std::fs::create_dir_all(victim.out()).expect("the victim's folder is writable");
                let file = victim.out().join("bundle");
                registry.bundle(&of(channel), &EVERYTHING, &file).await.map(drop)
            }
        }
    }

    /// How long to wait for anything, in the questions whose lie is to take long.
    pub(crate) const HURRY: Duration = Duration::from_secs(1);
    /// How long to wait elsewhere.
    pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
}

/// A small file, and one that is cut into several chunks; the same for a reference, so that a push may be repeated.
async fn push(registry: &Registry, reference: &str) -> Result<(), ClientError> {
    let seed =
        reference.bytes().fold(1_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let noise: Vec<u8> =
        (0..400_000_u32).flat_map(|i| (i ^ seed).wrapping_mul(40_503).to_be_bytes()).collect();
    let folder = Folder::with("app", reference).and_then(|folder| folder.file("noise.bin", noise));
    let folder = folder.expect("a temporary folder is writable");
    let request = holdfast_client::PushRequest {
        artifact: of(reference),
        source: folder.path().to_owned(),
        body: holdfast_formats::manifest::Body::None(holdfast_formats::manifest::Kind::Build),
        about: holdfast_client::About::nothing(),
    };
    registry.push(&request).await.map(drop)
}
