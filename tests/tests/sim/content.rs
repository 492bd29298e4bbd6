//! What is pushed: small files that share their pieces, so that one object belongs to several artifacts.

use holdfast_formats::StrictMap;
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::manifest::{Body, File, Kind, Manifest};
use holdfast_formats::number::ByteSize;
use holdfast_tests::{frame, of, raw_chunk};

use super::chance::Dice;

/// How many different pieces there are.
const PIECES: u64 = 10;

/// The bytes of one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Their digest.
    pub(crate) digest: Blake3Digest,
}

impl Piece {
    fn of(number: u64) -> Self {
        let mut bytes = vec![0; 120 + usize::try_from(number).unwrap_or(0) * 40];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let digest = Blake3Digest::of(&bytes);
        Self { bytes, digest }
    }

    /// As it is sent.
    pub(crate) fn framed(&self) -> Vec<u8> {
        frame(self.digest, &raw_chunk(&self.bytes))
    }
}

/// A file made of pieces.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// The pieces, in order.
    pub(crate) pieces: Vec<Piece>,
    /// All bytes.
    pub(crate) bytes: Vec<u8>,
    /// Their digests.
    pub(crate) digests: Digests,
}

impl Content {
    /// One or two pieces.
    pub(crate) fn any(dice: &mut Dice) -> Self {
        let count = 1 + dice.below(2);
        let pieces: Vec<Piece> = (0..count).map(|_| Piece::of(dice.below(PIECES))).collect();
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
        let digests = Digests::of(&bytes);
        Self { pieces, bytes, digests }
    }

    /// Its record as it is stored: behind it stands its seal.
    pub(crate) fn sealed_record(&self) -> Vec<u8> {
        let mut record = self.record().encode();
        record.extend_from_slice(Blake3Digest::of(&record.clone()).as_bytes());
        record
    }

    /// How it is made of its pieces.
    pub(crate) fn record(&self) -> BlobRecord {
        let length = |piece: &Piece| u32::try_from(piece.bytes.len()).unwrap_or(u32::MAX);
        let extent = |piece: &Piece| Extent { chunk: piece.digest, offset: 0, length: length(piece) };
        let extents = self.pieces.iter().map(extent).collect();
        BlobRecord { digests: self.digests, size: self.bytes.len() as u64, extents }
    }
}

/// The manifest of an artifact that is nothing but files.
pub(crate) fn manifest(kind: Kind, contents: &[Content]) -> Manifest {
    manifest_of(Body::None(kind), contents)
}

/// A manifest.
pub(crate) fn manifest_of(body: Body, contents: &[Content]) -> Manifest {
    let file = |(number, content): (usize, &Content)| File {
        path: of(&format!("file-{number}")),
        size: ByteSize::of(&content.bytes),
        digests: content.digests,
        mode: None,
        media_type: None,
        stored: None,
    };
    let files = contents.iter().enumerate().map(file).collect();
    Manifest { files, labels: StrictMap::empty(), links: Vec::new(), needs: None, data_class: None, body }
}
