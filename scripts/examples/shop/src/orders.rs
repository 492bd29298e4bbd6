//! The table of orders. The only place that knows its columns.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags, params};
use serde::{Deserialize, Serialize};

use crate::{CustomerColumns, Release, migration};

/// An order as a customer sends it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    pub(crate) customer: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
}

/// An order as the shop keeps it.
#[derive(Debug, Serialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) customer: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    pub(crate) total_cents: i64,
}

/// The orders of one database, as one release reads and writes them.
pub(crate) struct Orders {
    connection: Connection,
    release: Release,
}

impl Orders {
    /// Opens an existing database; refuses one whose schema is not this release's.
    pub(crate) fn open(path: &Path, release: Release) -> Result<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .with_context(|| format!("cannot open {}: run `migrate` first", path.display()))?;
        let found = migration::state(&connection)?;
        let (version, wanted) = (release.version, release.schema);
        ensure!(
            found == wanted,
            "the database is at schema {found} and shop {version} needs {wanted}: migrate or restore it"
        );
        Ok(Self { connection, release })
    }

    pub(crate) fn add(&self, order: &NewOrder) -> Result<i64> {
        let NewOrder { customer, quantity, unit_price_cents } = order;
        let Some(total) = (self.release.total_cents)(*quantity, *unit_price_cents) else {
            bail!("{quantity} × {unit_price_cents} cents is more than the shop can count")
        };
        match self.release.customer {
            CustomerColumns::Whole => self.connection.execute(
                "INSERT INTO orders (customer, quantity, unit_price_cents, total_cents) VALUES (?1, ?2, ?3, ?4)",
                params![customer, quantity, unit_price_cents, total],
            )?,
            CustomerColumns::Split => {
                let (first, last) = customer.rsplit_once(' ').unwrap_or(("", customer));
                self.connection.execute(
                    "INSERT INTO orders (first_name, last_name, quantity, unit_price_cents, total_cents)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![first, last, quantity, unit_price_cents, total],
                )?
            }
        };
        Ok(self.connection.last_insert_rowid())
    }

    pub(crate) fn all(&self) -> Result<Vec<Order>> {
        let customer = match self.release.customer {
            CustomerColumns::Whole => "customer",
            CustomerColumns::Split => "trim(first_name || ' ' || last_name)",
        };
        let sql =
            format!("SELECT id, {customer}, quantity, unit_price_cents, total_cents FROM orders ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Order {
                id: row.get(0)?,
                customer: row.get(1)?,
                quantity: row.get(2)?,
                unit_price_cents: row.get(3)?,
                total_cents: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Order {
    /// What is wrong with the stored total, if anything is. Any release can be checked with it.
    pub(crate) fn defect(&self) -> Option<String> {
        let expected = self.quantity.checked_mul(self.unit_price_cents);
        let Self { id, quantity, unit_price_cents, total_cents, .. } = self;
        (expected != Some(*total_cents)).then(|| {
            format!("order {id}: {quantity} × {unit_price_cents} cents is stored as {total_cents} cents")
        })
    }
}

/// Copies a database while it is in use.
pub(crate) fn backup(from: &Path, to: &Path) -> Result<()> {
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("cannot open {}", from.display()))?;
    let target = to.to_str().context("the target's name is not UTF-8")?;
    connection
        .execute("VACUUM INTO ?1", [target])
        .with_context(|| format!("cannot write {target}: does it exist?"))?;
    Ok(())
}
