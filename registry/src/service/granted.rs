//! The grants whose ephemeral keys signed entries that are answered: without them nobody could check those signatures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::key::KeyId;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::LoggedEntry;
use holdfast_verify::facts::{Facts as _, GrantFact};
use quick_cache::sync::Cache;

use super::receipts::attached;
use super::{Failure, Service};
use crate::index::View;
use crate::log::Leaf;

/// How many keys are kept in memory.
const CACHED_KEYS: usize = 4096;

/// A bounded memory of keys and the grants that name them, by the size of the log that they were looked up in: whatever
/// changes a grant makes the log grow, and so ends every answer in it.
pub(super) struct SignerCache(Cache<(KeyId, TreeSize), Option<Arc<GrantFact>>>);

impl SignerCache {
    pub(super) fn new() -> Self {
        Self(Cache::new(CACHED_KEYS))
    }
}

/// The keys that signed some entries.
#[derive(Debug)]
pub(super) struct SeenKeys(BTreeSet<KeyId>);

impl SeenKeys {
    pub(super) const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Notes who signed a leaf.
    pub(super) fn note(&mut self, leaf: &Leaf) {
        self.0.extend(&leaf.signers);
    }
}

impl Service {
    /// The grants that name these keys, by their place.
    pub(super) async fn grants_of(&self, keys: SeenKeys) -> Result<Vec<Arc<GrantFact>>, Failure> {
        let (cache, size) = (&self.inner.signers.0, self.log().head().size());
        let mut found = BTreeMap::new();
        let mut note = |fact: Option<Arc<GrantFact>>| found.extend(fact.map(|fact| (fact.index, fact)));
        let mut unknown = Vec::new();
        for key in keys.0 {
            match cache.get(&(key, size)) {
                Some(known) => note(known),
                None => unknown.push(key),
            }
        }
        if !unknown.is_empty() {
            for (key, fact) in self.look_up_grants(unknown).await? {
                let fact = fact.map(Arc::new);
                cache.insert((key, size), fact.clone());
                note(fact);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn look_up_grants(&self, keys: Vec<KeyId>) -> Result<Vec<(KeyId, Option<GrantFact>)>, Failure> {
        let look_up = move |view: &View<'_>| {
            keys.into_iter().map(|key| Ok::<_, Failure>((key, view.grant_by_key(&key)?))).collect()
        };
        self.log().index().read(look_up).await
    }

    /// Entries without proof, and the grants of those who signed them.
    pub(super) async fn entries_with_grants(
        &self,
        indices: Vec<LeafIndex>,
    ) -> Result<(Vec<LoggedEntry>, Vec<LoggedEntry>), Failure> {
        let mut keys = SeenKeys::none();
        let mut entries = Vec::new();
        for index in indices {
            let leaf = self.log().entries().read(index).await?;
            keys.note(&leaf);
            entries.push(logged(&leaf));
        }
        Ok((entries, self.logged_grants(keys).await?))
    }

    /// The grants that name these keys, as entries without proof.
    pub(super) async fn logged_grants(&self, keys: SeenKeys) -> Result<Vec<LoggedEntry>, Failure> {
        let mut grants = Vec::new();
        for fact in self.grants_of(keys).await? {
            grants.push(logged(&self.log().entries().read(fact.index).await?));
        }
        Ok(grants)
    }
}

/// A leaf without proof.
pub(super) fn logged(leaf: &Leaf) -> LoggedEntry {
    LoggedEntry { index: leaf.index, entry: Base64Bytes(leaf.bytes.to_vec()), payload: attached(leaf) }
}
