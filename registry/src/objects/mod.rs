//! The object store: the only truth, and the only place that uses `object_store` or touches its local directory.
//!
//! It owns keys, create-if-absent, durability, the lock of a local directory and the start-up probe. It never looks
//! inside an object: log, blobs and retention give objects their meaning. It deletes content only that a newer sweep named.

mod buffers;
mod cloud;
mod content;
mod error;
mod held;
mod key;
mod listing;
mod local;
mod probe;
mod store;
mod sweeping;

#[cfg(test)]
mod conformance;

pub use crate::config::StoreLocation;
pub use buffers::{Buffer, Buffers};
pub use cloud::install_tls_provider;
pub use content::{StoredContent, Superseded};
pub use error::{ObjectError, OpenError, ProbeError};
pub use held::{HeldObject, held_at_once};
pub use key::{InvalidKey, KeyPrefix, ObjectKey};
pub use listing::{Listed, Listing};
pub use local::make_root;
pub use store::{Created, Host, Store};
