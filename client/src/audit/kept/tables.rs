//! A ledger's tables in the file of the audit's state, inside one transaction.

use std::marker::PhantomData;
use std::ops::Bound;

use holdfast_verify::facts::FactsError;
use holdfast_verify::ledger::{Table, TableKey, TableValue, Tables};
use redb::{ReadableTable as _, TableDefinition, WriteTransaction};

type Bytes = &'static [u8];

/// The tables of one transaction. What is written counts when the transaction is committed.
pub(in crate::audit) struct DiskTables<'t>(pub(super) &'t WriteTransaction);

/// One table: the bytes of group and key, and the record as JSON.
pub(in crate::audit) struct DiskTable<'t, G, K, V> {
    table: redb::Table<'t, Bytes, Bytes>,
    types: PhantomData<fn(G, K) -> V>,
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> FactsError {
    FactsError(Box::new(error))
}

fn read<V: TableValue>(bytes: &[u8]) -> Result<V, FactsError> {
    serde_json::from_slice(bytes).map_err(failed)
}

impl<'t> Tables for DiskTables<'t> {
    type Table<G: TableKey, K: TableKey, V: TableValue> = DiskTable<'t, G, K, V>;

    fn table<G: TableKey, K: TableKey, V: TableValue>(
        &self,
        name: &'static str,
    ) -> Result<Self::Table<G, K, V>, FactsError> {
        let definition: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new(name);
        let table = self.0.open_table(definition).map_err(failed)?;
        Ok(DiskTable { table, types: PhantomData })
    }
}

fn bytes_of<G: TableKey, K: TableKey>(group: &G, key: Option<&K>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    group.write(&mut bytes);
    if let Some(key) = key {
        key.write(&mut bytes);
    }
    bytes
}

/// The least bytes above everything that begins with these; `None` when there are none.
fn above(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            return Some(prefix);
        }
    }
    None
}

impl<G: TableKey, K: TableKey, V: TableValue> DiskTable<'_, G, K, V> {
    fn between(
        &self,
        group: &G,
        after: Option<&K>,
        below: Option<&K>,
    ) -> Result<redb::Range<'_, Bytes, Bytes>, FactsError> {
        let low = bytes_of(group, after);
        let low = if after.is_some() { Bound::Excluded(low) } else { Bound::Included(low) };
        let high = match below {
            Some(below) => Some(bytes_of(group, Some(below))),
            None => above(bytes_of::<G, K>(group, None)),
        };
        let high = high.map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        // Between a key and itself, or one below it, there is nothing; the tree below would not take such a range.
        if let (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high)) = bounds
            && low >= high
        {
            return self.table.range::<&[u8]>((Bound::Included(low), Bound::Excluded(low))).map_err(failed);
        }
        self.table.range::<&[u8]>(bounds).map_err(failed)
    }
}

impl<G: TableKey, K: TableKey, V: TableValue> Table<G, K, V> for DiskTable<'_, G, K, V> {
    fn get(&self, group: &G, key: &K) -> Result<Option<V>, FactsError> {
        let found = self.table.get(bytes_of(group, Some(key)).as_slice()).map_err(failed)?;
        found.map(|record| read(record.value())).transpose()
    }

    fn insert(&mut self, group: &G, key: &K, value: &V) -> Result<(), FactsError> {
        let record = serde_json::to_vec(value).map_err(failed)?;
        self.table.insert(bytes_of(group, Some(key)).as_slice(), record.as_slice()).map_err(failed)?;
        Ok(())
    }

    fn remove(&mut self, group: &G, key: &K) -> Result<(), FactsError> {
        self.table.remove(bytes_of(group, Some(key)).as_slice()).map_err(failed)?;
        Ok(())
    }

    fn oldest(&self, group: &G, after: Option<&K>, limit: usize) -> Result<Vec<V>, FactsError> {
        let records = self.between(group, after, None)?;
        records.take(limit).map(|record| read(record.map_err(failed)?.1.value())).collect()
    }

    fn newest(
        &self,
        group: &G,
        after: Option<&K>,
        below: Option<&K>,
        limit: usize,
    ) -> Result<Vec<V>, FactsError> {
        let records = self.between(group, after, below)?;
        records.rev().take(limit).map(|record| read(record.map_err(failed)?.1.value())).collect()
    }
}
