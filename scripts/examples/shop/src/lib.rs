//! A small shop: orders over HTTP, kept in SQLite. The quickstart deploys two releases of it and rolls the second one back.
//!
//! Owns everything both releases share; `bin/v1.rs` and `bin/v2.rs` say only where they differ. It knows nothing of Holdfast:
//! a service needs no change to be rolled back with it.

mod client;
mod command;
mod migration;
mod orders;
mod server;
mod settings;

pub use command::run;

/// Where two releases of the shop differ.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// The version that `/health` answers.
    pub version: &'static str,
    /// The number of the newest migration that this release was written for.
    pub schema: u32,
    /// How the schema keeps a customer's name.
    pub customer: CustomerColumns,
    /// What an order costs, in cents, from its quantity and its unit price in cents.
    pub total_cents: fn(i64, i64) -> Option<i64>,
}

/// How the table of orders keeps a customer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerColumns {
    /// One column, `customer`.
    Whole,
    /// Two columns, `first_name` and `last_name`.
    Split,
}
