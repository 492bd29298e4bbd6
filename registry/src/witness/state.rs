//! What is known of each witness: who it is, and how it did. Written by its task, read by `status`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_formats::note::NoteKey;
use holdfast_formats::number::Count;
use holdfast_formats::wire::v1::WitnessStatus;

use super::error::AskError;
use crate::config::WitnessConfig;
use crate::log::Cosignatures;

/// One witness.
#[derive(Debug)]
pub(super) struct Witness {
    config: WitnessConfig,
    course: Mutex<Course>,
}

/// How it went since the witness last answered as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Course {
    failures: u64,
    error: Option<String>,
    /// It was ahead of the log when it was asked last.
    ahead: bool,
    conflict: bool,
}

impl Course {
    const GOOD: Self = Self { failures: 0, error: None, ahead: false, conflict: false };
}

impl Witness {
    pub(super) fn url(&self) -> &str {
        &self.config.url
    }

    pub(super) const fn key(&self) -> &NoteKey {
        &self.config.key
    }

    pub(super) fn succeeded(&self) {
        *self.course() = Course::GOOD;
    }

    /// Notes a failure; how many there were in a row, and whether it means that the witness knows another log.
    ///
    /// A witness that is ahead once may have been asked by another node of the same log. One that is still ahead when it
    /// is asked again has seen entries that this log no longer has.
    pub(super) fn failed(&self, error: &AskError) -> (u64, bool) {
        let mut course = self.course();
        let ahead = matches!(error, AskError::Ahead { .. });
        let conflict = matches!(error, AskError::Fork(_)) || (ahead && course.ahead);
        let failures = course.failures.saturating_add(1);
        *course =
            Course { failures, error: Some(chain(error)), ahead, conflict: conflict || course.conflict };
        (failures, conflict)
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        // What is inside is replaced whole, so it is right even after a panic elsewhere.
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error with what led to it, in one sentence.
fn chain(error: &AskError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}

/// All witnesses of a node; clones share them.
#[derive(Clone, Debug)]
pub struct Witnesses {
    all: Arc<[Arc<Witness>]>,
    cosignatures: Cosignatures,
}

impl Witnesses {
    pub(super) fn new(configured: Vec<WitnessConfig>, cosignatures: Cosignatures) -> Self {
        let witness = |config| Arc::new(Witness { config, course: Mutex::new(Course::GOOD) });
        Self { all: configured.into_iter().map(witness).collect(), cosignatures }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Witness>> {
        self.all.iter()
    }

    /// How the registry does with each, in the order of the settings.
    pub fn status(&self) -> Vec<WitnessStatus> {
        self.all.iter().filter_map(|witness| self.status_of(witness)).collect()
    }

    fn status_of(&self, witness: &Witness) -> Option<WitnessStatus> {
        let Course { failures, error, ahead: _, conflict } = witness.course().clone();
        let newest = self.cosignatures.of(witness.key());
        Some(WitnessStatus {
            name: witness.key().name().clone(),
            url: witness.url().parse().ok()?,
            size: newest.as_ref().map(|cosignature| cosignature.size),
            cosigned: newest.map(|cosignature| cosignature.time),
            failures: Count::new(failures).ok()?,
            error,
            conflict,
        })
    }
}
