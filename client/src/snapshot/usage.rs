//! How much of each chunk a snapshot uses: what is left over is stored for nothing.

use std::collections::{BTreeSet, HashMap};

use holdfast_formats::catalog::Part;
use holdfast_formats::digest::Blake3Digest;

/// The chunks that files of a snapshot lie in.
#[derive(Debug, Default)]
pub(super) struct Usage(HashMap<Blake3Digest, Used>);

#[derive(Debug, Clone, Copy)]
struct Used {
    length: u32,
    /// Bytes of files in it. A part that two files share counts twice, so it may be more than there is.
    used: u64,
}

impl Usage {
    /// Notes a chunk and its length.
    pub(super) fn chunk(&mut self, digest: Blake3Digest, length: u32) {
        self.0.entry(digest).or_insert(Used { length, used: 0 });
    }

    /// Notes the parts of a file, whose chunks are known.
    pub(super) fn note(&mut self, parts: &[Part]) {
        for part in parts {
            if let Part::Data(extent) = part
                && let Some(used) = self.0.get_mut(&extent.chunk)
            {
                used.used += u64::from(extent.length);
            }
        }
    }

    /// The bytes of chunks that no file uses, of those that some file uses.
    pub(super) fn waste_bytes(&self) -> u64 {
        let used = self.0.values().filter(|chunk| chunk.used > 0);
        used.map(|chunk| u64::from(chunk.length).saturating_sub(chunk.used)).sum()
    }

    /// Chunks of which less than half is used.
    pub(super) fn wasted(&self) -> BTreeSet<Blake3Digest> {
        let used = self.0.iter().filter(|(_, chunk)| chunk.used > 0);
        used.filter(|(_, chunk)| chunk.used * 2 < u64::from(chunk.length))
            .map(|(digest, _)| *digest)
            .collect()
    }
}
