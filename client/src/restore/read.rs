//! Reading one file of a snapshot, or a range of it, without restoring anything.

use std::ops::Range;

use futures::{StreamExt as _, stream};
use holdfast_formats::catalog::{Entry, FileContent, IndexedChunk, Node, Part, TreePath};
use holdfast_formats::digest::Blake3Digest;

use super::Fetcher;
use crate::artifact::ArtifactRecord;
use crate::blocking;
use crate::catalog::CatalogFile;
use crate::error::ClientError;
use crate::session::Registry;
use crate::tree::TreeError;

/// Chunks fetched ahead.
const AHEAD: usize = 4;
/// How much of a hole is handed out in one go.
const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// A piece of a file in the order of its bytes.
enum Piece {
    /// These bytes of this chunk.
    Data(IndexedChunk, Range<usize>),
    Zeros(u64),
}

impl Registry {
    /// Hands the bytes of a file in a snapshot to `take`, in order, each chunk checked before. Of the whole file the
    /// digest is checked, too, after its last byte. `range` is of bytes, its end not included.
    pub async fn read_file<E: From<ClientError>>(
        &self,
        record: &ArtifactRecord,
        path: &TreePath,
        range: Option<Range<u64>>,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let catalog = self.catalog(record).await?;
        let (read, wanted) = (catalog.clone(), path.clone());
        let content = blocking::run(move || find_file(&read, wanted)).await?;
        let whole = 0..content.size;
        let range = range.map_or(whole.clone(), |range| range.start..range.end.min(content.size));
        if range.start > range.end || (range.start == content.size && range.start > 0) {
            return Err(
                ClientError::from(TreeError::NoRange { path: shown(path), size: content.size }).into()
            );
        }
        let pieces = pieces(&catalog, &content, &range).collect::<Result<Vec<_>, _>>()?;
        let fetcher = self.fetcher(record);
        let mut coming = stream::iter(pieces).map(|piece| fetch(&fetcher, piece)).buffered(AHEAD).boxed();
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = coming.next().await {
            let mut hand_out = |bytes: &[u8]| {
                hasher.update(bytes);
                take(bytes)
            };
            match piece? {
                (bytes, Piece::Data(_, range)) => hand_out(bytes.get(range).unwrap_or_default())?,
                (_, Piece::Zeros(mut left)) => {
                    while left > 0 {
                        let step = ZEROS.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                        hand_out(ZEROS.get(..step).unwrap_or_default())?;
                        left -= step as u64;
                    }
                }
            }
        }
        let found = Blake3Digest::from_bytes(*hasher.finalize().as_bytes());
        if range == whole && found != content.blake3 {
            return Err(ClientError::Digest { path: shown(path), wanted: content.blake3, found }.into());
        }
        Ok(())
    }
}

async fn fetch(fetcher: &Fetcher, piece: Piece) -> Result<(Vec<u8>, Piece), ClientError> {
    match &piece {
        Piece::Data(chunk, _) => Ok((fetcher.fetch(*chunk).await?, piece)),
        Piece::Zeros(_) => Ok((Vec::new(), piece)),
    }
}

/// What a file is; a hard link is what it leads to.
fn find_file(catalog: &CatalogFile, mut path: TreePath) -> Result<FileContent, ClientError> {
    for _ in 0..2 {
        let mut entries = catalog.entries()?;
        let found = entries.find(|entry| entry.as_ref().map_or(true, |entry| entry.path == path));
        match found.transpose()? {
            None => return Err(TreeError::NoSuchPath { path: shown(&path) }.into()),
            Some(Entry { node: Node::File(_, content), .. }) => return Ok(content),
            Some(Entry { node: Node::HardLink(target), .. }) => path = target,
            Some(_) => break,
        }
    }
    Err(TreeError::NoFile { path: shown(&path) }.into())
}

fn pieces(
    catalog: &CatalogFile,
    content: &FileContent,
    range: &Range<u64>,
) -> impl Iterator<Item = Result<Piece, ClientError>> {
    let mut at = 0;
    content.parts.iter().filter_map(move |part| {
        let start = at;
        at += part.length();
        let (from, to) = (range.start.max(start), range.end.min(at));
        if from >= to {
            return None;
        }
        let Part::Data(extent) = part else { return Some(Ok(Piece::Zeros(to - from))) };
        let Some(length) = catalog.index().length(&extent.chunk) else {
            return Some(Err(ClientError::malformed("catalog", "a part is of a chunk that is not listed")));
        };
        // Both lie within the chunk, which has at most 4 MiB.
        let place =
            |byte: u64| usize::try_from(byte - start + u64::from(extent.offset)).unwrap_or(usize::MAX);
        Some(Ok(Piece::Data(IndexedChunk { digest: extent.chunk, length }, place(from)..place(to))))
    })
}

fn shown(path: &TreePath) -> String {
    path.as_bytes().escape_ascii().to_string()
}
