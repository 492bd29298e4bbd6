//! What a ledger keeps its facts in: tables of records in order of their keys, in memory or wherever else an auditor has
//! room for them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{ObjectClass, RollbackPhase};
use holdfast_formats::text::Label;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::version::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::facts::FactsError;

/// A key of a table. Its bytes sort as it does, and no key's bytes are the beginning of another's of its type.
pub trait TableKey: Ord + Clone + Debug {
    /// Appends its bytes.
    fn write(&self, out: &mut Vec<u8>);
}

/// What a table holds under a key.
pub trait TableValue: Clone + Debug + Serialize + DeserializeOwned {}

impl<V: Clone + Debug + Serialize + DeserializeOwned> TableValue for V {}

/// Records under a key of two parts: those of one group can be walked in the order of the second.
pub trait Table<G, K, V> {
    /// The record of a key.
    fn get(&self, group: &G, key: &K) -> Result<Option<V>, FactsError>;
    /// Puts a record in place of the one that is there.
    fn insert(&mut self, group: &G, key: &K, value: &V) -> Result<(), FactsError>;
    /// Takes a record out.
    fn remove(&mut self, group: &G, key: &K) -> Result<(), FactsError>;
    /// The first records of a group behind a key, ascending; at most `limit`.
    fn oldest(&self, group: &G, after: Option<&K>, limit: usize) -> Result<Vec<V>, FactsError>;
    /// The last records of a group between two keys, descending, neither key's own among them; at most `limit`.
    fn newest(
        &self,
        group: &G,
        after: Option<&K>,
        below: Option<&K>,
        limit: usize,
    ) -> Result<Vec<V>, FactsError>;
}

/// Where tables come from.
pub trait Tables {
    /// One table.
    type Table<G: TableKey, K: TableKey, V: TableValue>: Table<G, K, V>;
    /// Opens a table; every name is asked for with one type only.
    fn table<G: TableKey, K: TableKey, V: TableValue>(
        &self,
        name: &'static str,
    ) -> Result<Self::Table<G, K, V>, FactsError>;
}

/// Tables that end with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InMemory;

impl Tables for InMemory {
    type Table<G: TableKey, K: TableKey, V: TableValue> = BTreeMap<G, BTreeMap<K, V>>;

    fn table<G: TableKey, K: TableKey, V: TableValue>(
        &self,
        _: &'static str,
    ) -> Result<Self::Table<G, K, V>, FactsError> {
        Ok(BTreeMap::new())
    }
}

impl<G: TableKey, K: TableKey, V: TableValue> Table<G, K, V> for BTreeMap<G, BTreeMap<K, V>> {
    fn get(&self, group: &G, key: &K) -> Result<Option<V>, FactsError> {
        Ok(BTreeMap::get(self, group).and_then(|records| records.get(key)).cloned())
    }

    fn insert(&mut self, group: &G, key: &K, value: &V) -> Result<(), FactsError> {
        self.entry(group.clone()).or_default().insert(key.clone(), value.clone());
        Ok(())
    }

    fn remove(&mut self, group: &G, key: &K) -> Result<(), FactsError> {
        if let Some(records) = self.get_mut(group) {
            records.remove(key);
        }
        Ok(())
    }

    fn oldest(&self, group: &G, after: Option<&K>, limit: usize) -> Result<Vec<V>, FactsError> {
        let records = BTreeMap::get(self, group).into_iter().flatten();
        let later = records.skip_while(|(key, _)| after.is_some_and(|after| *key <= after));
        Ok(later.take(limit).map(|(_, value)| value.clone()).collect())
    }

    fn newest(
        &self,
        group: &G,
        after: Option<&K>,
        below: Option<&K>,
        limit: usize,
    ) -> Result<Vec<V>, FactsError> {
        let records = BTreeMap::get(self, group).into_iter().flatten().rev();
        let lower = records.skip_while(|(key, _)| below.is_some_and(|below| *key >= below));
        let between = lower.take_while(|(key, _)| after.is_none_or(|after| *key > after));
        Ok(between.take(limit).map(|(_, value)| value.clone()).collect())
    }
}

/// The one group of a table that needs none.
impl TableKey for () {
    fn write(&self, _: &mut Vec<u8>) {}
}

impl<A: TableKey, B: TableKey> TableKey for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}

impl TableKey for Digests {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.blake3.as_bytes());
        out.extend_from_slice(self.sha256.as_bytes());
    }
}

/// Numbers, highest byte first.
macro_rules! number_key {
    ($($type:ty),*) => { $(
        impl TableKey for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.get().to_be_bytes());
            }
        }
    )* };
}
number_key!(LeafIndex, PinNumber);

macro_rules! digest_key {
    ($($type:ty),*) => { $(
        impl TableKey for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_bytes());
            }
        }
    )* };
}
digest_key!(Sha256Digest, KeyId);

/// Texts whose grammar has no byte 0, which ends them.
macro_rules! name_key {
    ($($type:ty),*) => { $(
        impl TableKey for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_str().as_bytes());
                out.push(0);
            }
        }
    )* };
}
name_key!(ArtifactName, ChannelName, Namespace, Version);

/// Things of which there are few, one byte each.
macro_rules! byte_key {
    ($($type:ty),*) => { $(
        impl TableKey for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }
        }
    )* };
}
byte_key!(ObjectClass, RollbackPhase);

impl TableKey for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl TableKey for ArtifactRef {
    fn write(&self, out: &mut Vec<u8>) {
        self.name().write(out);
        self.version().write(out);
    }
}

impl TableKey for NamedDigest {
    fn write(&self, out: &mut Vec<u8>) {
        let (algorithm, bytes) = match self {
            Self::Blake3(digest) => (0, digest.as_bytes()),
            Self::Sha256(digest) => (1, digest.as_bytes()),
        };
        out.push(algorithm);
        out.extend_from_slice(bytes);
    }
}

/// A label may hold any character, so a byte 0 inside is told from the one that ends it.
impl TableKey for Label {
    fn write(&self, out: &mut Vec<u8>) {
        for byte in self.as_str().bytes() {
            out.push(byte);
            if byte == 0 {
                out.push(0xff);
            }
        }
        out.extend_from_slice(&[0, 0]);
    }
}
