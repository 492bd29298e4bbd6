//! What the registry lists and allows: histories, gates, denies and grants.

use std::collections::BTreeSet;

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::reference::Reference;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, HistoryQuery};
use holdfast_verify::facts::{DenyFact, Facts as _, GrantFact};
use holdfast_verify::gate::gate;

use super::{ATTEMPTS, Audit, Finding, FindingKind, chain};
use crate::error::ClientError;
use crate::tokens::Tokens;

/// Facts that are asked for at a time.
const PAGE: usize = 1024;

impl Audit {
    /// What touched the channel last.
    pub(super) async fn compare_history(&mut self, channel: &ChannelName) -> Result<(), ClientError> {
        let mut difference = None;
        for _ in 0..ATTEMPTS {
            let query = HistoryQuery { before: None, limit: Some(1) };
            let history = match self.registry.history(channel, &query).await {
                Ok(history) => history,
                Err(error) => return self.note_refused(channel, "history", error),
            };
            let shown = history.entries.first().map(|entry| entry.index);
            if !self.catch_up_to_now().await? {
                return Ok(());
            }
            let wanted = channel.clone();
            let follows = self.facts(move |facts| facts.newest_touching(&wanted)).await?;
            if shown == follows {
                self.compared.histories += 1;
                return Ok(());
            }
            // Something may have been logged between the two questions.
            difference = Some((shown, follows));
        }
        if let Some((shown, follows)) = difference {
            let show =
                |index: Option<LeafIndex>| index.map_or("nothing".to_owned(), |i| format!("entry {i}"));
            let (shown, follows) = (show(shown), show(follows));
            self.compared.histories += 1;
            self.differs(
                channel,
                format!("the history ends with {shown}, but {follows} touched the channel last"),
            );
        }
        Ok(())
    }

