//! `holdfast-bench`: the parts of `scripts/bench` and `scripts/interop` that a shell cannot do. Each command does one job
//! and prints its figures as `name value` lines; the scripts alternate the sides and compare.

mod append;
mod bare;
mod denies;
mod disk;
mod doors;
mod entries;
mod fill;
mod grow;
mod latency;
mod litter;
mod load;
mod node;
mod report;
mod signatures;
mod steady;
mod unpack;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One side of a measurement, or what it needs.
#[derive(Parser)]
#[command(name = "holdfast-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Push tiny artifacts over the client library, several at a time
    Fill(fill::FillArguments),
    /// Append entries to a log in this process, on a store of its own
    Append(append::AppendArguments),
    /// Append many entries to the log of a registry that is stopped
    Grow(grow::GrowArguments),
    /// Make a store with very many chunks of which some are dead
    Litter(litter::LitterArguments),
    /// Look up and push at a steady pace
    Steady(steady::SteadyArguments),
    /// Submit denies one after another until a file appears
    Deny(denies::DenyArguments),
    /// Ask one URL over many connections that stay open
    Load(load::LoadArguments),
    /// Serve a body of some size from a bare route
    Bare(bare::BareArguments),
    /// Say of signatures on standard input whether we take them
    Signatures,
    /// Serve one node through the registry's accept loop and through a plain one
    Doors(Box<doors::DoorsArguments>),
    /// Verify one known-good answer, or one signature, again and again
    Verify(verify::VerifyArguments),
    /// Append 4 KiB and sync, again and again
    Fsync(disk::FsyncArguments),
    /// Unpack and hash stored chunks on one core
    Unpack(unpack::UnpackArguments),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Fill(arguments) => fill::run(arguments),
            Command::Append(arguments) => append::run(arguments).await,
            Command::Grow(arguments) => grow::run(arguments).await,
            Command::Litter(arguments) => litter::run(arguments).await,
            Command::Steady(arguments) => steady::run(arguments).await,
            Command::Deny(arguments) => denies::run(arguments).await,
            Command::Load(arguments) => load::run(arguments).await,
            Command::Bare(arguments) => bare::run(arguments).await,
            Command::Signatures => signatures::run(),
            Command::Doors(arguments) => doors::run(*arguments).await,
            Command::Verify(arguments) => verify::run(arguments).await,
            Command::Fsync(arguments) => disk::run(&arguments),
            Command::Unpack(arguments) => unpack::run(&arguments),
        }
    })
}
