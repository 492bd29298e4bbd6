//! The real binaries: exit codes, what they say, and what becomes of a server that is mistreated.

#[path = "cli/audits.rs"]
mod audits;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/exits.rs"]
mod exits;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/servers.rs"]
mod servers;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/world.rs"]
mod world;
