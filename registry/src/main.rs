//! The `holdfast-registry` binary: reads its settings and hands them on.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Immutable artifacts and backups, and the last state that was known to be good.
#[derive(Parser)]
#[command(name = "holdfast-registry", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the registry; the first start makes keys and prints a one-time login URL
    ///
    /// Without any flag it runs on a store under ./holdfast-data and listens on 127.0.0.1:7420. Every flag is also an
    /// environment variable and a key of holdfast.toml.
    #[command(
        after_long_help = "Example:\n  holdfast-registry serve --listen 127.0.0.1:7420 --data /srv/holdfast"
    )]
    Serve(command::serve::ServeArguments),
    /// Make the keys of a registry whose nodes share a store
    ///
    /// `serve` makes keys itself on a store of its own. Nodes that share a bucket need the same keys: make them once, put
    /// the folder on every node and name it there with --keys.
    #[command(
        after_long_help = "Example:\n  holdfast-registry keys --to /etc/holdfast/keys --origin registry.example/log"
    )]
    Keys(command::keys::KeysArguments),
    /// Make the index anew from the store alone
    ///
    /// Every commit's chain, signature and root is checked on the way. The registry must not be running on the store.
    #[command(after_long_help = "Example:\n  holdfast-registry rebuild --data /srv/holdfast")]
    Rebuild(holdfast_registry::config::ServeFlags),
    /// End what nothing keeps any longer, and delete what nothing refers to
    ///
    /// An artifact whose windows are over is announced by one sweep and ends with another, at least 24 hours and a day of
    /// `serve` later. When a registry runs on the store it does the sweeping, one run at a time, and goes on when this command
    /// is interrupted; so does the next sweep with one that was cut short.
    #[command(
        after_long_help = "Examples:\n  holdfast-registry sweep --dry-run\n  holdfast-registry sweep --format json"
    )]
    Sweep(command::sweep::SweepArguments),
    /// Read back what is stored, and log how it was
    ///
    /// What is damaged is no longer answered, nor is anything else that needs it, until somebody pushed the same bytes again
    /// and a scrub found them good. When a registry runs on the store it does the reading, one run at a time, and goes on when
    /// this command is interrupted. Ends with 4 when something is damaged, with 11 when something is left.
    #[command(
        after_long_help = "Examples:\n  holdfast-registry scrub --sample 10%\n  holdfast-registry scrub --older-than 30d --rate 50M"
    )]
    Scrub(command::scrub::ScrubArguments),
    /// Show how the registry does; asks the running one when the store is in use
    #[command(after_long_help = "Example:\n  holdfast-registry status --data /srv/holdfast")]
    Status(holdfast_registry::config::ServeFlags),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(arguments) => command::serve::run(arguments),
        Command::Keys(arguments) => command::keys::run(arguments),
        Command::Rebuild(flags) => command::rebuild::run(flags),
        Command::Sweep(arguments) => command::sweep::run(arguments),
        Command::Scrub(arguments) => command::scrub::run(arguments),
        Command::Status(flags) => command::status::run(flags),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
