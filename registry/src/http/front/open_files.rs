//! How many connections the operating system lets this process have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for the store, the index and what else is opened.
const KEPT: u64 = 1024;

/// Raises the limit of open files as far as it goes, and says how many of `wanted` connections fit below it.
pub fn connections_within_open_files(wanted: usize) -> usize {
    let allowed = raised();
    let room = usize::try_from(allowed.saturating_sub(KEPT.min(allowed / 2))).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            "the limit of open files leaves room for fewer connections; raise it with ulimit -n"
        );
    }
    wanted.min(room).max(1)
}

fn raised() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    now.unwrap_or(u64::MAX)
}
