//! The limits that are part of the formats, in one place. Beyond one of them a value is malformed, for everybody, for ever.

/// Most bytes of one log entry (C2SP tlog-tiles frames entries with a 16-bit length).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Largest payload that stays inside its leaf; a larger one is an attachment.
pub const INLINE_PAYLOAD_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of one attachment.
pub const ATTACHMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most signatures on one envelope.
pub const SIGNATURES_MAX: usize = 64;
/// Most bytes of all keys and values of `annotations` together.
pub const ANNOTATIONS_BYTES_MAX: usize = 4 * 1024;
/// Longest time between `issued_at` and `not_after`, in milliseconds (7 days).
pub const STATEMENT_LIFE_MS_MAX: u64 = 7 * 24 * 3600 * 1000;
/// How far `issued_at` may lie ahead of the entry's time, in milliseconds (5 minutes).
pub const ISSUED_AHEAD_MS_MAX: u64 = 5 * 60 * 1000;
/// Longest quiet time of the log after which only a person's or pipeline's key may write first, in milliseconds (7 days).
pub const QUIET_LOG_MS_MAX: u64 = 7 * 24 * 3600 * 1000;
/// Smallest chunk that content-defined cutting makes, but for the last of a blob.
pub const CHUNK_BYTES_MIN: usize = 256 * 1024;
/// Average chunk size that content-defined cutting aims at.
pub const CHUNK_BYTES_AVG: usize = 1024 * 1024;
/// Most bytes of one chunk, before compression.
pub const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most extents of one blob: at the smallest chunk size this is a blob of 256 GiB.
pub const EXTENTS_MAX: usize = 1_048_576;
/// Most bytes of one blob.
pub const BLOB_BYTES_MAX: u64 = 1 << 42;
/// Most bytes of one entry of a catalog: a file of the most extents fits.
pub const CATALOG_ENTRY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most chunks of one catalog: about 4 TiB of different content.
pub const CATALOG_CHUNKS_MAX: u32 = 1 << 22;
/// Most bytes of a path in a catalog.
pub const TREE_PATH_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of one name in a path of a catalog.
pub const TREE_NAME_BYTES_MAX: usize = 1024;
/// Most bytes of the value of one extended attribute.
pub const TREE_ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;
/// Most objects that one sweep names.
pub const SWEEP_OBJECTS_MAX: usize = 500_000;
/// Least log time between saying that windows will end and ending them, in milliseconds (24 hours).
pub const SWEEP_NOTICE_MS_MIN: u64 = 24 * 3600 * 1000;
/// Most files in one manifest.
pub const MANIFEST_FILES_MAX: usize = 200_000;
/// Most components of one release.
pub const COMPONENTS_MAX: usize = 256;
/// The largest integer that every JSON reader keeps exact (2^53 - 1).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// The version of the rule book that this code judges by.
pub const RULE_BOOK_VERSION: u32 = 1;
