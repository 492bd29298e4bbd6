//! Why a use case failed, as the one list of problem codes that clients branch on.

use holdfast_formats::wire::v1::{MissingChunk, Problem, ProblemCode};
use holdfast_verify::facts::FactsError;
use holdfast_verify::known_good::{ChooseError, PlanError};
use holdfast_verify::refusal::{JudgeError, Refusal};

use crate::blobs::BlobError;
use crate::index::IndexError;
use crate::log::{AppendError, AttachmentError, EntriesError, OwnError, ProofsError};
use crate::objects::ObjectError;
use crate::oidc::OidcError;

/// A failure with its code. What is internal is logged where it is rendered and not shown.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Failure {
    code: ProblemCode,
    detail: String,
    missing: Vec<MissingChunk>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    /// A failure that says what was wrong and what to do.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), missing: Vec::new(), source: None }
    }

    /// Not there, or not the reader's to see: the two look alike.
    pub fn not_found() -> Self {
        Self::new(
            ProblemCode::NotFound,
            "there is no such thing, or this token may not read it; check the name, and the token's grant",
        )
    }

    /// Something inside failed; the details go to the log.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let detail = "the registry failed inside; its log has the details under this request id".to_owned();
        Self { code: ProblemCode::Internal, detail, missing: Vec::new(), source: Some(Box::new(source)) }
    }

    fn caused(code: ProblemCode, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { code, detail: source.to_string(), missing: Vec::new(), source: Some(Box::new(source)) }
    }

    /// The code.
    pub const fn code(&self) -> ProblemCode {
        self.code
    }

    /// Whether something went wrong in here, and not merely that the caller asks for what cannot be told now.
    pub const fn is_fault(&self) -> bool {
        self.source.is_some() && self.code.status() >= 500
    }

    /// What clients are told.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.code, self.detail.clone());
        if !self.missing.is_empty() {
            problem.missing = Some(self.missing.clone());
        }
        problem
    }
}

impl From<ObjectError> for Failure {
    fn from(error: ObjectError) -> Self {
        match &error {
            ObjectError::NoSpace { .. } => Self::caused(ProblemCode::NoSpace, error),
            ObjectError::ReadOnly { .. } => Self::caused(ProblemCode::ReadOnly, error),
            ObjectError::Unavailable { .. } => Self::caused(ProblemCode::Unavailable, error),
            ObjectError::NotFound { .. } | ObjectError::TooLarge { .. } => {
                Self::caused(ProblemCode::Corrupt, error)
            }
            ObjectError::InvalidKey(_)
            | ObjectError::OutOfRange { .. }
            | ObjectError::NotDurable { .. }
            | ObjectError::Io { .. } => Self::internal(error),
        }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        Self::internal(error)
    }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        Self::internal(error)
    }
}

impl From<ProofsError> for Failure {
    fn from(error: ProofsError) -> Self {
        match &error {
            ProofsError::Merkle(_) => Self::caused(ProblemCode::Malformed, error),
            ProofsError::Index(_) | ProofsError::MissingTile(_) => Self::internal(error),
        }
    }
}

impl From<AttachmentError> for Failure {
    fn from(error: AttachmentError) -> Self {
        match error {
            AttachmentError::Object(error) => error.into(),
            AttachmentError::Corrupt(_) => Self::caused(ProblemCode::Corrupt, error),
        }
    }
}

impl From<EntriesError> for Failure {
    fn from(error: EntriesError) -> Self {
        match error {
            EntriesError::NotFound(_) => Self::not_found(),
            EntriesError::Index(error) => error.into(),
            EntriesError::Object(error) => error.into(),
            EntriesError::Attachment(error) => error.into(),
            EntriesError::Corrupt { .. } | EntriesError::Altered(_) | EntriesError::Commit(_) => {
                Self::caused(ProblemCode::Corrupt, error)
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::caused(refusal.kind().problem_code(), refusal)
    }
}

impl From<JudgeError> for Failure {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Refused(refusal) => refusal.into(),
            JudgeError::Facts(error) => error.into(),
            newer @ JudgeError::Newer { .. } => Self::new(ProblemCode::StatementInvalid, newer.to_string()),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(refusal) => refusal.into(),
            AppendError::Keys(_) => Self::caused(ProblemCode::StatementInvalid, error),
            AppendError::Halted(_) => Self::caused(ProblemCode::Halted, error),
            AppendError::Unchecked => Self::caused(ProblemCode::Forbidden, error),
            AppendError::NoSpace => Self::caused(ProblemCode::NoSpace, error),
            AppendError::ReadOnly | AppendError::WrongClock(_) => Self::caused(ProblemCode::ReadOnly, error),
            AppendError::Swept(_) | AppendError::Needed | AppendError::Unavailable(_) => {
                Self::caused(ProblemCode::Unavailable, error)
            }
        }
    }
}

impl From<OwnError> for Failure {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Form(_) => Self::internal(error),
            OwnError::Attachment(error) => error.into(),
            OwnError::Append(error) => error.into(),
        }
    }
}

impl From<ChooseError> for Failure {
    fn from(error: ChooseError) -> Self {
        match error {
            ChooseError::Facts(error) => error.into(),
            other => Self::caused(other.code(), other),
        }
    }
}

impl From<OidcError> for Failure {
    fn from(error: OidcError) -> Self {
        let code = match error {
            OidcError::Unreadable
            | OidcError::Algorithm
            | OidcError::IssuerUnknown
            | OidcError::KeyUnknown
            | OidcError::Signature
            | OidcError::Audience
            | OidcError::Expired
            | OidcError::NotYet
            | OidcError::Claim(_)
            | OidcError::NoPrincipal => ProblemCode::Unauthorized,
            OidcError::Keys => ProblemCode::Unavailable,
        };
        Self::caused(code, error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::caused(ProblemCode::NothingQualifies, error)
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Object(error) => error.into(),
            BlobError::Index(error) => error.into(),
            BlobError::NotSwept(_) => Self::internal(error),
            BlobError::Missing(missing) => Self {
                code: ProblemCode::ContentMissing,
                detail: "some content is not here: send the chunks under `missing`, then submit again"
                    .to_owned(),
                missing,
                source: None,
            },
            BlobError::Malformed(_) | BlobError::Catalog(_) | BlobError::Listing { .. } => {
                Self::caused(ProblemCode::Malformed, error)
            }
            BlobError::TooLarge(_) => Self::caused(ProblemCode::TooLarge, error),
            BlobError::DigestMismatch { .. } => Self::caused(ProblemCode::DigestMismatch, error),
            BlobError::NotFound => Self::not_found(),
            BlobError::Corrupt { .. } => Self::caused(ProblemCode::Corrupt, error),
            BlobError::Range { .. } => Self::caused(ProblemCode::RangeNotSatisfiable, error),
        }
    }
}
