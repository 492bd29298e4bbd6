//! Where content is stored now: under the generation that the newest sweep gave it.
//!
//! A place holds until a newer sweep names the object. What is stored under it from then on counts for nothing, so whoever
//! refers to it must not be logged behind that sweep without looking again: the log sees to that.

use holdfast_formats::digest::{Blake3Digest, NamedDigest, Sha256Digest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;

use super::Blobs;
use super::address::Address;
use super::error::BlobError;
use crate::index::IndexError;
use crate::objects::{InvalidKey, ObjectKey, Superseded};

/// Where an object is, or would be.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: Address,
    object: SweptObject,
}

impl Place {
    /// The newest sweep that named it.
    pub(super) const fn g(&self) -> LeafIndex {
        self.object.g
    }

    /// Made when it is asked for: most of what is looked for is known already.
    pub(super) fn key(&self) -> Result<ObjectKey, InvalidKey> {
        ObjectKey::of_content(&self.object)
    }
}

impl Blobs {
    pub(super) async fn chunk_at(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
    ) -> Result<Place, IndexError> {
        self.place(namespace, ObjectClass::Chunk, NamedDigest::Blake3(*digest)).await
    }

    pub(super) async fn record_at(
        &self,
        namespace: &Namespace,
        blob: &Blake3Digest,
    ) -> Result<Place, IndexError> {
        self.place(namespace, ObjectClass::Blob, NamedDigest::Blake3(*blob)).await
    }

    /// The alias that finds a blob by its SHA-256.
    pub(super) async fn alias_at(
        &self,
        namespace: &Namespace,
        digest: &Sha256Digest,
    ) -> Result<Place, IndexError> {
        self.place(namespace, ObjectClass::Alias, NamedDigest::Sha256(*digest)).await
    }

    /// Whoever asks needs the object, so a sweep that is about to name it does not.
    async fn place(
        &self,
        namespace: &Namespace,
        class: ObjectClass,
        digest: NamedDigest,
    ) -> Result<Place, IndexError> {
        let address = Address::of_named(namespace, class, &digest);
        self.inner.condemned.rescue(&address);
        let g = self.generation(namespace, class, &digest).await?;
        Ok(Place { address, object: SweptObject { class, namespace: namespace.clone(), digest, g } })
    }

    pub(super) async fn generation(
        &self,
        namespace: &Namespace,
        class: ObjectClass,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, IndexError> {
        self.inner.index.generation(class, namespace, digest).await
    }

    /// Deletes objects that committed sweeps named, in the order given: aliases, records, chunks. That some are gone
    /// already is fine.
    ///
    /// One that no newer sweep named than the generation given is an error, and nothing at all is deleted then.
    pub async fn delete_swept(&self, objects: &[SweptObject]) -> Result<(), BlobError> {
        let mut classes: Vec<(ObjectClass, Vec<Superseded>)> = Vec::new();
        for object in objects {
            let newest = self.generation(&object.namespace, object.class, &object.digest).await?;
            let superseded =
                Superseded::by(object, newest)?.ok_or_else(|| BlobError::NotSwept(object.to_string()))?;
            match classes.last_mut().filter(|(class, _)| *class == object.class) {
                Some((_, same)) => same.push(superseded),
                None => classes.push((object.class, vec![superseded])),
            }
        }
        for (_, superseded) in classes {
            self.inner.store.delete(superseded).await?;
        }
        Ok(())
    }
}
