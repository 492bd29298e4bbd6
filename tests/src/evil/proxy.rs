//! The server between a client and an honest registry. It passes on what it is asked, and lies where it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::reply::{Answer, Asked, Reply};

/// What is done with one request.
pub enum Deed {
    /// It is passed on, and so is the answer.
    Pass,
    /// It is answered without asking anybody.
    Instead(Reply),
    /// It is passed on, and the answer changed.
    Change(Box<dyn FnOnce(Answer) -> Reply + Send>),
}

/// Which requests are lied to, and how.
pub type Lie = Arc<dyn Fn(&Asked) -> Deed + Send + Sync>;

/// No lie at all.
pub fn honest() -> Lie {
    Arc::new(|_| Deed::Pass)
}

/// Changes the answers of all paths that begin so.
pub fn change(start: &str, change: impl Fn(&Asked, Answer) -> Reply + Send + Sync + 'static) -> Lie {
    let (start, change) = (start.to_owned(), Arc::new(change));
    Arc::new(move |asked| {
        if !asked.path.starts_with(&start) {
            return Deed::Pass;
        }
        let (asked, change) = (asked.clone(), Arc::clone(&change));
        Deed::Change(Box::new(move |answer| change(&asked, answer)))
    })
}

/// Answers all paths that begin so with the same.
pub fn instead(start: &str, reply: Reply) -> Lie {
    let start = start.to_owned();
    Arc::new(
        move |asked| {
            if asked.path.starts_with(&start) { Deed::Instead(reply.clone()) } else { Deed::Pass }
        },
    )
}

/// A proxy on a free port of this machine; it ends when it is dropped.
pub struct EvilProxy {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    http: reqwest::Client,
    lie: Mutex<Lie>,
    asked: Mutex<Vec<Asked>>,
    told: AtomicUsize,
    failed: AtomicUsize,
}

impl EvilProxy {
    /// Starts one in front of a registry.
    pub async fn start(upstream: &str, lie: Lie) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let http = shared_client()?;
        let (upstream, lie, asked) = (upstream.to_owned(), Mutex::new(lie), Mutex::default());
        let (told, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared { upstream, http, lie, asked, told, failed });
        let state = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away in the middle is what a lie often leads to.
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        Ok(Self { url, shared, serving })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Tells another lie from now on, or none.
    pub fn tell(&self, lie: Lie) {
        *self.shared.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
    }

    /// How many answers were lies.
    pub fn lies_told(&self) -> usize {
        self.shared.told.load(Ordering::SeqCst)
    }

    /// How many lies could not be made, because the answer to be changed was not what the test takes it for.
    pub fn lies_failed(&self) -> usize {
        self.shared.failed.load(Ordering::SeqCst)
    }

    /// Everything it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One for all proxies, because making one reads every certificate of the machine. It keeps no connection: those would
/// belong to the threads of one test.
fn shared_client() -> anyhow::Result<reqwest::Client> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = plain.pool_max_idle_per_host(0).build()?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

impl Drop for EvilProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> anyhow::Result<()> {
    let Some(asked) = read_request(&mut stream).await? else { return Ok(()) };
    let lie = Arc::clone(&shared.lie.lock().unwrap_or_else(PoisonError::into_inner));
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let reply = match lie(&asked) {
        Deed::Pass => Reply::Answer(shared.pass_on(&asked).await?),
        Deed::Instead(reply) => shared.told(reply),
        Deed::Change(change) => {
            let answer = shared.pass_on(&asked).await?;
            // On a task of its own: a test's closure that panics must be seen as that, and not as a broken connection.
            let changed = tokio::spawn(async move { change(answer) }).await;
            match changed {
                Ok(reply) => shared.told(reply),
                Err(error) => {
                    shared.failed.fetch_add(1, Ordering::SeqCst);
                    return Err(error.into());
                }
            }
        }
    };
    send(&mut stream, reply).await
}

async fn send(stream: &mut TcpStream, reply: Reply) -> anyhow::Result<()> {
    match reply {
        Reply::Answer(answer) => stream.write_all(&answer.bytes()).await?,
        Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
        Reply::Reset(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            // What was written must be on its way before the reset overtakes it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.set_zero_linger()?;
            return Ok(());
        }
        Reply::Endless(endless) => {
            stream.write_all(&endless.start).await?;
            loop {
                stream.write_all(&endless.piece).await?;
                if endless.pause > Duration::ZERO {
                    tokio::time::sleep(endless.pause).await;
                }
            }
        }
        Reply::Silence => {
            // Until the client has had enough.
            stream.read_u8().await?;
        }
    }
    Ok(stream.shutdown().await?)
}

async fn read_request(stream: &mut TcpStream) -> anyhow::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().context("a request has a path")?);
    let header: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut asked = Asked { method: method.to_owned(), path: path.to_owned(), header, body: Vec::new() };
    let length: usize = asked.header("content-length").map_or(Ok(0), str::parse)?;
    while bytes.len() < end + length {
        anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "the request was cut");
    }
    asked.body = bytes.split_off(end);
    Ok(Some(asked))
}

impl Shared {
    fn told(&self, reply: Reply) -> Reply {
        self.told.fetch_add(1, Ordering::SeqCst);
        reply
    }

    async fn pass_on(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let mut request =
            self.http.request(asked.method.parse()?, format!("{}{}", self.upstream, asked.path));
        for name in ["authorization", "content-type", "range", "holdfast-login"] {
            if let Some(value) = asked.header(name) {
                request = request.header(name, value);
            }
        }
        let response = request.body(asked.body.clone()).send().await?;
        let media_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let answer = Answer::new(response.status().as_u16(), media_type.unwrap_or_default(), Vec::new());
        Ok(Answer { body: response.bytes().await?.to_vec(), ..answer })
    }
}
