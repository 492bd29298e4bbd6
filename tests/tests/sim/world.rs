//! Everything in one simulation: two nodes on one store, the person who works with them, and what is known of the truth.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::http::Method;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::SigningKey;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::Predicate;
use holdfast_formats::token::Token;
use holdfast_formats::wire::v1::{ProblemCode, Receipt, Submission};
use holdfast_registry::log::{KeyKind, NodeKeys};
use holdfast_tests::of;
use tempfile::TempDir;

use super::bucket::Bucket;
use super::chance::Dice;
use super::content::Content;
use super::logbook::Logbook;
use super::model::Model;
use super::node::{Answer, Found, Question, SimNode};
use super::people::{Signer, everything, rules};
use super::time::{NodeClock, TrueTime};
use super::trace::Trace;
use super::wire::Sea;

/// How far the clocks of the two nodes are ahead of the true time.
const AHEAD_MS: [i64; 2] = [17_000, -23_000];
/// How often a statement is sent before its sender gives up.
const TRIES: u64 = 5;
/// Keeps the index where nothing waits for a disk, if there is such a place.
const MEMORY_FOLDER: &str = "/dev/shm";

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is logged.
    Logged(u64),
    /// It is refused, and none of its tries was left without an answer.
    Refused(ProblemCode),
    /// Nobody knows.
    Unknown,
}

/// An acknowledgement: a place and a leaf.
pub(crate) struct Acknowledged {
    /// Where it is.
    pub(crate) index: u64,
    /// Its leaf.
    pub(crate) leaf: Vec<u8>,
    /// The proof that came with it.
    pub(crate) proof: String,
}

/// What clients were told, which is what must hold for ever.
#[derive(Default)]
pub(crate) struct Memory {
    /// What was acknowledged.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Payloads that were refused for good.
    pub(crate) refused: Vec<Sha256Digest>,
    /// The files of every manifest that anybody made, by its SHA-256.
    pub(crate) files: BTreeMap<Sha256Digest, Vec<Content>>,
    /// Objects that a bad disk changed.
    pub(crate) damaged: BTreeSet<String>,
}

/// A simulation.
pub(crate) struct World {
    /// What time it truly is.
    pub(crate) time: Arc<TrueTime>,
    /// What lies between nodes and store.
    pub(crate) sea: Arc<Sea>,
    /// What happened.
    pub(crate) trace: Arc<Trace>,
    /// The nodes.
    pub(crate) nodes: [SimNode; 2],
    /// Somebody with every role.
    pub(crate) person: Signer,
    /// The registry's own key, for whoever abuses it.
    pub(crate) registry: Signer,
    /// The log as it truly is.
    pub(crate) logbook: Logbook,
    /// What it means.
    pub(crate) model: Model,
    /// What clients were told.
    pub(crate) memory: RefCell<Memory>,
    /// How far the clock of whoever has the registry's key is ahead.
    pub(crate) wrong_ms: Cell<u64>,
    token: Token,
    home: TempDir,
}

impl World {
    /// Two nodes, a policy and a token.
    pub(crate) async fn begin(seed: u64, verbose: bool) -> anyhow::Result<Self> {
        let home = home()?;
        let keys = make_keys(&home.path().join("keys"))?;
        let time = TrueTime::begin();
        let trace = Trace::begin(&time, verbose);
        let sea = Sea::calm(seed, Bucket::empty(&time), Arc::clone(&trace));
        let node = |number: usize, ahead_ms| {
            SimNode::new(number, home.path(), &sea, NodeClock::ahead(&time, ahead_ms, seed.is_multiple_of(2)))
        };
        let nodes = [node(0, AHEAD_MS[0]), node(1, AHEAD_MS[1])];
        let registry_key = keys.keys(KeyKind::Registry).first().context("there is one")?.clone();
        let signer = |key| Signer { key, origin: keys.origin.clone(), ahead_ms: 0 };
        let (person, registry) = (signer(SigningKey::from_seed([7; 32])), signer(registry_key));
        let (logbook, model, memory) = (Logbook::empty(), Model::default(), RefCell::default());
        let (token, wrong_ms) = (Token::from_bytes([9; 32]), Cell::new(0));
        let world =
            Self { time, sea, trace, nodes, person, registry, logbook, model, memory, wrong_ms, token, home };
        world.log_in(&keys).await?;
        Ok(world)
    }

