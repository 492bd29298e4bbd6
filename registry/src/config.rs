//! What a node is told: flags over `HOLDFAST_*` over `holdfast.toml` over defaults.
//!
//! This module decides what the settings are, never what they mean. [`ServeConfig`] is complete: nobody downstream knows
//! a default.

mod file;
mod flags;
mod limits;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use file::FileError;
pub use flags::{LogFormat, ServeFlags};
pub use limits::Limits;

use crate::http::front::TlsFiles;
use crate::objects::{InvalidLocation, StoreLocation};
use file::FileSettings;
