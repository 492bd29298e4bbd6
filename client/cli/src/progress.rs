//! Progress bars for long work: bytes, rate and time left, drawn on a terminal and nowhere else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_client::{Activity, Progress, Quiet};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::output::Output;

/// How the work of one run is shown.
pub(crate) fn shown_on(output: &Output) -> Arc<dyn Progress> {
    if output.draws_progress() {
        Arc::new(Bars { bar: Mutex::new(None), files: AtomicU64::new(0), sent: AtomicU64::new(0) })
    } else {
        Arc::new(Quiet)
    }
}

#[derive(Debug)]
struct Bars {
    bar: Mutex<Option<ProgressBar>>,
    files: AtomicU64,
    sent: AtomicU64,
}

impl Bars {
    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        // A bar is only a picture: one that another thread left half-drawn is still good enough.
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            act(bar);
        }
    }

    fn say(&self) {
        let (files, sent) = (self.files.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
        let sent = HumanBytes(sent);
        self.with(|bar| {
            bar.set_message(if files > 0 {
                format!("{files} files, {sent} new")
            } else {
                format!("{sent} new")
            });
        });
    }
}

impl Progress for Bars {
    fn begin(&self, what: Activity, total: u64) {
        self.files.store(0, Ordering::Relaxed);
        self.sent.store(0, Ordering::Relaxed);
        let bar = if total == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(total) };
        let bar = bar.with_style(style(what, total)).with_prefix(verb(what));
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self, amount: u64) {
        self.with(|bar| bar.inc(amount));
    }

    fn files(&self, count: u64) {
        self.files.fetch_add(count, Ordering::Relaxed);
        self.say();
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.say();
    }

    fn finish(&self) {
        self.with(ProgressBar::finish_and_clear);
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

const fn verb(what: Activity) -> &'static str {
    match what {
        Activity::Upload => "pushing",
        Activity::Snapshot => "snapshot",
        Activity::Download => "pulling",
        Activity::Hash => "hashing",
        Activity::Audit => "replaying",
    }
}

fn style(what: Activity, total: u64) -> ProgressStyle {
    let template = match (what, total) {
        (Activity::Audit, 0) => "{prefix} {pos} entries ({per_sec})",
        (Activity::Audit, _) => "{prefix} {wide_bar} {pos}/{len} entries ({per_sec}, {eta} left)",
        (_, 0) => "{prefix} {bytes} ({bytes_per_sec}) {msg}",
        (_, _) => "{prefix} {wide_bar} {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left) {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
