//! Reading a catalog from its file, a block at a time.

use std::sync::Arc;

use holdfast_formats::catalog::{Decoder, Entry, Trailer};

use super::positioned::Positioned;
use super::{CatalogFile, malformed};
use crate::error::ClientError;

const BLOCK_BYTES: usize = 256 * 1024;

/// The entries of a catalog in order. After the last one the whole was checked against its end; an error is the last item.
#[derive(Debug)]
pub struct Entries {
    file: Arc<Positioned>,
    decoder: Decoder,
    trailer: Trailer,
    at: u64,
    is_over: bool,
}

impl Entries {
    pub(super) fn of(catalog: &CatalogFile) -> Self {
        let decoder = Decoder::new(catalog.index().clone());
        Self { file: Arc::clone(&catalog.file), decoder, trailer: *catalog.trailer(), at: 0, is_over: false }
    }

    fn read_next(&mut self) -> Result<Option<Entry>, ClientError> {
        loop {
            if let Some(entry) = self.decoder.next().map_err(malformed)? {
                return Ok(Some(entry));
            }
            let block =
                if self.decoder.is_ended() { Vec::new() } else { self.file.read(self.at, BLOCK_BYTES)? };
            if block.is_empty() {
                self.decoder.finish(&self.trailer, self.file.size()).map_err(malformed)?;
                return Ok(None);
            }
            self.at += block.len() as u64;
            self.decoder.push(&block);
        }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read_next();
        self.is_over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}
