//! The routes of uploads: what is missing, chunks, and the records that make blobs of them.

use holdfast_formats::wire::v1::ProblemCode::{
    ContentMissing, Corrupt, DigestMismatch, Malformed, NoSpace, NotFound, QuotaExceeded, ReadOnly, TooLarge,
};

use super::routes::{Access, AnswerBody, PathParameter, RequestBody, Route};
use super::table::{answer, get, parameter};

const NAMESPACE: PathParameter = parameter("namespace", "shop", "The first segment of a name.");

pub(crate) const UPLOADS: [Route; 3] = [
    Route {
        method: "post",
        access: Access::Bearer,
        parameters: &[NAMESPACE],
        body: RequestBody::Json("MissingQuery"),
        problems: &[Malformed, NotFound, TooLarge],
        ..get(
            "/v1/namespaces/{namespace}/chunks/missing",
            "missing_chunks",
            "Which chunks must be sent",
            &[answer(200, "Those that are not there.", AnswerBody::Json("MissingAnswer"))],
        )
    },
    Route {
        method: "post",
        access: Access::Bearer,
        parameters: &[NAMESPACE],
        query: Some("ChunksQuery"),
        body: RequestBody::Bytes(
            "Chunks, at most 64 MiB: each its BLAKE3 (32 bytes) and the length of its stored object (4, big endian), then that object: 32 bytes of header and the bytes, raw or as one zstd frame.",
        ),
        problems: &[Malformed, DigestMismatch, NotFound, QuotaExceeded, TooLarge, ReadOnly, NoSpace],
        ..get(
            "/v1/namespaces/{namespace}/chunks",
            "put_chunks",
            "Send chunks",
            &[answer(200, "All of them are stored.", AnswerBody::Json("ChunksStored"))],
        )
    },
    Route {
        method: "post",
        access: Access::Bearer,
        parameters: &[NAMESPACE],
        query: Some("BlobQuery"),
        body: RequestBody::Bytes(
            "A blob record: digests, size and extents. Behind it at most 64 chunks, as they are sent by themselves.",
        ),
        problems: &[
            Malformed,
            DigestMismatch,
            NotFound,
            ContentMissing,
            QuotaExceeded,
            TooLarge,
            Corrupt,
            ReadOnly,
            NoSpace,
        ],
        ..get(
            "/v1/namespaces/{namespace}/blobs",
            "put_blob",
            "Make a blob of chunks that are there or come along; the registry hashes all of it",
            &[
                answer(201, "Stored by this request.", AnswerBody::Json("BlobStored")),
                answer(200, "Stored before.", AnswerBody::Json("BlobStored")),
            ],
        )
    },
];
