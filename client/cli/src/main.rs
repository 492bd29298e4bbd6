//! The `holdfast` command: what a person or a pipeline does, thin on top of `holdfast-client`.

mod arguments;
mod command;
mod config;
mod confirm;
mod describe;
mod document;
mod escape;
mod failure;
mod moment;
mod output;
mod pipeline;
mod progress;
mod session;
mod signing;
mod toml_text;

use std::pin::{Pin, pin};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use failure::Failure;
use output::Output;
use session::Session;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => return misused(&error),
        Err(help) => help.exit(),
    };
    let output = Output::new(arguments.format(), arguments.quiet());
    match run(arguments, output.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::from(error);
            output.failure(&failure);
            ExitCode::from(failure.exit() as u8)
        }
    }
}

/// Says what is wrong with the command line. It quotes its words, which may come from somebody else: they are escaped.
fn misused(error: &clap::Error) -> ExitCode {
    let output = Output::new(output::Format::Plain, false);
    error.render().to_string().lines().for_each(|line| output.note(line));
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

fn run(arguments: Arguments, output: Output) -> anyhow::Result<()> {
    let (settings, command) = arguments.into_parts();
    let session = Session::new(output, settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // A runtime has several ways to run a future: given the type of this one, it would be compiled for each of them.
    let running: Pin<&mut dyn Future<Output = anyhow::Result<()>>> = pin!(command.run(&session));
    runtime.block_on(running)
}