    /// Whether the newest pin of a line may be deployed: calendar, freezes, denies, scrubs.
    pub(super) async fn compare_gate(
        &mut self,
        channel: &ChannelName,
        line: &ArtifactName,
    ) -> Result<(), ClientError> {
        let (wanted, name) = (channel.clone(), line.clone());
        let newest = self.facts(move |facts| facts.pins(&wanted, &name, None, 1)).await?.pop();
        let Some(pin) = newest else { return Ok(()) };
        let reference = Reference::Version(pin.artifact.r#ref.clone());
        let mut difference = None;
        for _ in 0..ATTEMPTS {
            let answer = match self.registry.gate(channel, &reference).await {
                Ok(answer) => answer,
                Err(error) => return self.note_refused(channel, "gate", error),
            };
            if !self.catch_up_to_now().await? {
                return Ok(());
            }
            let (wanted, artifact, now) = (channel.clone(), pin.artifact.r#ref.clone(), self.registry.now());
            let reasons = self.facts(move |facts| gate(facts, &wanted, &artifact, now)).await?;
            let follows: BTreeSet<String> = reasons.iter().map(ToString::to_string).collect();
            let shown: BTreeSet<String> = answer.reasons.iter().map(ToString::to_string).collect();
            if answer.allowed == follows.is_empty() && shown == follows {
                self.compared.gates += 1;
                return Ok(());
            }
            difference = Some((shown, follows));
        }
        if let Some((shown, follows)) = difference {
            let show = |reasons: BTreeSet<String>| match reasons.len() {
                0 => "nothing".to_owned(),
                _ => reasons.into_iter().collect::<Vec<_>>().join("; "),
            };
            let (shown, follows, artifact) = (show(shown), show(follows), &pin.artifact.r#ref);
            self.compared.gates += 1;
            let what =
                format!("against {artifact} the registry says {shown}, but what follows is: {follows}");
            self.differs(channel, what);
        }
        Ok(())
    }

    /// Every deny of an artifact must be told with it.
    pub(super) async fn compare_denies(&mut self) -> Result<(), ClientError> {
        let mut after = None;
        loop {
            let denies = self.facts(move |facts| facts.all_denies(after, PAGE)).await?;
            let Some(last) = denies.last() else { return Ok(()) };
            after = Some(last.index);
            for deny in denies.into_iter().filter(|deny| deny.lifted.is_none()) {
                self.compare_deny(deny).await?;
            }
        }
    }

    async fn compare_deny(&mut self, deny: DenyFact) -> Result<(), ClientError> {
        let (name, digests, index) = (deny.name, deny.digests, deny.index);
        let artifact = self.facts(move |facts| facts.artifact_by_digest(&name, &digests)).await?;
        // What is denied by digest alone has no answer of its own.
        let Some(artifact) = artifact.map(|fact| fact.artifact.r#ref) else { return Ok(()) };
        let finding = |kind, what: String| Finding::new(kind, what).at(index);
        match self.registry.artifact(&Reference::Version(artifact.clone())).await {
            Ok(record) => {
                self.compared.denies += 1;
                if !record.denies().iter().any(|(told, _)| *told == index) {
                    let what = format!("the registry does not tell that {artifact} is denied");
                    self.passing.push(finding(FindingKind::Answer, what));
                }
            }
            Err(error) if error.exit() == ExitCode::Integrity => {
                let what =
                    format!("what the registry answers for {artifact} does not hold: {}", chain(&error));
                self.passing.push(finding(FindingKind::Untrue, what));
            }
            Err(error) if matches!(error.exit(), ExitCode::NotFound | ExitCode::Ended) => {
                let what = format!("the registry does not have {artifact}, which is in its log: {error}");
                self.passing.push(finding(FindingKind::Answer, what));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The list of grants must have every one, with what revoked it.
    pub(super) async fn compare_grants(&mut self) -> Result<(), ClientError> {
        let mut difference = None;
        for _ in 0..ATTEMPTS {
            let listed = match self.registry.grants(Tokens::All).await {
                Ok(listed) => listed,
                Err(error) if error.exit() == ExitCode::Integrity => {
                    let what = format!("the list of grants does not hold: {}", chain(&error));
                    self.passing.push(Finding::new(FindingKind::Untrue, what));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let listed: BTreeSet<_> = listed.iter().map(|grant| standing(grant.get())).collect();
            if !self.catch_up_to_now().await? {
                return Ok(());
            }
            let follows = self.all_grants().await?;
            self.compared.grants = follows.len() as u64;
            difference = listed.symmetric_difference(&follows).next().copied();
            if difference.is_none() {
                return Ok(());
            }
        }
        if let Some((index, _)) = difference {
            let what = "the list of grants shows this grant otherwise than the log: left out, or not as revoked as it is";
            self.passing.push(Finding::new(FindingKind::Answer, what).at(index));
        }
        Ok(())
    }

    async fn all_grants(&self) -> Result<BTreeSet<(LeafIndex, Option<LeafIndex>)>, ClientError> {
        let (mut all, mut after) = (BTreeSet::new(), None);
        loop {
            let grants = self.facts(move |facts| facts.all_grants(after, PAGE)).await?;
            let Some(last) = grants.last() else { return Ok(all) };
            after = Some(last.index);
            all.extend(grants.iter().map(standing));
        }
    }

    /// A registry that does not answer about what its log has is as wrong as one that answers something else.
    pub(super) fn note_refused(
        &mut self,
        channel: &ChannelName,
        what: &str,
        error: ClientError,
    ) -> Result<(), ClientError> {
        if !matches!(error.exit(), ExitCode::NotFound | ExitCode::Integrity | ExitCode::NothingQualifies) {
            return Err(error);
        }
        self.differs(channel, format!("the registry gives no {what}: {}", chain(&error)));
        Ok(())
    }
}

fn standing(grant: &GrantFact) -> (LeafIndex, Option<LeafIndex>) {
    (grant.index, grant.revoked)
}
