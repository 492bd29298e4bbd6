//! Migrations: `NNNN_name.up.sql` and, to go back, `NNNN_name.down.sql`. The state is SQLite's `user_version`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::Connection;

/// The number of the last migration that this database has.
pub(crate) fn state(connection: &Connection) -> Result<u32> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings the database from its state to `target`, up or down, each migration in a transaction of its own.
pub(crate) fn migrate(db: &Path, folder: &Path, target: u32) -> Result<()> {
    let mut connection = Connection::open(db).with_context(|| format!("cannot open {}", db.display()))?;
    let found = state(&connection)?;
    for number in found + 1..=target {
        apply(&mut connection, &file(folder, number, ".up.sql")?, number)?;
    }
    for number in (target + 1..=found).rev() {
        apply(&mut connection, &file(folder, number, ".down.sql")?, number - 1)?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, path: &Path, state: u32) -> Result<()> {
    let sql = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let transaction = connection.transaction()?;
    transaction
        .execute_batch(&sql)
        .with_context(|| format!("{} failed; nothing was changed", path.display()))?;
    transaction.pragma_update(None, "user_version", state)?;
    Ok(transaction.commit()?)
}

fn file(folder: &Path, number: u32, ending: &str) -> Result<PathBuf> {
    let beginning = format!("{number:04}_");
    for item in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = item?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&beginning) && name.ends_with(ending) {
            return Ok(path);
        }
    }
    anyhow::bail!("{} has no {beginning}*{ending}", folder.display())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::orders::{NewOrder, Orders};
    use crate::{CustomerColumns, Release};

    fn folder(version: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(version).join("migrations")
    }

    fn release(schema: u32, customer: CustomerColumns) -> Release {
        Release { version: "test", schema, customer, total_cents: i64::checked_mul }
    }

    #[test]
    fn going_up_and_down_again_keeps_every_order() {
        let home = tempfile::tempdir().unwrap();
        let db = home.path().join("shop.sqlite");
        migrate(&db, &folder("v1"), 1).unwrap();
        let first = Orders::open(&db, release(1, CustomerColumns::Whole)).unwrap();
        for customer in ["Ada Lovelace", "Plato", "Mary Ann Evans"] {
            first.add(&NewOrder { customer: customer.into(), quantity: 3, unit_price_cents: 1999 }).unwrap();
        }
        let before = serde_json::to_string(&first.all().unwrap()).unwrap();
        drop(first);
        migrate(&db, &folder("v2"), 2).unwrap();
        let second = Orders::open(&db, release(2, CustomerColumns::Split)).unwrap();
        assert_eq!(serde_json::to_string(&second.all().unwrap()).unwrap(), before);
        drop(second);
        migrate(&db, &folder("v2"), 1).unwrap();
        let third = Orders::open(&db, release(1, CustomerColumns::Whole)).unwrap();
        assert_eq!(serde_json::to_string(&third.all().unwrap()).unwrap(), before);
    }

    #[test]
    fn a_release_refuses_a_database_of_another_schema() {
        let home = tempfile::tempdir().unwrap();
        let db = home.path().join("shop.sqlite");
        migrate(&db, &folder("v2"), 2).unwrap();
        assert!(Orders::open(&db, release(1, CustomerColumns::Whole)).is_err());
    }

    #[test]
    fn the_ledgers_have_the_checksum_of_every_migration() {
        for (version, migrations) in [("v1", 1), ("v2", 2)] {
            let text = std::fs::read_to_string(folder(version).join("../ledger.json")).unwrap();
            let ledger: serde_json::Value = serde_json::from_str(&text).unwrap();
            let listed = ledger["migrations"].as_array().unwrap();
            assert_eq!(listed.len(), migrations);
            for migration in listed {
                let up = std::fs::read(folder(version).join("..").join(migration["up"].as_str().unwrap()))
                    .unwrap();
                let sum = data_encoding::HEXLOWER.encode(&Sha256::digest(&up));
                assert_eq!(migration["checksum"]["value"], sum, "{version} {}", migration["id"]);
            }
        }
    }
}
