//! What needs an object that was found bad: looked up in records and lists of chunks, without reading any content.

use std::collections::HashMap;

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::{BadObject, ObjectClass, ScrubOutcome};

use super::super::Blobs;
use super::super::catalog::CatalogBlob;
use super::super::error::BlobError;
use super::{ABSENT, Scrub, ScrubFinding};

/// Objects of one namespace that were found bad.
#[derive(Clone, Debug, Default)]
pub struct BadObjects {
    objects: HashMap<(ObjectClass, NamedDigest), BadObject>,
}

impl BadObjects {
    /// Adds an object; whether it is new here.
    pub fn add(&mut self, bad: &BadObject) -> bool {
        self.objects.insert((bad.class, bad.digest), bad.clone()).is_none()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &BadObject> {
        self.objects.values()
    }

    /// Whether an object is one of them.
    pub fn has(&self, object: &BadObject) -> bool {
        self.get(object.class, object.digest).is_some()
    }

    fn get(&self, class: ObjectClass, digest: NamedDigest) -> Option<&BadObject> {
        self.objects.get(&(class, digest))
    }

    fn chunks(&self) -> impl Iterator<Item = (Blake3Digest, &BadObject)> {
        self.objects.values().filter_map(|bad| match (bad.class, bad.digest) {
            (ObjectClass::Chunk, NamedDigest::Blake3(chunk)) => Some((chunk, bad)),
            _ => None,
        })
    }
}

impl Blobs {
    /// Which of some bad objects a published blob needs. What cannot be read on the way is named, too.
    ///
    /// A blob that needs one is no longer known to be good, so that a publication of it looks for its chunks again.
    pub async fn touched_by(
        &self,
        namespace: &Namespace,
        wanted: &Digests,
        catalog: Option<&CatalogBlob>,
        bad: &BadObjects,
    ) -> Result<ScrubFinding, BlobError> {
        let mut touched = Scrub::new(self.clone(), namespace.clone());
        touched.look_at(wanted, bad).await?;
        if let Some(catalog) = catalog
            && touched.is_good()
        {
            touched.look_into(catalog, bad).await?;
        }
        let finding = touched.finish().await?;
        if finding.outcome != ScrubOutcome::Good {
            self.forget(namespace, ObjectClass::Blob, &wanted.blake3);
        }
        Ok(finding)
    }
}

impl Scrub {
    async fn look_at(&mut self, wanted: &Digests, bad: &BadObjects) -> Result<(), BlobError> {
        let itself = [
            (ObjectClass::Alias, NamedDigest::Sha256(wanted.sha256)),
            (ObjectClass::Blob, NamedDigest::Blake3(wanted.blake3)),
        ];
        for (class, digest) in itself {
            if let Some(bad) = bad.get(class, digest) {
                self.name_again(bad);
            }
        }
        if bad.chunks().next().is_none()
            || self.has_named(ObjectClass::Blob, NamedDigest::Blake3(wanted.blake3))
        {
            return Ok(());
        }
        let records = &self.blobs.inner.budget.records;
        match self.blobs.load_record(&self.namespace, &wanted.blake3, records).await {
            Ok(loaded) => self.chunks_among(&loaded.record, bad),
            Err(unreadable) => {
                self.unreadable(ObjectClass::Blob, NamedDigest::Blake3(wanted.blake3), unreadable)?;
            }
        }
        Ok(())
    }

    fn chunks_among(&mut self, record: &BlobRecord, bad: &BadObjects) {
        for extent in &record.extents {
            if let Some(bad) = bad.get(ObjectClass::Chunk, NamedDigest::Blake3(extent.chunk)) {
                self.name_again(bad);
            }
        }
    }

    /// A list of chunks that cannot be read is the fault of the catalog.
    async fn look_into(&mut self, catalog: &CatalogBlob, bad: &BadObjects) -> Result<(), BlobError> {
        for (chunk, bad) in bad.chunks() {
            match self.blobs.is_listed(&self.namespace, catalog, &chunk).await {
                Ok(true) => self.name_again(bad),
                Ok(false) => {}
                Err(BlobError::Object(error)) => return Err(error.into()),
                Err(_) => {
                    let digest = NamedDigest::Blake3(catalog.digest);
                    self.name(ObjectClass::Blob, digest, Some("its list of chunks cannot be read"));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Names an object as it was named before.
    fn name_again(&mut self, bad: &BadObject) {
        let what = Some(bad.what.as_str()).filter(|what| *what != ABSENT);
        self.name(bad.class, bad.digest, what);
    }
}
