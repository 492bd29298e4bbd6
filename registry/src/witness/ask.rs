//! One witness over HTTP: deadlines, a cap on what it may answer, no redirects.

use std::time::Duration;

use holdfast_formats::tree::TreeSize;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};

use super::answer;
use super::error::AskError;
use super::state::Witness;
use crate::log::{Cosignature, Head, Prover};

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);
/// Some cosignature lines, also of large keys.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How often a witness may name another size in one go: other nodes of the same log ask it too.
const ROUNDS_MAX: usize = 4;

/// What one request came to.
enum Outcome {
    Cosigned(Box<Cosignature>),
    Latest(TreeSize),
}

/// Asks one witness.
pub(super) struct Asker {
    http: Client,
    prover: Prover,
    /// The size that the witness has, as far as it told.
    known: TreeSize,
}

impl Asker {
    pub(super) fn new(prover: Prover) -> Result<Self, reqwest::Error> {
        // The client takes the process-wide provider; whoever came first installed the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder()
            .user_agent(concat!("holdfast-registry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .build()?;
        Ok(Self { http, prover, known: TreeSize::ZERO })
    }

    /// Has the witness cosign this state, from whatever size it is at.
    pub(super) async fn ask(&mut self, witness: &Witness, head: &Head) -> Result<Cosignature, AskError> {
        for _ in 0..ROUNDS_MAX {
            if self.known > head.size() {
                let ahead = std::mem::replace(&mut self.known, TreeSize::ZERO);
                return Err(AskError::Ahead { witness: ahead, log: head.size() });
            }
            match self.once(witness, head).await? {
                Outcome::Cosigned(cosignature) => {
                    self.known = head.size();
                    return Ok(*cosignature);
                }
                // At this very size it has another root.
                Outcome::Latest(size) if size == self.known && size == head.size() => {
                    return Err(AskError::Fork(size));
                }
                Outcome::Latest(size) if size == self.known => {
                    return Err(AskError::Protocol("409 with the size that it was asked from"));
                }
                Outcome::Latest(size) => self.known = size,
            }
        }
        Err(AskError::Raced)
    }

    async fn once(&self, witness: &Witness, head: &Head) -> Result<Outcome, AskError> {
        let (old, prover, at) = (self.known, self.prover.clone(), head.clone());
        let proof = if old == TreeSize::ZERO || old == head.size() {
            Vec::new()
        } else {
            let index = self.prover.index();
            index
                .read(move |view| prover.consistency(view, &at, old, at.size()).map_err(AskError::from))
                .await?
        };
        let body = answer::request(old, &proof, head.checkpoint());
        let request = self.http.post(format!("{}/add-checkpoint", witness.url())).body(body);
        let sent = request.header(CONTENT_TYPE, "text/plain; charset=utf-8").send().await;
        let response = sent.map_err(unanswered)?;
        let status = response.status();
        let body = read(response).await?;
        match status {
            StatusCode::OK => {
                answer::cosignature(&body, head, witness.key()).map(|c| Outcome::Cosigned(Box::new(c)))
            }
            StatusCode::CONFLICT => answer::latest(&body).map(Outcome::Latest),
            // The proof is right, so what it is checked against is another tree.
            StatusCode::UNPROCESSABLE_ENTITY if old > TreeSize::ZERO => Err(AskError::Fork(old)),
            StatusCode::NOT_FOUND => Err(AskError::UnknownLog(Box::new(head.verifier_key()))),
            StatusCode::FORBIDDEN => Err(AskError::NotTrusted(Box::new(head.verifier_key()))),
            StatusCode::TOO_MANY_REQUESTS => Err(AskError::Busy),
            other => Err(AskError::Status(other.as_u16())),
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, AskError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unanswered)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(AskError::TooLarge(ANSWER_BYTES_MAX));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn unanswered(error: reqwest::Error) -> AskError {
    if error.is_timeout() {
        AskError::Late(DEADLINE.as_secs())
    } else {
        AskError::Unreachable(error.without_url())
    }
}
