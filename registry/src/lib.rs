//! The Holdfast registry: its log, blobs and lookups over an object store.
//!
//! Dependencies point one way: `http → service → {log, blobs, retention} → {objects, index} → {config, clock}`.

pub mod blobs;
pub mod blocking;
pub mod clock;
pub mod config;
pub mod folder_lock;
pub mod http;
pub mod index;
pub mod log;
pub mod node;
pub mod objects;
pub mod oidc;
pub mod randomness;
pub mod retention;
pub mod service;
pub mod telemetry;
pub mod witness;
