//! The one table of all routes: what the OpenAPI description is made of, and what the router is compared with.

use std::iter;

use holdfast_formats::wire::v1::ProblemCode::{
    Conflict, ContentMissing, Corrupt, Denied, DigestMismatch, EvidenceMissing, Forbidden, Frozen, Gone,
    Halted, Malformed, NameTaken, NoSpace, NoSuchRoute, NotFound, NothingQualifies, QuotaExceeded,
    RangeNotSatisfiable, ReadOnly, SignatureInvalid, StalePredecessor, StatementInvalid,
    StatementUnsupported, ThresholdNotMet, TooLarge,
};

use super::cosigned::COSIGNED;
use super::routes::{Access, Answer, AnswerBody, PathParameter, RequestBody, Route};
use super::uploads;
use super::{grants, operations};

/// Stands for any digest: both kinds are written alike.
const DIGEST_TEXT: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

pub(crate) const fn parameter(
    name: &'static str,
    example: &'static str,
    description: &'static str,
) -> PathParameter {
    PathParameter { name, example, description, slashes: false }
}

const CHANNEL: PathParameter =
    PathParameter { slashes: true, ..parameter("channel", "shop/prod", "Where known-good is tracked.") };
const REF: PathParameter = PathParameter {
    slashes: true,
    ..parameter(
        "ref",
        "shop/web@1.4.2",
        "`namespace/name@version`, or `namespace/name@blake3:…` with the manifest's digest.",
    )
};
const DIGEST: PathParameter = parameter("blake3", DIGEST_TEXT, "BLAKE3, 64 lower-case hexadecimal digits.");

pub(crate) const fn answer(status: u16, description: &'static str, body: AnswerBody) -> Answer {
    Answer { status, description, body }
}

pub(crate) const fn get(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answers: &'static [Answer],
) -> Route {
    Route {
        method: "get",
        path,
        pattern: path,
        id,
        summary,
        access: Access::Reader,
        parameters: &[],
        query: None,
        body: RequestBody::None,
        answers,
        problems: &[],
    }
}

macro_rules! json_answers {
    ($name:literal, $description:literal) => {
        &[answer(200, $description, AnswerBody::Json($name))]
    };
}

const NOTE: AnswerBody = AnswerBody::Text("text/plain; charset=utf-8");

