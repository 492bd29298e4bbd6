//! Errors: one closed list of codes, shared by server, client and command line (RFC 9457).

use crate::digest::Blake3Digest;
use crate::strict::{record, word};

/// What a process exits with; the table of the command line's manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Internal error.
    Internal = 1,
    /// Usage.
    Usage = 2,
    /// Not found, or not yours to read.
    NotFound = 3,
    /// Integrity: signature, proof, digest, rollback or fork.
    Integrity = 4,
    /// Ended, expired, or outside its window.
    Ended = 5,
    /// Policy, grant or freeze refuses a write.
    Refused = 6,
    /// An irreversible step is on the way.
    Irreversible = 7,
    /// Registry unreachable or stale.
    Unreachable = 8,
    /// Conflict: predecessor moved, name taken.
    Conflict = 9,
    /// The channel exists, and nothing qualifies.
    NothingQualifies = 10,
    /// Done, but incomplete.
    Incomplete = 11,
}

macro_rules! problem_codes {
    ($($(#[$m:meta])* $variant:ident $text:literal $status:literal $exit:ident;)*) => {
        word! {
            /// The stable code of a problem.
            pub enum ProblemCode { $($(#[$m])* $variant = $text,)* }
        }

        impl ProblemCode {
            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// What the command line exits with.
            pub const fn exit(self) -> ExitCode {
                match self { $(Self::$variant => ExitCode::$exit),* }
            }
        }
    };
}

problem_codes! {
    /// The request is not in the form wanted.
    Malformed "malformed" 400 Usage;
    /// A body's bytes do not have the digest they were sent under.
    DigestMismatch "digest_mismatch" 400 Integrity;
    /// A signature is missing, of an unknown key, or wrong.
    SignatureInvalid "signature_invalid" 400 Integrity;
    /// The statement is for another log, out of date, or breaks another rule of form.
    StatementInvalid "statement_invalid" 400 Refused;
    /// This registry does not accept such statements.
    StatementUnsupported "statement_unsupported" 400 Refused;
    /// No token, or one that is unknown, expired or revoked.
    Unauthorized "unauthorized" 401 NotFound;
    /// Policy or grant does not allow it.
    Forbidden "forbidden" 403 Refused;
    /// Fewer keys signed than the policy asks for.
    ThresholdNotMet "threshold_not_met" 403 Refused;
    /// The channel is frozen.
    Frozen "frozen" 403 Refused;
    /// The artifact is denied.
    Denied "denied" 403 Refused;
    /// The evidence that the policy asks for is not there.
    EvidenceMissing "evidence_missing" 403 Refused;
    /// A quota of the grant is used up.
    QuotaExceeded "quota_exceeded" 403 Refused;
    /// Not there, or not yours to read.
    NotFound "not_found" 404 NotFound;
    /// There is no such route or method.
    NoSuchRoute "no_such_route" 404 Usage;
    /// The channel exists, and nothing qualifies.
    NothingQualifies "nothing_qualifies" 404 NothingQualifies;
    /// The method is not one of this route's.
    MethodNotAllowed "method_not_allowed" 405 Usage;
    /// The pin's or policy's predecessor is not the newest one.
    StalePredecessor "stale_predecessor" 409 Conflict;
    /// The name@version is something else already.
    NameTaken "name_taken" 409 Conflict;
    /// The statement does not fit what is logged already.
    Conflict "conflict" 409 Conflict;
    /// What the statement refers to must be sent again; `missing` lists it.
    ContentMissing "content_missing" 409 Conflict;
    /// Ended, expired or outside its window.
    Gone "gone" 410 Ended;
    /// A stored object does not hash to its address.
    Corrupt "corrupt" 500 Integrity;
    /// The body is larger than allowed.
    TooLarge "too_large" 413 Usage;
    /// The range cannot be served.
    RangeNotSatisfiable "range_not_satisfiable" 416 Usage;
    /// Going back passes a step that cannot be undone.
    Irreversible "irreversible" 409 Irreversible;
    /// Too many requests at once.
    TooManyRequests "too_many_requests" 429 Unreachable;
    /// Something went wrong inside; the log has the request id.
    Internal "internal" 500 Internal;
    /// The store or the node does not take writes now.
    ReadOnly "read_only" 503 Unreachable;
    /// The node is behind, or cannot reach its store.
    Unavailable "unavailable" 503 Unreachable;
    /// The node halted because the log does not recompute.
    Halted "halted" 503 Integrity;
    /// The disk is full.
    NoSpace "no_space" 507 Unreachable;
}

record! {
    /// `application/problem+json`
    pub struct Problem {
        /// `urn:holdfast:problem:<code>`
        req r#type: String,
        /// The code in words.
        req title: String,
        /// The HTTP status.
        req status: u16,
        /// The code.
        req code: ProblemCode,
        /// What was wrong and what to do.
        req detail: String,
        /// The request's id, also in the registry's log.
        opt request_id: String,
        /// What must be sent again.
        opt missing: Vec<MissingChunk>,
    }
}

record! {
    /// A chunk that is not there, and where in its blob it stands.
    #[derive(Copy)]
    pub struct MissingChunk {
        /// Which.
        req chunk: Blake3Digest,
        /// Its first byte in the blob.
        req offset: u64,
        /// How many bytes of the blob it gives.
        req length: u64,
    }
}

impl Problem {
    /// A problem with its code and a sentence that says what to do.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:holdfast:problem:{code}"),
            title: code.as_str().replace('_', " "),
            status: code.status(),
            code,
            detail: detail.into(),
            request_id: None,
            missing: None,
        }
    }
}
