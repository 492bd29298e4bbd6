//! The stable codes of refusals, which servers and clients branch on.

use holdfast_formats::wire::v1::ProblemCode;

use super::Refusal;

macro_rules! refusal_kinds {
    ($($(#[$m:meta])* $variant:ident = $text:literal,)*) => {
        /// What kind of refusal it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RefusalKind { $($(#[$m])* $variant,)* }

        impl RefusalKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as it is sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

refusal_kinds! {
    /// The statement says something that none of its type may say.
    Malformed = "malformed",
    /// Nobody known signed.
    SignatureMissing = "signature-missing",
    /// A signature does not verify.
    SignatureBad = "signature-bad",
    /// Nobody who signed fills the role.
    RoleMissing = "role-missing",
    /// Too few signed.
    ThresholdNotMet = "threshold-not-met",
    /// Who signed fills a role that is kept apart.
    SeparationOfDuties = "separation-of-duties",
    /// For another log.
    WrongLog = "wrong-log",
    /// Too old, from the future, or made to live too long.
    Expired = "expired",
    /// Not the next of its line or chain.
    StalePredecessor = "stale-predecessor",
    /// The name means something else.
    NameTaken = "name-taken",
    /// Done already; the first receipt answers.
    AlreadyDone = "already-done",
    /// What it names is not there.
    NotFound = "not-found",
    /// What it names has ended.
    Gone = "gone",
    /// A deny stands.
    Denied = "denied",
    /// A freeze stands.
    Frozen = "frozen",
    /// Evidence is missing.
    EvidenceMissing = "evidence-missing",
    /// Not read back yet.
    NotScrubbed = "not-scrubbed",
    /// Policy forbids it.
    Forbidden = "forbidden",
    /// Another rule book is needed.
    UnknownRuleBook = "unknown-rule-book",
    /// Not accepted yet.
    Unsupported = "unsupported",
    /// An attachment is missing.
    AttachmentMissing = "attachment-missing",
    /// An attachment is something else than the statement says.
    AttachmentMismatch = "attachment-mismatch",
    /// It contradicts what is logged.
    Conflict = "conflict",
}

impl RefusalKind {
    /// The code under which HTTP reports it.
    pub const fn problem_code(self) -> ProblemCode {
        match self {
            Self::Malformed | Self::WrongLog | Self::Expired | Self::UnknownRuleBook => {
                ProblemCode::StatementInvalid
            }
            Self::SignatureMissing | Self::SignatureBad => ProblemCode::SignatureInvalid,
            Self::RoleMissing | Self::SeparationOfDuties | Self::Forbidden => ProblemCode::Forbidden,
            Self::ThresholdNotMet => ProblemCode::ThresholdNotMet,
            Self::StalePredecessor => ProblemCode::StalePredecessor,
            Self::NameTaken => ProblemCode::NameTaken,
            Self::AlreadyDone | Self::Conflict => ProblemCode::Conflict,
            Self::NotFound => ProblemCode::NotFound,
            Self::Gone => ProblemCode::Gone,
            Self::Denied => ProblemCode::Denied,
            Self::Frozen => ProblemCode::Frozen,
            Self::EvidenceMissing | Self::NotScrubbed => ProblemCode::EvidenceMissing,
            Self::Unsupported => ProblemCode::StatementUnsupported,
            Self::AttachmentMissing => ProblemCode::ContentMissing,
            Self::AttachmentMismatch => ProblemCode::DigestMismatch,
        }
    }
}

impl std::fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Refusal {
    /// Which kind of refusal this is.
    pub const fn kind(&self) -> RefusalKind {
        match self {
            Self::Malformed { .. }
            | Self::SubjectWrong { .. }
            | Self::PolicyUnsound { .. }
            | Self::Component { .. } => RefusalKind::Malformed,
            Self::WrongLog { .. } => RefusalKind::WrongLog,
            Self::IssuedAhead { .. }
            | Self::LifeWrong { .. }
            | Self::Expired { .. }
            | Self::QuietLog { .. }
            | Self::NotInTheFuture { .. } => RefusalKind::Expired,
            Self::UnknownRuleBook { .. } => RefusalKind::UnknownRuleBook,
            Self::Unsupported { .. } => RefusalKind::Unsupported,
            Self::SignatureMissing => RefusalKind::SignatureMissing,
            Self::SignatureSize { .. }
            | Self::SignatureBad { .. }
            | Self::SignatureUnknown { .. }
            | Self::SignatureSurplus { .. }
            | Self::SignatureUnnamed { .. } => RefusalKind::SignatureBad,
            Self::RoleMissing { .. } | Self::RegistryOnly { .. } => RefusalKind::RoleMissing,
            Self::ThresholdNotMet { .. } | Self::RootThreshold { .. } => RefusalKind::ThresholdNotMet,
            Self::SeparationOfDuties { .. } => RefusalKind::SeparationOfDuties,
            Self::GrantTooWide { .. }
            | Self::OidcNotAllowed { .. }
            | Self::MovingTag { .. }
            | Self::KeepTooLong { .. }
            | Self::KeepWeaker { .. }
            | Self::KeepNotLonger { .. }
            | Self::Kept { .. }
            | Self::NoticeTooShort { .. }
            | Self::NotALine { .. } => RefusalKind::Forbidden,
            Self::StalePolicy { .. } | Self::StalePin { .. } => RefusalKind::StalePredecessor,
            Self::NameTaken { .. } => RefusalKind::NameTaken,
            Self::AlreadyPublished { .. } | Self::AlreadyLogged { .. } => RefusalKind::AlreadyDone,
            Self::NamespaceUnknown { .. }
            | Self::ArtifactNotFound { .. }
            | Self::DigestNotFound { .. }
            | Self::ChannelUnknown { .. }
            | Self::EntryNotFound { .. } => RefusalKind::NotFound,
            Self::AlreadyEnded { .. } | Self::ArtifactEnded { .. } => RefusalKind::Gone,
            Self::AttachmentMissing { .. } => RefusalKind::AttachmentMissing,
            Self::AttachmentMismatch { .. } => RefusalKind::AttachmentMismatch,
            Self::Denied { .. } => RefusalKind::Denied,
            Self::Frozen { .. } | Self::CalendarFrozen { .. } => RefusalKind::Frozen,
            Self::NotScrubbed { .. } => RefusalKind::NotScrubbed,
            Self::EvidenceMissing { .. } => RefusalKind::EvidenceMissing,
            Self::TimeBackwards { .. }
            | Self::PolicyMissing
            | Self::DigestsDiffer { .. }
            | Self::RollbackConflict { .. }
            | Self::InUse { .. } => RefusalKind::Conflict,
        }
    }
}
