//! What HTTP carries, by version.

pub mod v1;
