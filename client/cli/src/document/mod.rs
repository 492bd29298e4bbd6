//! Documents that a person writes for a command: `release.toml` and the typed bodies of manifests.
//!
//! Owns their form and their defaults. It never talks to a registry.

mod body;
mod content;
mod release;
mod snapshot;

use std::path::Path;

use anyhow::Context as _;

pub(crate) use body::{BodySource, body_of, read_body};
pub(crate) use content::{host_name, modified};
pub(crate) use release::read_release;
pub(crate) use snapshot::{Data, snapshot_of_files};

use crate::failure::Failure;

/// More than any document written by hand needs.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn read_text(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if size > DOCUMENT_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{shown} has {size} bytes; at most {DOCUMENT_BYTES_MAX} are read"
        ))
        .into());
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))
}
