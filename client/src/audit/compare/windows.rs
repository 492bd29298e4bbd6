//! Whether the registry keeps what it must, and says so: the windows of artifacts as it answers them, against what follows from
//! its log.

use std::collections::BTreeSet;

use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ExitCode, RetentionView};
use holdfast_verify::facts::Facts as _;
use holdfast_verify::retention::Retention;

use super::{ATTEMPTS, Audit, Finding, FindingKind, chain};
use crate::error::ClientError;
use crate::randomness::random_array;

/// Artifacts that are asked of the facts at a time.
const PAGE: usize = 1024;
/// How many artifacts the registry is asked about at most; of more, chance decides which.
const ASKED_MAX: usize = 1000;

impl Audit {
    /// Until when artifacts stay, why, and how they ended.
    pub(super) async fn compare_windows(&mut self) -> Result<(), ClientError> {
        let (sample, all) = self.sample().await?;
        if sample.len() < all {
            self.notes.push(format!(
                "the windows of {} of {all} artifacts were compared, chosen by chance",
                sample.len()
            ));
        }
        for artifact in sample {
            self.compare_window(&artifact).await?;
        }
        Ok(())
    }

    /// Some artifacts, each as likely as every other, and how many there are.
    async fn sample(&self) -> Result<(Vec<ArtifactRef>, usize), ClientError> {
        let (mut sample, mut seen, mut after) = (Vec::new(), 0, None::<ArtifactRef>);
        loop {
            let behind = after.clone();
            let page = self.facts(move |facts| facts.all_artifacts(behind.as_ref(), PAGE)).await?;
            let Some(last) = page.last() else { return Ok((sample, seen)) };
            after = Some(last.artifact.r#ref.clone());
            for fact in page {
                seen += 1;
                if sample.len() < ASKED_MAX {
                    sample.push(fact.artifact.r#ref);
                } else if let Some(place) = sample.get_mut(below(seen)) {
                    *place = fact.artifact.r#ref;
                }
            }
        }
    }

    async fn compare_window(&mut self, artifact: &ArtifactRef) -> Result<(), ClientError> {
        let (mut difference, mut outgrown) = (None, false);
        for _ in 0..ATTEMPTS {
            let known = self.replay().size();
            let told = match self.registry.retention(&Reference::Version(artifact.clone())).await {
                Ok(told) => told,
                Err(error) => return self.note_untold(artifact, error),
            };
            if told.size > known && !self.catch_up_to_now().await? {
                return Ok(());
            }
            difference = self.difference(artifact, &told).await?;
            outgrown = told.size >= known && told.size < self.replay().size();
            if difference.is_none() || told.size == self.replay().size() {
                break;
            }
        }
        if outgrown {
            self.notes.push(format!("{artifact}: the log grew too fast for its windows to be compared"));
            return Ok(());
        }
        self.compared.windows += 1;
        if let Some(what) = difference {
            self.passing.push(Finding::new(FindingKind::Answer, format!("{artifact}: {what}")));
        }
        Ok(())
    }

    /// What is told otherwise than it follows from the log as far as it was judged.
    async fn difference(
        &self,
        artifact: &ArtifactRef,
        told: &RetentionView,
    ) -> Result<Option<String>, ClientError> {
        if told.size != self.replay().size() {
            let (theirs, ours) = (told.size, self.replay().size());
            return Ok(Some(format!("its windows are told as of {theirs} entries, but there are {ours}")));
        }
        if let Some(what) = self.wrong_time(told.time) {
            return Ok(Some(what));
        }
        let (wanted, now) = (artifact.clone(), told.time);
        let follows = self.facts(move |facts| {
            let (Some(fact), Some(in_force)) = (facts.artifact(&wanted)?, facts.policy()?) else {
                return Ok(None);
            };
            let going = BTreeSet::new();
            Retention { facts, in_force: &in_force, now, going: &going }.view(&fact).map(Some)
        });
        // Which sweep intends to end it is only a help for people.
        let told = RetentionView { intended: None, ..told.clone() };
        match follows.await? {
            Some(follows) if follows == told => Ok(None),
            Some(follows) => {
                let (theirs, ours) = (show(&told), show(&follows));
                Ok(Some(format!("the registry says that it is {theirs}, but what follows is: {ours}")))
            }
            None => Ok(Some("the registry has it, but its log does not".to_owned())),
        }
    }

    /// A time that is not now would make windows look open or over.
    pub(super) fn wrong_time(&self, told: Timestamp) -> Option<String> {
        let (now, newest) = (self.registry.now(), self.replay().position().time);
        let off_max = self.registry.trust().head_max_age_s.as_ms();
        let is_now = told.ms_since(now) <= off_max && now.ms_since(told) <= off_max;
        let right = newest.is_none_or(|newest| told >= newest) && (is_now || newest == Some(told));
        (!right).then(|| format!("it is told as of {told}, but it is {now}"))
    }

    fn note_untold(&mut self, artifact: &ArtifactRef, error: ClientError) -> Result<(), ClientError> {
        let kind = match error.exit() {
            ExitCode::Integrity => FindingKind::Untrue,
            ExitCode::NotFound | ExitCode::Ended => FindingKind::Answer,
            _ => return Err(error),
        };
        let what = format!("the registry does not tell until when {artifact} stays: {}", chain(&error));
        self.passing.push(Finding::new(kind, what));
        Ok(())
    }
}

/// A random number below `count`, which is not 0. That low ones are a little likelier does not matter.
fn below(count: usize) -> usize {
    let random = u64::from_le_bytes(random_array());
    usize::try_from(random.checked_rem(count as u64).unwrap_or(0)).unwrap_or(0)
}

fn show(view: &RetentionView) -> String {
    if let Some(ended) = &view.ended {
        return format!("ended by entry {} ({})", ended.entry, ended.by);
    }
    let until = view.until.map_or_else(|| "without a date".to_owned(), |until| format!("until {until}"));
    let reasons: Vec<String> = view
        .reasons
        .iter()
        .map(|reason| match reason.until {
            Some(until) => format!("{} until {until}", reason.why),
            None => reason.why.to_string(),
        })
        .collect();
    format!("kept {until} ({})", reasons.join(", "))
}
