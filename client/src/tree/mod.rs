//! Trees: folders by handle, paths of a snapshot that somebody chose, and what goes wrong with them.

mod difference;
mod error;
mod find;
pub(crate) mod folder;
mod remove;
mod selection;
mod walk;

pub use difference::{Difference, changed_fields, differences};
pub use error::TreeError;
pub use find::PathPattern;
pub(crate) use remove::remove_all;
pub(crate) use selection::Selection;
pub(crate) use walk::{Level, Walk, open_below};
