//! The main job from end to end, over the client library and HTTP, on a registry in this process.
//!
//! `HOLDFAST_TEST_STORE=s3://bucket/prefix` runs them on that bucket instead of memory.

#[path = "e2e/access.rs"]
mod access;
#[path = "e2e/artifacts.rs"]
mod artifacts;
#[path = "e2e/audit.rs"]
mod audit;
#[path = "e2e/audit_store.rs"]
mod audit_store;
#[path = "e2e/bundles.rs"]
mod bundles;
#[path = "e2e/channels.rs"]
mod channels;
#[path = "e2e/composed.rs"]
mod composed;
#[path = "e2e/consistency.rs"]
mod consistency;
#[path = "e2e/five_lines.rs"]
mod five_lines;
#[path = "e2e/matrix.rs"]
mod matrix;
#[path = "e2e/monitor.rs"]
mod monitor;
#[path = "e2e/namespaces.rs"]
mod namespaces;
#[path = "e2e/oidc.rs"]
mod oidc;
#[path = "e2e/pipeline.rs"]
mod pipeline;
#[path = "e2e/policy.rs"]
mod policy;
#[path = "e2e/quotas.rs"]
mod quotas;
#[path = "e2e/releases.rs"]
mod releases;
#[path = "e2e/restart.rs"]
mod restart;
#[path = "e2e/rotation.rs"]
mod rotation;
#[path = "e2e/rule_books.rs"]
mod rule_books;
#[path = "e2e/schedules.rs"]
mod schedules;
#[path = "e2e/snapshots/trees.rs"]
mod snapshot_trees;
#[path = "e2e/snapshots.rs"]
mod snapshots;
#[path = "e2e/tokens.rs"]
mod tokens;
#[path = "e2e/unhappy.rs"]
mod unhappy;
#[path = "e2e/windows.rs"]
mod windows;
