//! Chunks that arrive one after the other: verified and stored side by side, and hashed in order into a draft.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, future};
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use tokio::sync::OwnedSemaphorePermit;

use super::chunk::Taken;
use super::draft::DraftPlace;
use super::error::{BlobError, Unsound};
use super::memory::Reservation;
use super::{Blobs, Put, content};

/// How many chunks of one sender are verified and stored at a time.
const DEPTH: usize = 4;

/// A chunk on its way in.
#[derive(Debug)]
pub struct Arriving {
    /// What its content must hash to.
    pub chunk: Blake3Digest,
    /// Its stored object.
    pub object: Bytes,
    /// The memory that the receiver counts for it, given back once the chunk is stored and hashed.
    pub held: OwnedSemaphorePermit,
}

impl Blobs {
    /// Takes in every chunk of a stream, in order; returns how many were new. The first that is refused ends it.
    ///
    /// With a draft, they are the next bytes of one blob: what is hashed now need not be read back for its record.
    pub async fn put_chunks<E: From<BlobError> + Send + 'static>(
        &self,
        namespace: &Namespace,
        chunks: BoxStream<'_, Result<Arriving, E>>,
        mut draft: Option<DraftPlace>,
    ) -> Result<u32, E> {
        let (blobs, to) = (self.clone(), Arc::new(namespace.clone()));
        // Memory is reserved in order of arrival, so that no chunk waits for one that comes after it.
        let reserved = chunks.then(move |arriving| blobs.clone().reserve(arriving));
        let blobs = self.clone();
        let taken = reserved.map(move |reserved| blobs.clone().take_reserved(Arc::clone(&to), reserved));
        let mut taken = pin!(taken.buffered(DEPTH));
        let mut new = 0;
        let mut next = taken.next().await;
        while let Some(outcome) = next {
            let arrived = outcome?;
            new += u32::from(arrived.taken.put == Put::New);
            let here = draft;
            if let Some(place) = &mut draft {
                place.offset_bytes += u64::try_from(arrived.taken.part.bytes.len()).unwrap_or(u64::MAX);
            }
            // The next chunks arrive while this one is hashed.
            ((), next) = future::join(self.hash(namespace, here, arrived), taken.next()).await;
        }
        Ok(new)
    }

    /// Feeds a chunk to its draft, and gives its memory back as soon as it is hashed: the next one may wait for just that.
    async fn hash(&self, namespace: &Namespace, draft: Option<DraftPlace>, arrived: Arrived) {
        let Arrived { chunk, taken: Taken { part, .. }, held } = arrived;
        if let Some(place) = draft {
            self.inner.drafts.feed(&self.inner.blocking, namespace, place, &chunk, part).await;
        }
        drop(held);
    }

    async fn reserve<E: From<BlobError>>(self, arriving: Result<Arriving, E>) -> Result<Reserved, E> {
        let arriving = arriving?;
        let refused = |unsound: Unsound| unsound.refused(NamedDigest::Blake3(arriving.chunk));
        let unpacked_bytes = content::unpacked_bytes(&arriving.object).map_err(refused)?;
        let reservation = self.inner.budget.work.reserve(unpacked_bytes).await;
        Ok(Reserved { arriving, unpacked_bytes, reservation })
    }

    async fn take_reserved<E: From<BlobError>>(
        self,
        namespace: Arc<Namespace>,
        reserved: Result<Reserved, E>,
    ) -> Result<Arrived, E> {
        let Reserved { arriving, unpacked_bytes, reservation } = reserved?;
        let Arriving { chunk, object, held } = arriving;
        let taken = self.take_in(&namespace, chunk, object, unpacked_bytes, reservation).await?;
        Ok(Arrived { chunk, taken, held })
    }
}

/// A chunk whose content has its memory set aside.
struct Reserved {
    arriving: Arriving,
    unpacked_bytes: usize,
    reservation: Reservation,
}

/// A chunk that is stored and not hashed yet.
struct Arrived {
    chunk: Blake3Digest,
    taken: Taken,
    held: OwnedSemaphorePermit,
}
