//! Scrubbing a blob: reading all of it back from the store and naming what is not as it was.

mod again;
mod handful;
mod round;
mod touch;

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Arc;

use futures::{StreamExt, future};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::{BadObject, ObjectClass, ScrubOutcome};
use holdfast_formats::text::Label;
use holdfast_formats::tree::LeafIndex;

use super::Blobs;
use super::address::Address;
use super::error::{BlobError, Unreadable};
use super::hashing::Hashers;
use super::parts::{Parts, Purpose};
use super::record::LoadedRecord;
pub use round::Round;
pub(super) use round::address_of_file;
pub use touch::BadObjects;

/// The most bad objects that are named; a blob with more is as bad.
const BAD_MAX: usize = 256;
/// How many parts of a blob are handed to those who hash them at a time, when so many are there.
const HASHED_TOGETHER: usize = 4;
const ABSENT: &str = "it is not there";

/// How thoroughly something is read back.
#[derive(Clone, Debug)]
pub enum Manner {
    /// All of it, whatever was read before.
    Alone,
    /// All of it, but for what the round read already.
    Whole(Arc<Round>),
    /// Its chunks, but for those that the round read already: what they make was found right before.
    Again(Arc<Round>),
}

impl Manner {
    pub(super) const fn round(&self) -> Option<&Arc<Round>> {
        match self {
            Self::Alone => None,
            Self::Whole(round) | Self::Again(round) => Some(round),
        }
    }
}

/// How a blob was when all of it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubFinding {
    /// How it was. Missing outweighs bad.
    pub outcome: ScrubOutcome,
    /// How many bytes of it were read and hashed.
    pub bytes: u64,
    /// Which objects were not as they should be, at most 256.
    pub bad: Vec<BadObject>,
}

impl Blobs {
    /// Reads a blob back from the store, never from a cache, and hashes its chunks and the whole of it.
    ///
    /// What is found bad or missing counts as missing from then on, and the next put of it replaces it. A store that does
    /// not answer is an error: nothing is then said about the blob.
    pub async fn scrub(
        &self,
        namespace: &Namespace,
        wanted: &Digests,
        size: u64,
        manner: &Manner,
    ) -> Result<ScrubFinding, BlobError> {
        let mut scrub = Scrub::new(self.clone(), namespace.clone());
        let address = Address::of(namespace, ObjectClass::Blob, &wanted.blake3);
        if manner.round().is_some_and(|round| round.has_read(&address)) {
            return scrub.finish().await;
        }
        scrub.alias(wanted).await?;
        if let Some(loaded) = scrub.record(wanted, size).await? {
            match manner {
                Manner::Again(round) => scrub.chunks_of(&loaded.record, round).await?,
                Manner::Alone | Manner::Whole(_) => scrub.content(&loaded.record, manner.round()).await?,
            }
        }
        match manner.round() {
            Some(round) if scrub.is_good() => round.note(&address),
            Some(_) | None if scrub.is_good() => {}
            Some(_) | None => self.forget(namespace, ObjectClass::Blob, &wanted.blake3),
        }
        scrub.finish().await
    }

    /// A round over many artifacts, which reads so many bytes a second at most.
    pub fn begin_round(&self, bytes_per_s: Option<NonZeroU64>) -> Arc<Round> {
        Arc::new(Round::new(self.inner.budget.round_bytes, bytes_per_s))
    }
}

/// What was found so far.
pub(super) struct Scrub {
    blobs: Blobs,
    namespace: Namespace,
    bad: Vec<BadObject>,
    named: HashSet<(ObjectClass, NamedDigest)>,
    bytes: u64,
    outcome: ScrubOutcome,
}

impl Scrub {
    pub(super) fn new(blobs: Blobs, namespace: Namespace) -> Self {
        Self {
            blobs,
            namespace,
            bad: Vec::new(),
            named: HashSet::new(),
            bytes: 0,
            outcome: ScrubOutcome::Good,
        }
    }

    async fn alias(&mut self, wanted: &Digests) -> Result<(), BlobError> {
        let digest = NamedDigest::Sha256(wanted.sha256);
        match self.blobs.load_alias(&self.namespace, &wanted.sha256).await {
            Ok(blob) if blob == wanted.blake3 => {}
            Ok(_) => self.name(ObjectClass::Alias, digest, Some("it names another blob")),
            Err(unreadable) => self.unreadable(ObjectClass::Alias, digest, unreadable)?,
        }
        Ok(())
    }

