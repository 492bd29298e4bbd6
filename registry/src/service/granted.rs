//! The grants whose ephemeral keys signed entries that are answered: without them nobody could check those signatures.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_formats::entry::Entry;
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::key::KeyId;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::LoggedEntry;
use holdfast_verify::facts::{Facts as _, GrantFact};

use super::receipts::attached;
use super::{Failure, Service};
use crate::index::View;

/// The keys that signed some entries.
#[derive(Debug)]
pub(super) struct SeenKeys(BTreeSet<KeyId>);

impl SeenKeys {
    pub(super) const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Notes who signed a leaf.
    pub(super) fn note(&mut self, leaf: &[u8]) -> Result<(), Failure> {
        let entry = Entry::parse(leaf).map_err(Failure::internal)?;
        self.0.extend(entry.signatures.iter().map(|signature| signature.keyid));
        Ok(())
    }

    /// The grants that name these keys, by their place.
    pub(super) fn grants(self, view: &View<'_>) -> Result<Vec<GrantFact>, Failure> {
        let mut found = BTreeMap::new();
        for key in self.0 {
            if let Some(fact) = view.grant_by_key(&key)? {
                found.insert(fact.index, fact);
            }
        }
        Ok(found.into_values().collect())
    }
}

impl Service {
    /// The grants that name these keys, by their place.
    pub(super) async fn grants_of(&self, keys: SeenKeys) -> Result<Vec<GrantFact>, Failure> {
        if keys.0.is_empty() {
            return Ok(Vec::new());
        }
        self.log().index().read(move |view| keys.grants(view)).await
    }

    /// Entries without proof, and the grants of those who signed them.
    pub(super) async fn entries_with_grants(
        &self,
        indices: Vec<LeafIndex>,
    ) -> Result<(Vec<LoggedEntry>, Vec<LoggedEntry>), Failure> {
        let mut keys = SeenKeys::none();
        let mut entries = Vec::new();
        for index in indices {
            let entry = self.logged_entry(index).await?;
            keys.note(&entry.entry.0)?;
            entries.push(entry);
        }
        Ok((entries, self.logged_grants(keys).await?))
    }

    /// The grants that name these keys, as entries without proof.
    pub(super) async fn logged_grants(&self, keys: SeenKeys) -> Result<Vec<LoggedEntry>, Failure> {
        let mut grants = Vec::new();
        for fact in self.grants_of(keys).await? {
            grants.push(self.logged_entry(fact.index).await?);
        }
        Ok(grants)
    }

    async fn logged_entry(&self, index: LeafIndex) -> Result<LoggedEntry, Failure> {
        let leaf = self.log().entries().read(index).await?;
        let payload = attached(&leaf);
        Ok(LoggedEntry { index, entry: Base64Bytes(leaf.bytes.to_vec()), payload })
    }
}
