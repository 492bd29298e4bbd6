//! What the end-to-end, fault and command-line tests are made of: registries in this process, people with keys and
//! tokens, stores that fail on purpose, and the real binaries.
//!
//! Owns how a test sets up its world. It never asserts anything: what must hold stands in the tests themselves.

mod backing;
mod chunk;
mod clock;
mod counting;
mod disk;
mod draft;
pub mod evil;
mod faulty;
mod folder;
mod http;
mod issuer;
mod node;
mod person;
mod program;
mod routes;
mod server;
mod tree;
mod witness;

pub use backing::Backing;
pub use chunk::{frame, raw_chunk, zstd_chunk};
pub use clock::TestClock;
pub use counting::CountingStore;
pub use disk::Disk;
pub use draft::{deny, deploy, held, referenced, release_of};
pub use faulty::{Fault, FaultyStore};
pub use folder::{Folder, entries_of};
pub use http::Http;
pub use issuer::{Algorithm, Issuer, Manners, unsigned};
pub use node::{Index, StartError, TestRegistry};
pub use person::Person;
pub use program::{Output, Program, binary};
pub use routes::router_patterns;
pub use server::{Server, free_port};
pub use tree::{Tree, TreeDraft, metadata};
pub use witness::{Mood, TestWitness};

use std::str::FromStr;

/// Reads a value that a test writes as text.
///
/// # Panics
/// When the text is not one, which is a mistake in the test.
pub fn of<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| unreachable!("{text:?} is not what the test takes it for: {error:?}"))
}
