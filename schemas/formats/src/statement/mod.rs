//! Statements: what a person or machine signs. One in-toto Statement v1 a payload, its predicate typed by `predicateType`.
//!
//! [`Statement::parse`] reads the very bytes that were signed; whether the statement is allowed is judged elsewhere.

mod access;
mod attest;
mod deploy;
pub(crate) mod header;
mod known_good;
pub(crate) mod predicate;
mod publish;
mod retention;
mod rollback;
mod upkeep;

pub use access::{Action, Grant, GrantOidc, Quotas, Revoke};
pub use attest::{Attest, AttestedEnvelope, AttestedSubject, Tag, TagTarget};
pub use deploy::{Cohort, Deploy, DeployPhase, Direction, Observed, Step, StepOutcome};
pub use header::{
    Annotations, Artifact, AttachmentRef, Context, EntryIndex, EntryRef, Header, RunContext, RunbookContext,
    SourceContext,
};
pub use known_good::{Deny, DenyEffect, DenyScope, Evidence, EvidenceKind, Freeze, Lift, Metric, Pin, Thaw};
pub(crate) use predicate::predicate;
pub use predicate::{Predicate, PredicateSchema, StatementType};
pub use publish::{Build, ComponentRef, Keep, ManifestDescriptor, OciDescriptor, Publish, WindowMode};
pub use retention::{Delete, Extend, Hold, Unhold};
pub use rollback::{
    Achieved, Check, CheckKind, CheckLayer, FollowUp, Rollback, RollbackCause, RollbackPhase, RollbackScope,
    RollbackTarget, RollbackTimes, Trigger,
};
pub use upkeep::{BadObject, ObjectClass, Scrub, ScrubOutcome, Sweep, SweepPhase, Swept};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::digest::Digests;
use crate::limits::ATTACHMENT_BYTES_MAX;
use crate::strict::{JsonError, from_json, record};
use crate::text::Label;

/// The `_type` of every in-toto statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

record! {
    /// What a statement is about, matched by digest only.
    pub struct Subject {
        /// The artifact's name, or the channel, namespace or origin when no artifact is meant.
        req name: Label,
        /// Its digests; for a subject without content those of [`Subject::nominal`].
        req digest: Digests,
    }
}

impl Subject {
    /// A subject without content: digests of origin, type and name, each on its line.
    pub fn nominal(origin: &crate::origin::Origin, kind: StatementType, name: Label) -> Self {
        let digest = Digests::of(format!("{origin}\n{}\n{name}", kind.urn()).as_bytes());
        Self { name, digest }
    }
}

/// A well-formed statement. Nothing about signatures or permission is known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What every statement carries.
    pub header: Header,
    /// What this one says.
    pub predicate: Predicate,
}

/// Why a payload is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Not the strict JSON wanted.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// JSON, but its `_type` is something else.
    #[error("the payload's _type is {0:?}, but an in-toto Statement v1 is wanted")]
    NotAStatement(String),
    /// A type this version does not know.
    #[error("statement type {0:?} is unknown to this version; a newer version of Holdfast may know it")]
    UnknownType(String),
    /// The annotations are too large together.
    #[error("the annotations have {0} bytes together; at most 4,096 are accepted")]
    Annotations(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InToto<'a> {
    #[serde(rename = "_type", borrow)]
    statement_type: std::borrow::Cow<'a, str>,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType", borrow)]
    predicate_type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    predicate: &'a RawValue,
}

impl Statement {
    /// Reads the bytes of a payload.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let outer: InToto<'_> = from_json(payload, ATTACHMENT_BYTES_MAX)?;
        if outer.statement_type != STATEMENT_TYPE {
            return Err(StatementError::NotAStatement(outer.statement_type.into_owned()));
        }
        let kind = StatementType::from_urn(&outer.predicate_type)
            .ok_or_else(|| StatementError::UnknownType(outer.predicate_type.clone().into_owned()))?;
        let (header, predicate) = Predicate::parse(kind, outer.predicate.get().as_bytes())?;
        if let Some(size) = header.annotations_over_limit() {
            return Err(StatementError::Annotations(size));
        }
        Ok(Self { subject: outer.subject, header, predicate })
    }

    /// Writes the payload to sign.
    pub fn to_payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        let predicate = self.predicate.to_raw(&self.header)?;
        serde_json::to_vec(&InToto {
            statement_type: STATEMENT_TYPE.into(),
            subject: self.subject.clone(),
            predicate_type: self.kind().urn().into(),
            predicate: &predicate,
        })
    }

    /// Which type of statement it is.
    pub const fn kind(&self) -> StatementType {
        self.predicate.kind()
    }
}
