//! The catalog of a snapshot: binary, with one form.

use holdfast_formats::catalog::{CatalogError, ChunkIndex, Decoder, Encoder, TRAILER_BYTES, Trailer};

use crate::rules::same_bytes;

pub(crate) fn run(data: &[u8]) {
    if let Some(Ok(again)) = read(data) {
        same_bytes(&again, data);
    }
}

/// What a catalog says, written again.
fn read(data: &[u8]) -> Option<Result<Vec<u8>, CatalogError>> {
    let (rest, trailer) = data.split_last_chunk::<TRAILER_BYTES>()?;
    let trailer = Trailer::parse(trailer).ok()?;
    let index = rest.get(rest.len().checked_sub(trailer.index_bytes())?..)?;
    Some(ChunkIndex::parse(index).and_then(|index| rewrite(index, &trailer, data)))
}

fn rewrite(index: ChunkIndex, trailer: &Trailer, data: &[u8]) -> Result<Vec<u8>, CatalogError> {
    let mut decoder = Decoder::new(index);
    let mut encoder = Encoder::new();
    for chunk in decoder.index().chunks() {
        encoder.chunk(chunk.digest, chunk.length);
    }
    // In pieces, so that an entry is met before all of it is there.
    for piece in data.chunks(61) {
        decoder.push(piece);
        while let Some(entry) = decoder.next()? {
            encoder.entry(&entry)?;
        }
    }
    decoder.finish(trailer, data.len() as u64)?;
    Ok(encoder.finish()?.0)
}