    /// The record, when it can be used to find the content.
    async fn record(&mut self, wanted: &Digests, size: u64) -> Result<Option<LoadedRecord>, BlobError> {
        let digest = NamedDigest::Blake3(wanted.blake3);
        match self.blobs.load_record(&self.namespace, &wanted.blake3, &self.blobs.inner.budget.records).await
        {
            Ok(loaded) if loaded.record.digests == *wanted && loaded.record.size == size => Ok(Some(loaded)),
            Ok(_) => {
                self.name(
                    ObjectClass::Blob,
                    digest,
                    Some("its digests or size are not those that were published"),
                );
                Ok(None)
            }
            Err(unreadable) => self.unreadable(ObjectClass::Blob, digest, unreadable).map(|()| None),
        }
    }

    /// Goes on after a bad chunk, so that one scrub names all of them.
    async fn content(
        &mut self,
        record: &Arc<BlobRecord>,
        round: Option<&Arc<Round>>,
    ) -> Result<(), BlobError> {
        let blocking = self.blobs.inner.blocking.clone();
        let parts =
            Parts::new(self.blobs.clone(), self.namespace.clone(), Arc::clone(record), Purpose::Scrub);
        let mut parts = parts.paced(round).all().ready_chunks(HASHED_TOGETHER);
        let mut hashers = Hashers::new();
        let mut next = parts.next().await;
        while let Some(some) = next {
            let mut good = Vec::with_capacity(some.len());
            for (chunk, part) in some {
                match part {
                    Ok(part) => {
                        self.count(u64::try_from(part.bytes.len()).unwrap_or(u64::MAX));
                        if let Some(round) = round {
                            round.note(&Address::of(&self.namespace, ObjectClass::Chunk, &chunk));
                        }
                        good.push(part);
                    }
                    Err(unreadable) => self.unreadable_chunk(record, chunk, unreadable)?,
                }
            }
            (hashers, next) = future::join(hashers.feed_all(&blocking, good), parts.next()).await;
        }
        let hashed = hashers.finish();
        if self.named.is_empty() && (hashed.digests != record.digests || hashed.size_bytes != record.size) {
            let digest = NamedDigest::Blake3(record.digests.blake3);
            self.name(ObjectClass::Blob, digest, Some("its chunks are good and do not make the blob"));
        }
        Ok(())
    }

    /// An extent that reaches beyond its chunk is the record's fault.
    fn unreadable_chunk(
        &mut self,
        record: &BlobRecord,
        chunk: Blake3Digest,
        unreadable: Unreadable,
    ) -> Result<(), BlobError> {
        match &unreadable {
            Unreadable::Bad(key, _) if !key.is_chunk() => {
                self.unreadable(ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3), unreadable)
            }
            _ => self.unreadable(ObjectClass::Chunk, NamedDigest::Blake3(chunk), unreadable),
        }
    }

    pub(super) fn unreadable(
        &mut self,
        class: ObjectClass,
        digest: NamedDigest,
        unreadable: Unreadable,
    ) -> Result<(), BlobError> {
        match unreadable {
            Unreadable::Absent(_) => self.name(class, digest, None),
            Unreadable::Bad(_, unsound) => self.name(class, digest, Some(unsound.what())),
            Unreadable::Object(error) => return Err(error.into()),
            Unreadable::Index(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Names an object once; `what` is `None` when it is not there.
    pub(super) fn name(&mut self, class: ObjectClass, digest: NamedDigest, what: Option<&str>) {
        self.outcome =
            self.outcome.max(if what.is_some() { ScrubOutcome::Bad } else { ScrubOutcome::Missing });
        if !self.named.insert((class, digest)) || self.bad.len() >= BAD_MAX {
            return;
        }
        let label: Result<Label, _> = what.unwrap_or(ABSENT).parse();
        self.bad.push(BadObject {
            namespace: self.namespace.clone(),
            class,
            digest,
            // Filled in at the end: what is read back is of live artifacts, so no sweep names it meanwhile.
            g: LeafIndex::FIRST,
            what: label.expect("a constant sentence is a label"),
        });
    }

    /// Whether an object was named already.
    pub(super) fn has_named(&self, class: ObjectClass, digest: NamedDigest) -> bool {
        self.named.contains(&(class, digest))
    }

    /// Whether all was good so far.
    pub(super) fn is_good(&self) -> bool {
        self.outcome == ScrubOutcome::Good
    }

    /// Whether no more objects are named.
    pub(super) fn is_full(&self) -> bool {
        self.bad.len() >= BAD_MAX
    }

    /// Counts bytes that were read and hashed.
    pub(super) fn count(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) async fn finish(mut self) -> Result<ScrubFinding, BlobError> {
        for bad in &mut self.bad {
            bad.g = self.blobs.generation(&bad.namespace, bad.class, &bad.digest).await?;
        }
        Ok(ScrubFinding { outcome: self.outcome, bytes: self.bytes, bad: self.bad })
    }
}
