//! Uploads. A chunk is sent as its stored object (header and bytes), a blob as its binary record.

use crate::digest::{Blake3Digest, Digests};
use crate::number::ByteSize;
use crate::strict::record;

record! {
    /// `POST /v1/namespaces/{namespace}/chunks/missing`
    pub struct MissingQuery {
        /// At most 4,096 chunks.
        req chunks: Vec<Blake3Digest>,
    }
}

record! {
    /// Which of them must be sent.
    pub struct MissingAnswer {
        /// The chunks that are not there.
        req missing: Vec<Blake3Digest>,
    }
}

record! {
    /// A blob is stored under its digests.
    pub struct BlobStored {
        /// Its digests.
        req digests: Digests,
        /// Its size.
        req size: ByteSize,
    }
}
