//! Quotas of grants at the door: who pays for an entry, and what gives room again.

use std::sync::Arc;

use holdfast_formats::catalog::IndexedChunk;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::Predicate;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{Facts as _, GrantFact};

use super::snapshots::catalog_of;
use super::usage::Usage;
use super::{Failure, Identity, Service};
use crate::blobs::CatalogBlob;
use crate::index::View;
use crate::log::Prepared;

/// Entries that grants have paid for; given back when it is dropped before it is kept.
pub(super) struct Paid {
    usage: Arc<Usage>,
    grants: Vec<LeafIndex>,
}

impl Paid {
    /// The entry is logged.
    pub(super) fn keep(mut self) {
        self.grants.clear();
    }
}

impl Drop for Paid {
    fn drop(&mut self) {
        self.grants.iter().for_each(|grant| self.usage.return_entry(*grant));
    }
}

/// The files of a publication, and the catalog whose chunks belong to it, too.
pub(super) struct Room {
    namespace: Namespace,
    files: Vec<(Blake3Digest, u64)>,
    catalog: Option<CatalogBlob>,
}

/// The grants with quotas whose ephemeral keys signed a statement.
pub(super) fn signing_grants(view: &View<'_>, prepared: &Prepared) -> Result<Vec<GrantFact>, Failure> {
    let mut found = Vec::new();
    for signature in &prepared.signatures {
        let grant = view.grant_by_key(&signature.keyid)?;
        found.extend(grant.filter(|fact| fact.grant.quotas.is_some()));
    }
    Ok(found)
}

impl Service {
    /// Counts an entry under the grant whose token came along and those whose keys signed.
    pub(super) fn pay(&self, who: &Identity, signing: &[GrantFact]) -> Result<Paid, Failure> {
        let mut paid = Paid { usage: Arc::clone(&self.inner.usage), grants: Vec::new() };
        let bearer = match who {
            Identity::Bearer(grant) => Some(grant.as_ref()),
            Identity::Anonymous => None,
        };
        for grant in bearer.into_iter().chain(signing) {
            if grant.grant.quotas.is_some() && !paid.grants.contains(&grant.index) {
                self.inner.usage.take_entry(grant, self.now())?;
                paid.grants.push(grant.index);
            }
        }
        Ok(paid)
    }

    /// What a statement would give room for, when somebody has used any.
    pub(super) fn room_of(&self, prepared: &Prepared) -> Option<Room> {
        let (Predicate::Publish(publish), Some((_, manifest))) =
            (&prepared.statement.predicate, &prepared.manifest)
        else {
            return None;
        };
        let files = || manifest.files.iter().map(|file| (file.digests.blake3, file.size.get())).collect();
        let namespace = publish.name.namespace();
        let catalog = catalog_of(manifest);
        (!self.inner.usage.is_empty()).then(|| Room { namespace, files: files(), catalog })
    }

    /// Gives room again for what is published now.
    pub(super) async fn note_logged(&self, room: Option<Room>) {
        if let Some(Room { namespace, files, catalog }) = room {
            self.inner.usage.published(&namespace, files);
            if let Some(catalog) = catalog {
                self.free_chunks(&namespace, &catalog).await;
            }
        }
        self.save_usage();
    }

    /// Nothing but room depends on it, so a catalog that cannot be read just now is no failure of what was logged.
    async fn free_chunks(&self, namespace: &Namespace, catalog: &CatalogBlob) {
        let usage = &self.inner.usage;
        let free = |chunks: &[IndexedChunk]| usage.published_chunks(namespace, chunks);
        if let Err(error) = self.inner.blobs.each_listed(namespace, catalog, free).await {
            tracing::warn!(%error, "what a published snapshot takes could not be given back to its quotas");
        }
    }

    /// Has what was used written down, when it is time to; nobody waits for it.
    pub(super) fn save_usage(&self) {
        let now = self.now();
        if !self.inner.usage.is_due(now) {
            return;
        }
        let (usage, blocking) = (Arc::clone(&self.inner.usage), self.inner.blocking.clone());
        tokio::spawn(async move { blocking.run(move || usage.save()).await });
    }
}
