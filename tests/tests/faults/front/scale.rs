//! How many and how long: little in CI, much in `scripts/soak front`.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Set by `scripts/soak front`: how many connections attackers have.
const SOAK_VARIABLE: &str = "HOLDFAST_TEST_SOAK";

/// How large a test is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Connections of attackers.
    pub(crate) connections: usize,
    /// How long floods and load last.
    pub(crate) load: Duration,
    /// What 99 of 100 healthy requests must take at most; a machine that builds at the same time promises nothing.
    pub(crate) p99: Option<Duration>,
}

impl Scale {
    pub(crate) fn of_this_run() -> Self {
        match std::env::var(SOAK_VARIABLE).ok().and_then(|text| text.parse().ok()) {
            Some(connections) => {
                Self { connections, load: Duration::from_secs(20), p99: Some(Duration::from_millis(500)) }
            }
            None => Self { connections: 300, load: Duration::from_millis(500), p99: None },
        }
    }
}

/// Says what was measured, also where a test passes.
pub(crate) fn measured(what: &str) -> Result<()> {
    if std::env::var_os(SOAK_VARIABLE).is_some() {
        // Not by a macro: what a test prints with those is shown only when it fails.
        writeln!(std::io::stderr(), "soak: {what}")?;
    }
    Ok(())
}

/// The memory of a process in MiB: what it has now, and the most it ever had.
pub(crate) fn memory_mib(process: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("Linux tells it")?;
        Ok::<_, anyhow::Error>(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
    };
    Ok((of("VmRSS:")?, of("VmHWM:")?))
}