/// Routes about the node itself.
const NODE: [Route; 6] = [
    Route {
        access: Access::Open,
        ..get("/healthz", "healthy", "Whether the process runs", &[answer(200, "It does.", NOTE)])
    },
    Route {
        access: Access::Open,
        problems: &[Halted],
        ..get("/readyz", "ready", "Whether lookups are answered", &[answer(200, "They are.", NOTE)])
    },
    Route {
        access: Access::Open,
        ..get(
            "/metrics",
            "metrics",
            "What is counted, in OpenMetrics text",
            &[answer(
                200,
                "The metrics.",
                AnswerBody::Text("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            )],
        )
    },
    Route {
        access: Access::Open,
        ..get(
            "/v1/openapi.json",
            "openapi",
            "This description",
            &[answer(200, "An OpenAPI 3.1 document.", AnswerBody::AnyJson)],
        )
    },
    Route {
        access: Access::Open,
        ..get(
            "/v1/registry",
            "info",
            "What everybody may know of the registry",
            json_answers!("RegistryInfo", "Its keys and policy."),
        )
    },
    get(
        "/v1/status",
        "status",
        "How the registry does",
        json_answers!("Status", "Sizes, times, and whether writes are taken."),
    ),
];

/// Routes of the log.
const LOG: [Route; 9] = [
    Route {
        method: "post",
        access: Access::Signer,
        body: RequestBody::Json("Submission"),
        problems: &[
            Malformed,
            DigestMismatch,
            SignatureInvalid,
            StatementInvalid,
            StatementUnsupported,
            Forbidden,
            ThresholdNotMet,
            Frozen,
            Denied,
            EvidenceMissing,
            QuotaExceeded,
            NotFound,
            StalePredecessor,
            NameTaken,
            Conflict,
            ContentMissing,
            Gone,
            TooLarge,
            ReadOnly,
            Halted,
            NoSpace,
        ],
        ..get(
            "/v1/submissions",
            "submit",
            "Submit a signed statement: the one way to change anything",
            &[
                answer(201, "Logged by this request.", AnswerBody::Json("Receipt")),
                answer(200, "Logged before: the first receipt again.", AnswerBody::Json("Receipt")),
            ],
        )
    },
    Route {
        query: Some("PolicyQuery"),
        problems: &[Malformed],
        ..get(
            "/v1/policies",
            "policies",
            "The chain of policies",
            json_answers!("PolicyChain", "Receipts, oldest first."),
        )
    },
    get("/v1/log/checkpoint", "checkpoint", "The newest checkpoint", &[answer(200, "A signed note.", NOTE)]),
    Route {
        query: Some("ConsistencyQuery"),
        problems: &[Malformed],
        ..get(
            "/v1/log/consistency",
            "consistency",
            "Proof that the log only grew",
            json_answers!("Consistency", "The proof."),
        )
    },
    Route {
        access: Access::Bearer,
        query: Some("EntriesQuery"),
        problems: &[Malformed, NotFound, Corrupt],
        ..get(
            "/v1/log/entries",
            "entries",
            "Successive entries; needs the `audit` grant",
            json_answers!("LogEntries", "The entries."),
        )
    },
    Route {
        access: Access::Bearer,
        parameters: &[parameter("index", "0", "The place of the entry in the log.")],
        problems: &[Malformed, NotFound, Corrupt],
        ..get(
            "/v1/log/proof/{index}",
            "proof",
            "The receipt of one entry; needs the `audit` grant",
            json_answers!("Receipt", "Entry and proof."),
        )
    },
    Route {
        pattern: "/v1/log/attachments/{digest}",
        access: Access::Bearer,
        parameters: &[parameter("sha256", DIGEST_TEXT, "SHA-256, 64 lower-case hexadecimal digits.")],
        problems: &[Malformed, NotFound, Corrupt],
        ..get(
            "/v1/log/attachments/{sha256}",
            "attachment",
            "What an entry names by digest; needs the `audit` grant",
            &[answer(200, "Its bytes.", AnswerBody::Bytes)],
        )
    },
    Route {
        pattern: "/log/{*path}",
        problems: &[NotFound],
        ..get(
            "/log/checkpoint",
            "published_checkpoint",
            "The checkpoint whose tiles are all written (C2SP tlog-tiles)",
            &[answer(200, "A signed note.", NOTE)],
        )
    },
    Route {
        pattern: "/log/{*path}",
        parameters: &[PathParameter {
            slashes: true,
            ..parameter(
                "tile",
                "0/000",
                "`<level>/<n>[.p/<width>]`, or `entries/<n>[.p/<width>]` with the `audit` grant.",
            )
        }],
        problems: &[Malformed, NotFound],
        ..get(
            "/log/tile/{tile}",
            "tile",
            "One tile of the log (C2SP tlog-tiles)",
            &[answer(200, "Hashes, or an entry bundle.", AnswerBody::Bytes)],
        )
    },
];

/// Routes of channels.
const CHANNELS: [Route; 5] = [
    Route {
        pattern: "/v1/channels/{*path}",
        parameters: &[CHANNEL],
        query: Some("KnownGoodQuery"),
        problems: &[Malformed, NotFound, NoSuchRoute, NothingQualifies, Corrupt, Halted],
        ..get(
            "/v1/channels/{channel}/known-good",
            "known_good",
            "What to go back to, with everything needed to check the answer",
            json_answers!("KnownGood", "The answer, its proofs and the way back."),
        )
    },
    Route {
        pattern: "/v1/channels/{*path}",
        parameters: &[CHANNEL],
        query: Some("HistoryQuery"),
        problems: &[Malformed, NotFound, NoSuchRoute, Corrupt],
        ..get(
            "/v1/channels/{channel}/history",
            "history",
            "What happened in a channel",
            json_answers!("History", "Entries, newest first."),
        )
    },
    Route {
        pattern: "/v1/channels/{*path}",
        parameters: &[CHANNEL],
        query: Some("GateQuery"),
        problems: &[Malformed, NotFound, NoSuchRoute],
        ..get(
            "/v1/channels/{channel}/gate",
            "gate",
            "Whether an artifact may be deployed now",
            json_answers!("Gate", "Yes, or the reasons why not."),
        )
    },
    Route {
        pattern: "/v1/channels/{*path}",
        parameters: &[CHANNEL],
        problems: &[Malformed, NotFound, NoSuchRoute],
        ..get(
            "/v1/channels/{channel}/schedules",
            "channel_schedules",
            "What is due in a channel and what it should reach, and how it stands with that",
            json_answers!(
                "ChannelSchedules",
                "Schedules and objectives; what follows from artifacts that you may not read is left out."
            ),
        )
    },
    Route {
        query: Some("ScheduleQuery"),
        problems: &[Malformed],
        ..get(
            "/v1/schedules",
            "schedules",
            "The channels where something is overdue, or an objective not known to be met",
            json_answers!("ScheduleList", "One page; channels that you may not read are left out."),
        )
    },
];

/// Routes of artifacts and their bytes.
const ARTIFACTS: [Route; 5] = [
    Route {
        query: Some("ListQuery"),
        problems: &[Malformed],
        ..get(
            "/v1/artifacts",
            "artifacts",
            "Artifacts by name and version",
            json_answers!("ArtifactList", "One page."),
        )
    },
    Route {
        pattern: "/v1/artifacts/{*path}",
        parameters: &[REF],
        problems: &[Malformed, NotFound, NoSuchRoute, Gone, Corrupt],
        ..get(
            "/v1/artifacts/{ref}",
            "artifact",
            "One artifact with its receipts",
            json_answers!("ArtifactView", "The artifact."),
        )
    },
    Route {
        pattern: "/v1/artifacts/{*path}",
        parameters: &[REF],
        problems: &[Malformed, NotFound, NoSuchRoute],
        ..get(
            "/v1/artifacts/{ref}/retention",
            "retention",
            "Until when an artifact stays, and why",
            json_answers!(
                "RetentionView",
                "Every reason with its date; names that you may not read are left out."
            ),
        )
    },
    Route {
        pattern: "/v1/artifacts/{*path}",
        parameters: &[REF, DIGEST],
        problems: &[Malformed, Denied, NotFound, NoSuchRoute, Gone, Corrupt, RangeNotSatisfiable],
        ..get(
            "/v1/artifacts/{ref}/blobs/{blake3}",
            "blob",
            "The bytes of one file of an artifact; one `Range` is honoured",
            &[
                answer(200, "The whole file.", AnswerBody::Bytes),
                answer(206, "The range asked for.", AnswerBody::Bytes),
            ],
        )
    },
    Route {
        pattern: "/v1/artifacts/{*path}",
        parameters: &[REF, DIGEST],
        problems: &[Malformed, Denied, NotFound, NoSuchRoute, Gone, Corrupt],
        ..get(
            "/v1/artifacts/{ref}/chunks/{blake3}",
            "chunk",
            "One chunk of a snapshot of a tree, as it is stored: 32 bytes of header, then the bytes, raw or as one zstd frame",
            &[answer(200, "The stored chunk; decode it and hash it.", AnswerBody::Bytes)],
        )
    },
];

/// Every route there is.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    iter::empty()
        .chain(&NODE)
        .chain(&LOG)
        .chain(&COSIGNED)
        .chain(&grants::GRANTS)
        .chain(&operations::OPERATIONS)
        .chain(&CHANNELS)
        .chain(&ARTIFACTS)
        .chain(&uploads::UPLOADS)
}
