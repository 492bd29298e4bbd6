//! The client library that pipelines and rollback tools embed. It does not trust the registry.
mod atomic_file;
mod blocking;
mod clock;
mod credentials;
mod cutter;
mod error;
pub mod keys;
mod progress;
mod randomness;
mod source;
mod stored_chunk;
mod transport;
mod upload;
