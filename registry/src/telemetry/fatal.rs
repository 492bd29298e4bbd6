//! The end of the process when going on would break a promise: a failed fsync, a forked log.

use std::fmt;
use std::sync::Arc;

/// `EX_SOFTWARE` of sysexits.h. An exit, no abort: a core dump would hold keys and tokens.
const EXIT_FATAL: i32 = 70;

/// What to do when the node must not go on; clones share it.
#[derive(Clone)]
pub struct Fatal {
    hook: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Fatal {
    /// Logs the reason and ends the process at once.
    pub fn process() -> Self {
        Self::hook(|reason| {
            tracing::error!(reason, "ending the process: going on could lose what was acknowledged");
            std::process::exit(EXIT_FATAL);
        })
    }

    /// Calls `hook` instead, so that a test survives to look.
    pub fn hook(hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { hook: Arc::new(hook) }
    }

    /// Ends the process. Returns only under a test's hook, and then the caller must fail too.
    pub fn end(&self, reason: &str) {
        (self.hook)(reason);
    }
}

impl fmt::Debug for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fatal")
    }
}
