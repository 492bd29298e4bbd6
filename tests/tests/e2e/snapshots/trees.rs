//! Snapshots of real trees: what the catalog and the chunks say is what was on the disk, bit for bit.

#[path = "trees/edits.rs"]
mod edits;
#[path = "trees/faults.rs"]
mod faults;
#[path = "trees/found.rs"]
mod found;
#[path = "trees/incremental.rs"]
mod incremental;
#[path = "trees/traps.rs"]
mod traps;

use std::time::Duration;

use anyhow::Result;
use holdfast_client::{About, ParentChoice, Snapshot, TreeRequest};
use holdfast_formats::manifest::Consistency;
use holdfast_tests::{Person, TestRegistry, of};

/// A tree as a person asks for it, changed as a test wants.
fn request(artifact: &str, root: &std::path::Path, change: impl FnOnce(&mut TreeRequest)) -> TreeRequest {
    let mut request = TreeRequest {
        artifact: of(artifact),
        root: root.to_owned(),
        exclude: Vec::new(),
        force_read: false,
        parent: ParentChoice::Newest,
        source: of("test-machine"),
        facts: None,
        consistency: Consistency::Crash,
        schema_state: None,
        derived_from: Vec::new(),
        about: About::nothing(),
    };
    change(&mut request);
    request
}

/// A registry and somebody whose clock is far enough ahead of all files that none counts as changed just now.
async fn world() -> Result<(TestRegistry, Person)> {
    ready(TestRegistry::start().await?).await
}

async fn ready(registry: TestRegistry) -> Result<(TestRegistry, Person)> {
    let ana = registry.login().await?;
    registry.advance(Duration::from_mins(1)).await?;
    Ok((registry, ana))
}

async fn snapshot(ana: &Person, artifact: &str, root: &std::path::Path) -> Result<Snapshot> {
    Ok(ana.registry().snapshot_tree(&request(artifact, root, |_| {})).await?)
}

/// Bytes that neither compress nor repeat.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}
