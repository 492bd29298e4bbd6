//! Uploads. Chunks are sent as frames around their stored objects (header and bytes), a blob as its binary record.

use crate::digest::{Blake3Digest, Digests};
use crate::id::RandomId;
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
    /// `POST /v1/namespaces/{namespace}/chunks?draft=…&offset=…`
    pub struct ChunksQuery {
        /// The draft of the one blob whose next bytes these chunks are: it is hashed while they arrive. Any random id.
        opt draft: RandomId,
        /// Where in that blob the first of them begins.
        opt offset: ByteSize,
    }
}

record! {
    /// Every chunk of a request is stored.
    pub struct ChunksStored {
        /// How many of them were not there before.
        req new: u32,
    }
}

record! {
    /// `POST /v1/namespaces/{namespace}/blobs?draft=…`, with a record, and chunks behind it.
    pub struct BlobQuery {
        /// The draft that the blob's chunks were sent with: what it hashed is not read back.
        opt draft: RandomId,
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
