//! Bytes to types and back, for every format Holdfast signs, stores or sends.
//!
//! Owns what a value looks like and when it is malformed. It never does I/O, never reads a clock, and never decides
//! whether a well-formed value is *allowed*: that is the rule book in `holdfast-verify`.

pub mod blob;
pub mod catalog;
pub mod channel_head;
pub mod checkpoint;
pub mod chunk;
pub mod chunk_frame;
pub mod commit;
pub mod digest;
pub mod entry;
pub mod envelope;
pub mod fork;
mod hex;
pub mod id;
pub mod id_token;
pub mod key;
pub mod limits;
pub mod login;
pub mod manifest;
pub mod name;
pub mod note;
pub mod number;
pub mod operator;
pub mod origin;
pub mod path;
pub mod pattern;
pub mod policy;
pub mod proof;
pub mod reference;
pub mod statement;
mod strict;
pub mod sweep_list;
pub mod text;
pub mod tile;
pub mod time;
pub mod token;
pub mod tree;
pub mod trust;
pub mod version;
pub mod wire;

pub use strict::{JsonError, StrictMap, from_json};
