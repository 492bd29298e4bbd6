//! What is stored of a namespace beyond what living artifacts refer to.
//!
//! Both come sorted by digest, the listing from the store and the references from their files, so one pass over each tells
//! them apart. An object under an older generation than its newest is a leftover of a committed sweep. One that nothing
//! refers to is a candidate, once it is old enough not to be part of an upload; its age decides nothing else.

use futures::TryStreamExt as _;
use holdfast_formats::digest::{Blake3Digest, NamedDigest, Sha256Digest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;

use super::mark::Live;
use super::plan::Plan;
use super::spill::{Scratch, Sorted, joined, part};
use super::{SweepError, Sweeper};
use crate::index::IndexError;
use crate::objects::StoredContent;

/// An object that was found: the place of its namespace in the plan, class, digest, generation, size.
pub(super) const FOUND: usize = 4 + 1 + 32 + 8 + 8;
/// Of these, what names it apart from its generation.
pub(super) const NAMED: usize = 4 + 1 + 32;

/// How many objects are compared at a time.
const BATCH: usize = 4096;

/// The order in which they are deleted.
pub(super) const CLASSES: [ObjectClass; 3] = [ObjectClass::Alias, ObjectClass::Blob, ObjectClass::Chunk];

/// Sums of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Bytes that are there under their newest keys.
    pub(super) stored_bytes: u64,
    /// Bytes of these that nothing refers to and that are too young.
    pub(super) young_bytes: u64,
    /// Objects that nothing refers to and that are old enough.
    pub(super) objects: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Objects under older keys.
    pub(super) leftovers: u64,
}

/// An object to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Which.
    pub(super) object: SweptObject,
    /// Its size as it is stored.
    pub(super) size_bytes: u64,
}

/// What names an object in a record.
pub(super) fn name_of(namespace: u32, class: ObjectClass, digest: &[u8; 32]) -> [u8; NAMED] {
    let class = match class {
        ObjectClass::Alias => 0,
        ObjectClass::Blob => 1,
        ObjectClass::Chunk => 2,
    };
    joined(&[&namespace.to_be_bytes(), &[class], digest])
}

impl Found {
    /// Reads a record back.
    pub(super) fn parse(record: &[u8; FOUND], namespaces: &[Namespace]) -> Result<Self, SweepError> {
        let odd = || SweepError::Index(IndexError::Damaged("a record of a sweep's files"));
        let namespace = usize::try_from(u32::from_be_bytes(part(record, 0))).ok();
        let namespace = namespace.and_then(|at| namespaces.get(at)).ok_or_else(odd)?.clone();
        let [class] = part(record, 4);
        let class = CLASSES.get(usize::from(class)).copied().ok_or_else(odd)?;
        let digest = match class {
            ObjectClass::Alias => NamedDigest::Sha256(Sha256Digest::from_bytes(part(record, 5))),
            ObjectClass::Blob | ObjectClass::Chunk => {
                NamedDigest::Blake3(Blake3Digest::from_bytes(part(record, 5)))
            }
        };
        let g = LeafIndex::new(u64::from_be_bytes(part(record, 37))).map_err(|_| odd())?;
        let size_bytes = u64::from_be_bytes(part(record, 45));
        Ok(Self { object: SweptObject { class, namespace, digest, g }, size_bytes })
    }
}

/// The 32 bytes of a digest; a class has one algorithm only.
pub(super) fn bytes_of(digest: &NamedDigest) -> &[u8; 32] {
    match digest {
        NamedDigest::Blake3(digest) => digest.as_bytes(),
        NamedDigest::Sha256(digest) => digest.as_bytes(),
    }
}

impl Sweeper {
    /// Compares what is stored of a namespace, the `at`th of the plan, with what is referred to.
    pub(super) async fn compare(
        &self,
        scratch: &Scratch,
        plan: &mut Plan,
        (at, namespace): (u32, &Namespace),
        mut live: Live,
    ) -> Result<(), SweepError> {
        let before_ms = self.old_before_ms();
        for class in CLASSES {
            let place = Place { namespace: at, class, before_ms };
            match class {
                ObjectClass::Alias => {
                    let comparing = Comparing::new(place, live.aliases.sorted().await?);
                    self.compare_class(scratch, plan, namespace, comparing).await?;
                }
                ObjectClass::Blob => {
                    let comparing = Comparing::new(place, live.blobs.sorted().await?);
                    self.compare_class(scratch, plan, namespace, comparing).await?;
                }
                ObjectClass::Chunk => {
                    let comparing = Comparing::new(place, live.chunks.sorted().await?);
                    self.compare_class(scratch, plan, namespace, comparing).await?;
                }
            }
        }
        Ok(())
    }

