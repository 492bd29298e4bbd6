//! What follows from a look: pure decisions over what was known and what was seen.

use std::time::Duration;

use holdfast_formats::key::PublicKey;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::statement::Artifact;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::ExitCode;
use holdfast_verify::known_good::{AnsweredLine, expiry_warning};
use holdfast_verify::policy_chain::{ChainedPolicy, PolicyChain};

use super::look::{ChannelSight, Sight};
use super::memory::{Answered, Followed, Memory};
use super::{Alert, AlertKind, Watch};
use crate::error::ClientError;

impl Memory {
    /// Takes up what was seen; what is new is queued.
    pub(super) fn note(&mut self, sight: Sight, watch: &Watch, now: Timestamp) {
        if self.room() == 0 {
            // Nothing is taken up that could not be delivered; it is still there at the next look.
            self.heard = now;
            return;
        }
        if self.is_silent {
            let says = format!("the registry answers again, with {} entries", sight.size);
            self.queue(Alert::new(&self.log, AlertKind::Heard, now, says));
        }
        (self.heard, self.is_silent, self.broken) = (now, false, None);
        self.note_policies(&sight.policies);
        for seen in sight.channels {
            self.note_channel(seen, watch);
        }
    }

    /// Takes up that nothing could be seen.
    pub(super) fn note_failure(&mut self, error: &ClientError, silence: Duration, now: Timestamp) {
        if self.room() == 0 {
            return;
        }
        let why = in_full(error);
        if error.exit() == ExitCode::Integrity {
            if self.broken.as_ref() != Some(&why) {
                self.queue(Alert::new(&self.log, AlertKind::Fork, now, why.clone()));
                self.broken = Some(why);
            }
            return;
        }
        let since = Duration::from_millis(now.ms_since(self.heard));
        if since >= silence && !self.is_silent {
            let says = format!("nothing fresh since {}: {why}", self.heard);
            self.queue(Alert::new(&self.log, AlertKind::Silence, now, says));
            self.is_silent = true;
        }
    }

    fn note_policies(&mut self, policies: &PolicyChain) {
        let newest = policies.newest().policy.number;
        let mut before: Option<&ChainedPolicy> = None;
        for policy in policies.iter() {
            if self.policy.is_some_and(|told| policy.policy.number > told) {
                self.note_policy(before, policy);
            }
            before = Some(policy);
        }
        self.policy = Some(self.policy.map_or(newest, |told| told.max(newest)));
    }

    fn note_policy(&mut self, before: Option<&ChainedPolicy>, policy: &ChainedPolicy) {
        let (entry, time) = (policy.entry.index, policy.time);
        let says = format!("policy {} is in force", policy.policy.number);
        self.queue(Alert::new(&self.log, AlertKind::Policy, time, says).about(entry));
        let known = |key: &PublicKey| {
            before.is_some_and(|before| before.policy.distrust.iter().any(|d| d.key == *key))
        };
        for distrust in policy.policy.distrust.iter().filter(|d| !known(&d.key)) {
            let says = format!(
                "the key {} is distrusted from entry {} on: {}",
                distrust.key.id(),
                distrust.from_entry,
                distrust.reason
            );
            self.queue(Alert::new(&self.log, AlertKind::Distrust, time, says).about(entry));
        }
    }

    fn note_channel(&mut self, seen: ChannelSight, watch: &Watch) {
        let ChannelSight { channel, lines, time, news } = seen;
        let next = news.next;
        for entry in news.entries {
            if let Some(kind) = AlertKind::of(&entry.statement.predicate) {
                let says = (watch.describe)(&entry.statement);
                let alert = Alert::new(&self.log, kind, entry.time, says).on(&channel).about(entry.index);
                self.queue(alert);
            }
        }
        let known = self.channels.get(&channel).cloned();
        if let Some(says) = known.as_ref().and_then(|known| changed(known, &lines)) {
            self.queue(Alert::new(&self.log, AlertKind::Answer, time, says).on(&channel));
        }
        let answered = lines.iter().map(|line| {
            let was_told = was_told(known.as_ref(), line);
            (line.name.clone(), self.note_ending(&channel, line, time, was_told))
        });
        let lines = answered.collect::<Vec<_>>().into_iter().collect();
        self.channels.insert(channel, Followed { next, lines });
    }

    fn note_ending(
        &mut self,
        channel: &ChannelName,
        line: &AnsweredLine,
        time: Timestamp,
        was_told: bool,
    ) -> Answered {
        let warning = expiry_warning(&line.name, line.number, line.time, line.expires, time);
        if let Some(says) = warning.as_ref().filter(|_| !was_told) {
            let alert = Alert::new(&self.log, AlertKind::Expiry, time, says.as_str()).on(channel);
            self.queue(alert.about(line.entry.index));
        }
        Answered { pin: line.number, artifact: line.artifact.clone(), is_ending: warning.is_some() }
    }
}

/// Whether it was told already that this very pin ends soon.
fn was_told(known: Option<&Followed>, line: &AnsweredLine) -> bool {
    let before = known.and_then(|known| known.lines.get(&line.name));
    before.is_some_and(|before| before.pin == line.number && before.is_ending)
}

/// What is answered differently than before, if anything is. Another pin of the same artifact is no difference.
fn changed(known: &Followed, now: &[AnsweredLine]) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for line in now {
        let before = known.lines.get(&line.name).map(|before| &before.artifact);
        if before != Some(&line.artifact) {
            said.push(words(&line.name, before, Some(&line.artifact)));
        }
    }
    for (name, before) in known.lines.iter() {
        if now.iter().all(|line| line.name != *name) {
            said.push(words(name, Some(&before.artifact), None));
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}

fn words(line: &ArtifactName, before: Option<&Artifact>, now: Option<&Artifact>) -> String {
    let shown = |artifact: Option<&Artifact>| {
        artifact.map_or_else(|| "nothing".to_owned(), |artifact| artifact.r#ref.to_string())
    };
    format!("known-good of {line} is {} and was {}", shown(now), shown(before))
}

/// An error with all its causes.
fn in_full(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        let said = source.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = source.source();
    }
    text
}
