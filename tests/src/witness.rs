//! A small C2SP witness on this machine: it keeps one state for each log, and can be told to be slow, down or lying.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::{PublicKey, SigningKey};
use holdfast_formats::note::{KeyName, Note, NoteKey, SignatureType, cosignature_line};
use holdfast_formats::origin::Origin;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_registry::config::WitnessConfig;
use holdfast_verify::consistency::verify_consistency;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::TestClock;

/// How a witness behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As the protocol wants it.
    Honest,
    /// Every request fails with 503.
    Down,
    /// Every answer takes so long.
    Slow(Duration),
    /// Cosigns another text than the one shown.
    OtherText,
    /// Cosigns by another key under its own name.
    OtherKey,
    /// Answers 200 without any line.
    Empty,
    /// Answers 200 and never ends.
    Endless,
    /// Always has another size than the one that it is asked from.
    Restless,
    /// Sends elsewhere.
    Redirect,
}

/// A running witness; it ends when the test drops it.
#[derive(Debug)]
pub struct TestWitness {
    inner: Arc<Inner>,
    url: String,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    name: KeyName,
    key: SigningKey,
    clock: TestClock,
    state: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    mood: Mood,
    logs: BTreeMap<Origin, Followed>,
}

#[derive(Debug)]
struct Followed {
    key: PublicKey,
    size: TreeSize,
    root: TreeHash,
    /// Every size that was cosigned, in the order of cosigning.
    history: Vec<TreeSize>,
}

impl TestWitness {
    /// A witness of this name, honest, that knows no log.
    pub async fn start(name: &str, seed: u8, clock: &TestClock) -> anyhow::Result<Self> {
        let state = Mutex::new(Known { mood: Mood::Honest, logs: BTreeMap::new() });
        let key = SigningKey::from_seed([seed; 32]);
        let inner = Arc::new(Inner { name: name.parse()?, key, clock: clock.clone(), state });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router =
            Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { inner, url, serving })
    }

    /// From now on it follows this log.
    pub fn follow(&self, log: &NoteKey) -> anyhow::Result<()> {
        let origin: Origin = log.name().as_str().parse()?;
        let (size, root) = (TreeSize::ZERO, TreeHash::empty());
        let followed = Followed { key: log.key().clone(), size, root, history: Vec::new() };
        self.inner.state().logs.insert(origin, followed);
        Ok(())
    }

    /// From now on it behaves so.
    pub fn behave(&self, mood: Mood) {
        self.inner.state().mood = mood;
    }

    /// Its verifier key.
    pub fn key(&self) -> NoteKey {
        let key = self.inner.key.public();
        NoteKey::new(self.inner.name.clone(), SignatureType::Cosignature, key)
    }

    /// It, as a registry is told of it.
    pub fn config(&self) -> WitnessConfig {
        WitnessConfig { url: self.url.clone(), key: self.key() }
    }

    /// Where it is asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The state of a log that it cosigned last.
    pub fn seen(&self, log: &Origin) -> (TreeSize, TreeHash) {
        let known = self.inner.state();
        known.logs.get(log).map_or((TreeSize::ZERO, TreeHash::empty()), |log| (log.size, log.root))
    }

    /// Every size of a log that it cosigned, in the order of cosigning.
    pub fn history(&self, log: &Origin) -> Vec<TreeSize> {
        self.inner.state().logs.get(log).map_or_else(Vec::new, |log| log.history.clone())
    }
}

impl Drop for TestWitness {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks and keeps in one step, under the lock, before anything is signed.
    fn take(&self, request: &Request) -> Result<String, (StatusCode, String)> {
        let refuse = |status: StatusCode| (status, String::new());
        let note = Note::parse(request.note.as_bytes()).map_err(|_| refuse(StatusCode::BAD_REQUEST))?;
        let shown =
            Checkpoint::from_body(note.unverified_text()).map_err(|_| refuse(StatusCode::BAD_REQUEST))?;
        let mut known = self.state();
        let mood = known.mood;
        let log = known.logs.get_mut(shown.origin()).ok_or_else(|| refuse(StatusCode::NOT_FOUND))?;
        Checkpoint::from_signed(request.note.as_bytes(), shown.origin(), std::slice::from_ref(&log.key))
            .map_err(|_| refuse(StatusCode::FORBIDDEN))?;
        if request.old > shown.size() {
            return Err(refuse(StatusCode::BAD_REQUEST));
        }
        let forked = log.size == shown.size() && log.root != shown.root();
        if request.old != log.size || forked {
            return Err(conflict(log.size));
        }
        verify_consistency(log.size, shown.size(), &log.root, &shown.root(), &request.proof)
            .map_err(|_| refuse(StatusCode::UNPROCESSABLE_ENTITY))?;
        (log.size, log.root) = (shown.size(), shown.root());
        log.history.push(shown.size());
        let text = if mood == Mood::OtherText { "another text\n" } else { note.unverified_text() };
        let line = cosignature_line(text, &self.name, self.clock.timestamp().as_ms() / 1000, &self.key);
        line.map_err(|_| refuse(StatusCode::BAD_REQUEST))
    }
}

/// The size that it has, in the words of the protocol.
fn conflict(size: TreeSize) -> (StatusCode, String) {
    (StatusCode::CONFLICT, format!("{size}\n"))
}

struct Request {
    old: TreeSize,
    proof: Vec<TreeHash>,
    note: String,
}

impl Request {
    fn parse(body: &str) -> Option<Self> {
        let (head, note) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let proof: Vec<TreeHash> = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
        (proof.len() <= 63).then(|| Self { old, proof, note: note.to_owned() })
    }
}

async fn add_checkpoint(State(witness): State<Arc<Inner>>, body: String) -> Response {
    let mood = witness.state().mood;
    let Some(request) = Request::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    match mood {
        Mood::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Empty => String::new().into_response(),
        Mood::Restless => {
            conflict(TreeSize::new(u64::from(request.old == TreeSize::ZERO)).unwrap_or(TreeSize::ZERO))
                .into_response()
        }
        Mood::Redirect => (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        Mood::Endless => {
            let junk = futures::stream::repeat_with(|| Ok::<_, std::convert::Infallible>(vec![b'x'; 4096]));
            axum::body::Body::from_stream(junk).into_response()
        }
        Mood::OtherKey => {
            let text = Note::parse(request.note.as_bytes()).map(|note| note.unverified_text().to_owned());
            let stranger = SigningKey::from_seed([255; 32]);
            let time_s = witness.clock.timestamp().as_ms() / 1000;
            let line = text.and_then(|text| cosignature_line(&text, &witness.name, time_s, &stranger));
            line.unwrap_or_default().into_response()
        }
        Mood::Slow(by) => {
            tokio::time::sleep(by).await;
            witness.take(&request).into_response()
        }
        Mood::Honest | Mood::OtherText => witness.take(&request).into_response(),
    }
}