    async fn compare_class<const N: usize>(
        &self,
        scratch: &Scratch,
        plan: &mut Plan,
        namespace: &Namespace,
        mut comparing: Comparing<N>,
    ) -> Result<(), SweepError> {
        let class = comparing.place.class;
        let mut listing = self.inner.parts.store.list_content(class, namespace)?;
        loop {
            let mut batch = Vec::new();
            while batch.len() < BATCH
                && let Some(stored) = listing.try_next().await?
            {
                let object = &stored.object;
                let newest = self.index().generation(class, namespace, &object.digest).await?;
                batch.push((stored, newest));
            }
            let is_last = batch.len() < BATCH;
            let compared = scratch.run(move || comparing.take(&batch)).await?;
            let Some(compared) = compared else {
                return Err(SweepError::Unsorted { namespace: namespace.clone(), class });
            };
            plan.candidates.add(&compared.candidates).await?;
            plan.leftovers.add(&compared.leftovers).await?;
            comparing = compared.comparing;
            if is_last {
                plan.count(&comparing.totals);
                return Ok(());
            }
        }
    }

    /// What was written later may be part of an upload.
    fn old_before_ms(&self) -> u64 {
        let grace_ms = u64::try_from(self.inner.parts.grace.as_millis()).unwrap_or(u64::MAX);
        self.inner.parts.clock.now_ms().saturating_sub(grace_ms)
    }
}

/// Which objects are compared.
#[derive(Debug, Clone, Copy)]
struct Place {
    namespace: u32,
    class: ObjectClass,
    before_ms: u64,
}

/// A comparison on its way.
#[derive(Debug)]
struct Comparing<const N: usize> {
    place: Place,
    /// Records that begin with a digest.
    live: Sorted<N>,
    last: Option<[u8; 32]>,
    totals: Totals,
}

/// What a batch came to.
struct Compared<const N: usize> {
    comparing: Comparing<N>,
    candidates: Vec<[u8; FOUND]>,
    leftovers: Vec<[u8; FOUND]>,
}

impl<const N: usize> Comparing<N> {
    const fn new(place: Place, live: Sorted<N>) -> Self {
        Self { place, live, last: None, totals: EMPTY }
    }

    /// Compares the next objects of the listing; `None` when they are not the next ones. Reads files.
    fn take(mut self, batch: &[(StoredContent, LeafIndex)]) -> std::io::Result<Option<Compared<N>>> {
        let (mut candidates, mut leftovers) = (Vec::new(), Vec::new());
        for (stored, newest) in batch {
            let digest = *bytes_of(&stored.object.digest);
            if self.last.is_some_and(|last| digest < last) {
                return Ok(None);
            }
            self.last = Some(digest);
            let found = || {
                let name = name_of(self.place.namespace, self.place.class, &digest);
                let (g, size) = (stored.object.g.get().to_be_bytes(), stored.size_bytes.to_be_bytes());
                joined(&[&name, &g, &size])
            };
            if stored.object.g < *newest {
                leftovers.push(found());
                self.totals.leftovers += 1;
                continue;
            }
            let candidate = found();
            self.totals.stored_bytes += stored.size_bytes;
            // What a sweep named that this node has not seen yet is somebody else's.
            if self.is_live(&digest)? || stored.object.g > *newest {
                continue;
            }
            if stored.modified_ms <= self.place.before_ms {
                candidates.push(candidate);
                self.totals.objects += 1;
                self.totals.bytes += stored.size_bytes;
            } else {
                self.totals.young_bytes += stored.size_bytes;
            }
        }
        Ok(Some(Compared { comparing: self, candidates, leftovers }))
    }

    fn is_live(&mut self, digest: &[u8; 32]) -> std::io::Result<bool> {
        while let Some(record) = self.live.peek() {
            let live: [u8; 32] = part(record, 0);
            if live >= *digest {
                return Ok(live == *digest);
            }
            self.live.next()?;
        }
        Ok(false)
    }
}

const EMPTY: Totals = Totals { stored_bytes: 0, young_bytes: 0, objects: 0, bytes: 0, leftovers: 0 };
