//! Chunks grouped into requests. The chunks of one large file, as long as none of them is left out, are sent as a draft:
//! the registry hashes the file while they arrive.

use std::collections::HashMap;

use holdfast_formats::id::RandomId;
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::ChunksQuery;

use super::batch::Placed;
use crate::cutter::Piece;
use crate::randomness::new_id;
use crate::source::SourceFile;

/// Enough for one request: large ones are rarely waited for, small ones are soon compressed and soon sent again.
const RUN_BYTES: u64 = 8 * 1024 * 1024;
/// The registry remembers smaller chunks without a draft.
pub(super) const DRAFT_FROM_BYTES: u64 = 256 * 1024;

/// The chunks of one request.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) query: ChunksQuery,
    pub(super) pieces: Vec<Piece>,
    pub(super) bytes: u64,
}

impl Run {
    /// One chunk.
    pub(super) fn of(query: ChunksQuery, piece: Piece) -> Self {
        let bytes = piece.bytes.len() as u64;
        Self { query, pieces: vec![piece], bytes }
    }
}

/// The files that are being drafted.
#[derive(Debug)]
pub(super) struct Drafts(HashMap<usize, Draft>);

#[derive(Debug)]
struct Draft {
    id: RandomId,
    /// How far the file was sent without a gap.
    reached: u64,
}

impl Drafts {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Groups chunks that are sent now, in order.
    pub(super) fn runs(&mut self, files: &[SourceFile], chunks: Vec<Placed>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for placed in chunks {
            // A stream is no file, and may become as large as any.
            let size = files.get(placed.file).map_or(u64::MAX, |file| file.size);
            let place = self.place(size, &placed);
            let length = placed.piece.bytes.len() as u64;
            let draft = place.map(|place| place.id);
            let open = runs.last_mut().filter(|run| run.query.draft == draft && run.bytes < RUN_BYTES);
            if let Some(run) = open {
                run.pieces.push(placed.piece);
                run.bytes += length;
            } else {
                let query = ChunksQuery { draft, offset: place.map(|place| place.offset) };
                runs.push(Run::of(query, placed.piece));
            }
        }
        runs
    }

    /// The draft that a file was sent with; it ends with the file.
    pub(super) fn end(&mut self, file: usize) -> Option<RandomId> {
        self.0.remove(&file).map(|draft| draft.id)
    }

    /// Where a chunk continues its file's draft.
    fn place(&mut self, file_bytes: u64, placed: &Placed) -> Option<Place> {
        let Placed { file, piece } = placed;
        if piece.offset == 0 && file_bytes > DRAFT_FROM_BYTES {
            self.0.insert(*file, Draft { id: new_id(), reached: 0 });
        }
        let draft = self.0.get_mut(file).filter(|draft| draft.reached == piece.offset)?;
        let offset = ByteSize::new(draft.reached).ok()?;
        draft.reached += piece.bytes.len() as u64;
        Some(Place { id: draft.id, offset })
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    id: RandomId,
    offset: ByteSize,
}
