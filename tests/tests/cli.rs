//! The real binaries: exit codes, what they say, and what becomes of a server that is mistreated.

#[path = "cli/audits.rs"]
mod audits;
#[path = "cli/bundles.rs"]
mod bundles;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/exits.rs"]
mod exits;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/monitor.rs"]
mod monitor;
#[path = "cli/policies.rs"]
mod policies;
#[path = "cli/rights.rs"]
mod rights;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/servers.rs"]
mod servers;
#[path = "cli/signing_keys.rs"]
mod signing_keys;
#[path = "cli/snapshots.rs"]
mod snapshots;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/trees.rs"]
mod trees;
#[path = "cli/windows.rs"]
mod windows;
#[path = "cli/witnesses.rs"]
mod witnesses;
#[path = "cli/world.rs"]
mod world;
