//! What happened, in order: its digest tells whether a run repeated, its last lines tell what led to a failure.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::chance::roll;
use super::time::TrueTime;

/// How many lines are kept where nobody asks for all.
const KEPT: usize = 60;

/// The lines of one run.
#[derive(Debug)]
pub(crate) struct Trace {
    time: Arc<TrueTime>,
    wanted: bool,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    digest: u64,
    last: VecDeque<String>,
}

impl Trace {
    /// An empty one; `wanted` keeps every line.
    pub(crate) fn begin(time: &Arc<TrueTime>, wanted: bool) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), wanted, lines: Mutex::default() })
    }

    /// Notes what happened now.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let line = format!("{} {}", self.time.now(), what());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.digest = roll(lines.digest, &[line.as_bytes()]);
        if !self.wanted && lines.last.len() >= KEPT {
            lines.last.pop_front();
        }
        lines.last.push_back(line);
    }

    /// One number for all lines.
    pub(crate) fn digest(&self) -> u64 {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).digest
    }

    /// The lines that were kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).last.iter().cloned().collect()
    }
}
