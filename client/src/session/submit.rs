//! Sending statements, and believing only the receipt.

use std::time::Duration;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::statement::{Predicate, Statement, StatementType};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::Receipt;
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::verified::Verified;

use super::{Registry, SMALL_ANSWER_MAX};
use crate::error::ClientError;
use crate::statement::{Draft, Prepared};
use crate::transport::{POST, Request, json_body};

/// A pin may wait for a scrub of everything that it covers.
const DEADLINE: Duration = Duration::from_mins(30);

/// A statement that is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Its place.
    pub index: LeafIndex,
    /// When the log took it.
    pub time: Timestamp,
    /// The entry.
    pub logged: Verified<LoggedStatement>,
    /// What proves it.
    pub receipt: Receipt,
}

impl Registry {
    /// Gives a draft its time and subjects, ready to be signed by whoever must.
    pub fn prepare(&self, draft: Draft) -> Result<Prepared, ClientError> {
        draft.prepare(self.origin(), self.now())
    }

    /// Signs a draft as the user and submits it.
    pub async fn submit(&self, draft: Draft) -> Result<Submitted, ClientError> {
        let prepared = self.prepare(draft)?.signed_by(self.signer()?).await?;
        self.submit_prepared(&prepared).await
    }

    /// Submits what was signed. May be repeated: a statement that is logged already is answered with its first receipt.
    pub async fn submit_prepared(&self, prepared: &Prepared) -> Result<Submitted, ClientError> {
        self.send(prepared).await
    }

    async fn send(&self, prepared: &Prepared) -> Result<Submitted, ClientError> {
        let statement = prepared.statement()?;
        if prepared.signatures() == 0 {
            return Err(ClientError::Unsigned);
        }
        if statement.header.log != *self.origin() {
            let (wanted, found) = (self.origin().clone(), statement.header.log);
            return Err(ClientError::PreparedForOtherLog { wanted, found });
        }
        let body = json_body("submission", prepared.submission())?;
        let request = Request::send(POST, "/v1/submissions", "receipt", SMALL_ANSWER_MAX, body);
        let receipt: Receipt = self.transport().call(request.within(DEADLINE)).await?;
        if statement.kind() == StatementType::Policy {
            self.fetch_policies().await?;
        }
        let logged = match self.check_receipt("receipt", &receipt).await {
            Err(error) if error.is_unwitnessed() => {
                let (index, source) = (receipt.index, Box::new(error));
                return Err(ClientError::LoggedUnwitnessed { index, source });
            }
            checked => checked?,
        };
        require_same(&logged, &statement, prepared)?;
        Ok(Submitted { index: receipt.index, time: logged.get().time(), logged, receipt })
    }
}

/// The receipt must be for what was sent. A `publish` of a taken name is answered with the first one that gave the name
/// the same manifest, which says the same in other bytes.
fn require_same(
    logged: &Verified<LoggedStatement>,
    sent: &Statement,
    prepared: &Prepared,
) -> Result<(), ClientError> {
    let wanted = Sha256Digest::of(prepared.payload());
    let found = logged.get().payload_sha256();
    let same = match (&sent.predicate, &logged.get().statement().predicate) {
        (Predicate::Publish(a), Predicate::Publish(b)) => {
            (&a.name, &a.version, a.manifest.digests) == (&b.name, &b.version, b.manifest.digests)
        }
        _ => found == wanted,
    };
    if same {
        return Ok(());
    }
    Err(ClientError::untrue(
        "receipt",
        format!("it is for the statement with SHA-256 {found}, but {wanted} was sent"),
    ))
}