    async fn log_in(&self, keys: &NodeKeys) -> anyhow::Result<()> {
        let [first, second] = &self.nodes;
        first.start(Found::Nothing).await?;
        let secret = keys.new_login(&self.home.path().join("keys"))?;
        let policy = rules(keys, &self.person.key)?;
        let said: [(Predicate, u8); 2] = [(policy.into(), 1), (everything(&self.token).into(), 2)];
        for (what, id) in said {
            let body = self.person.say(self.time.now(), [id; 16], what, Vec::new())?;
            let mut question = self.question(Method::POST, "/v1/submissions", body);
            (question.token, question.login) = (None, Some(secret.expose()));
            let answer = first.ask(question).await.context("a calm registry answers")?;
            ensure!(answer.status == 201, "login: {}", String::from_utf8_lossy(&answer.body));
        }
        second.start(Found::Nothing).await
    }

    /// A question with the token.
    pub(crate) fn question(&self, method: Method, path: &str, body: Vec<u8>) -> Question {
        Question { method, path: path.to_owned(), token: Some(self.token.expose()), login: None, body }
    }

    /// Reads from a node.
    pub(crate) async fn get(&self, node: &SimNode, path: &str) -> Option<Answer> {
        node.ask(self.question(Method::GET, path, Vec::new())).await
    }

    /// Says something, and says it again to either node until it is told what became of it.
    pub(crate) async fn say(
        &self,
        dice: &mut Dice,
        signer: &Signer,
        what: impl Into<Predicate>,
        attachments: Vec<Vec<u8>>,
    ) -> anyhow::Result<Told> {
        let body = signer.say(self.time.now(), dice.bytes(), what, attachments)?;
        self.send(dice, body).await
    }

    /// Sends a submission until somebody says what became of it.
    pub(crate) async fn send(&self, dice: &mut Dice, body: Vec<u8>) -> anyhow::Result<Told> {
        let mut is_known = true;
        for _ in 0..TRIES {
            let node = &self.nodes[usize::from(dice.one_in(2))];
            let question = self.question(Method::POST, "/v1/submissions", body.clone());
            let Some(answer) = node.ask(question).await else {
                is_known = false;
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            if matches!(answer.status, 200 | 201) {
                return self.remember(&answer);
            }
            let problem = answer.problem().context("a refusal is a problem")?;
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(problem != ProblemCode::Internal, "{text}");
            self.trace.note(|| format!("refused: {}", text.split("\"detail\":").last().unwrap_or_default()));
            match answer.status {
                500.. => is_known = false,
                _ if is_known => {
                    let submission: Submission = serde_json::from_slice(&body)?;
                    let payload = Sha256Digest::of(&submission.envelope.payload.0);
                    if problem != ProblemCode::ContentMissing {
                        self.memory.borrow_mut().refused.push(payload);
                    }
                    return Ok(Told::Refused(problem));
                }
                _ => return Ok(Told::Unknown),
            }
        }
        Ok(Told::Unknown)
    }

    fn remember(&self, answer: &Answer) -> anyhow::Result<Told> {
        let receipt: Receipt = answer.read()?;
        let index = receipt.index.get();
        let acknowledged = Acknowledged { index, leaf: receipt.entry.0, proof: receipt.proof };
        self.memory.borrow_mut().acknowledged.push(acknowledged);
        self.trace.note(|| format!("acknowledged {index}"));
        Ok(Told::Logged(index))
    }
}

fn home() -> anyhow::Result<TempDir> {
    let in_memory = Path::new(MEMORY_FOLDER);
    Ok(if in_memory.is_dir() { tempfile::tempdir_in(in_memory)? } else { tempfile::tempdir()? })
}

/// The registry's keys, the same in each run.
fn make_keys(folder: &Path) -> anyhow::Result<NodeKeys> {
    std::fs::create_dir_all(folder)?;
    let origin: Origin = of("sim.example/log");
    std::fs::write(folder.join("origin"), format!("{origin}\n"))?;
    for (kind, seed) in KeyKind::ALL.into_iter().zip(1_u8..) {
        let pem = SigningKey::from_seed([seed; 32]).to_pkcs8_pem()?;
        std::fs::write(folder.join(format!("{}.pem", kind.as_str())), pem)?;
    }
    NodeKeys::load(folder)?.context("they were written")
}
