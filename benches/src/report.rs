//! Figures on standard output as `name value` lines, complaints on standard error. Nothing else of this crate prints.

use std::fmt::Display;
use std::io::Write as _;

/// Prints one figure.
pub(crate) fn figure(name: &str, value: impl Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name} {value}")?;
    out.flush()
}

/// Says why the job failed.
pub(crate) fn complain(error: &anyhow::Error) {
    // When standard error is gone there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "holdfast-bench: {error:#}"));
}
