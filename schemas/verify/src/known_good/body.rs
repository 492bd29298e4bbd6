//! What an answer says, once its state of the log is believed: lines, closure and the way back.

use holdfast_formats::channel_head::{ChannelHead, HeadLine};
use holdfast_formats::manifest::{Manifest, ReleaseBody};
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{Excluded, KnownGood, LineAnswer};

use super::answer::{AnsweredArtifact, AnsweredLine};
use super::deployed::Deployed;
use super::error::AnswerError;
use super::evidence::Proofs;
use super::freshness::Mode;
use super::held::HeldArtifacts;
use super::needs::check_needs;
use super::passed::LineCheck;
use super::plan::{WayBack, plan};
use super::standing::pin_expiry;
use super::verify::Asked;
use crate::schedules::{self, Expected};

/// Everything that the lines are checked against.
pub(super) struct Body<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) proofs: Proofs<'a>,
    pub(super) head: &'a ChannelHead,
    pub(super) held: &'a HeldArtifacts<'a>,
    pub(super) deployed: &'a Deployed,
}

impl Body<'_> {
    /// When the expiry of what is answered is judged: at head time, as the registry did; for a kept answer now.
    pub(super) fn judged_at(&self) -> Timestamp {
        match self.asked.mode {
            Mode::Online => self.head.time,
            Mode::Offline => self.asked.now,
        }
    }

    /// One line of the answer, against the head's word on it.
    pub(super) fn line(&self, line: &LineAnswer, head: &HeadLine) -> Result<AnsweredLine, AnswerError> {
        let current = self.deployed.current(&line.name);
        if self.asked.query.not == Some(Excluded::Current) && current.is_none() {
            return Err(AnswerError::CurrentUnknown { line: line.name.clone() });
        }
        let no_answer = AnswerError::Pin {
            line: line.name.clone(),
            number: head.issued,
            rule: "the channel head says that no pin of the line qualifies",
        };
        let number = head.answered.ok_or(no_answer)?;
        let check = LineCheck {
            proofs: self.proofs,
            held: self.held,
            channel: self.asked.channel,
            name: &line.name,
            query: self.asked.query,
            current,
            head_time: self.head.time,
        };
        let pin = check.pin(number, &line.pin)?;
        check.check_answerable(&pin)?;
        let passed_over = check.passed_over(head.issued, &pin, &line.passed_over)?;
        let expires = pin_expiry(self.proofs.policies, &pin.logged, &pin.what);
        if let Some(expires) = expires.filter(|expires| *expires <= self.judged_at()) {
            return Err(AnswerError::Expired { line: line.name.clone(), number, expires });
        }
        Ok(AnsweredLine {
            name: line.name.clone(),
            issued: head.issued,
            number,
            entry: pin.logged.entry(),
            time: pin.logged.time(),
            reason: pin.what.reason,
            expires,
            signers: self.proofs.signers(pin.logged.index(), &pin.logged.signers()),
            artifact: pin.what.artifact,
            current: current.cloned(),
            passed_over,
        })
    }

    /// Every artifact of every line, per line in reverse deployment order and what was asked for last.
    pub(super) fn closure(&self, lines: &[AnsweredLine]) -> Result<Vec<AnsweredArtifact>, AnswerError> {
        let mut closure = Vec::new();
        for line in lines {
            let (whole, _) = self.held.answerable(&line.artifact)?;
            let mut order: Vec<_> =
                whole.manifest.release().and_then(ReleaseBody::deployment_order).unwrap_or_default();
            order.reverse();
            for component in order {
                let artifacts = whole.components();
                let held = component.held();
                let Some(artifact) =
                    artifacts.into_iter().find(|artifact| Some(&artifact.r#ref) == held.as_ref())
                else {
                    continue;
                };
                closure.push(self.artifact(line, Some(component.name.clone()), &artifact)?);
            }
            closure.push(self.artifact(line, None, &line.artifact)?);
        }
        Ok(closure)
    }

    fn artifact(
        &self,
        line: &AnsweredLine,
        component: Option<Label>,
        artifact: &Artifact,
    ) -> Result<AnsweredArtifact, AnswerError> {
        let (held, scrub) = self.held.answerable(artifact)?;
        let logged = &held.publish.logged;
        Ok(AnsweredArtifact {
            line: line.name.clone(),
            component,
            artifact: artifact.clone(),
            kind: held.manifest.kind(),
            manifest: held.manifest.clone(),
            manifest_bytes: held.manifest_bytes.clone(),
            published: logged.entry(),
            published_at: logged.time(),
            signers: self.proofs.signers(logged.index(), &logged.signers()),
            scrub: scrub.logged.index(),
            scrubbed_at: scrub.logged.time(),
        })
    }

    /// What follows from what the registry says of schedules and objectives, which must be those of policy and releases.
    pub(super) fn schedules(
        &self,
        answer: &KnownGood,
        lines: &[AnsweredLine],
    ) -> Result<Vec<Reason>, AnswerError> {
        let (channel, head) = (self.asked.channel, self.head);
        let in_force = self.proofs.policies.in_force_of(head.size);
        let rule = in_force.and_then(|chained| chained.policy.channel(channel));
        let rule = rule.ok_or_else(|| AnswerError::NoRule { channel: channel.clone() })?;
        let releases = lines.iter().filter_map(|line| self.held.find(&line.artifact)?.manifest.release());
        let releases = releases.filter_map(|release| release.objectives.as_ref()).collect();
        let expected = Expected { channel, rule, size: head.size, time: head.time, releases };
        schedules::check(answer.schedules.as_ref(), &expected).map_err(|rule| AnswerError::Schedules { rule })
    }

    /// The way back, made again: the answer's own must be the same.
    pub(super) fn check_plan(
        &self,
        answer: &KnownGood,
        lines: &[AnsweredLine],
        closure: &[AnsweredArtifact],
    ) -> Result<(), AnswerError> {
        let components = |line: &AnsweredLine| {
            closure
                .iter()
                .filter(|a| a.line == line.name && a.component.is_some())
                .map(|a| &a.artifact)
                .collect()
        };
        let ways: Vec<WayBack<'_>> = lines
            .iter()
            .map(|line| WayBack {
                line: &line.name,
                target: &line.artifact,
                components: components(line),
                undone: self.deployed.undone(&line.name, &line.artifact),
            })
            .collect();
        let manifest_of =
            |artifact: &Artifact| -> Option<&Manifest> { Some(&self.held.find(artifact)?.manifest) };
        if self.asked.query.component.is_none() {
            check_needs(&ways, &manifest_of)?;
        }
        if plan(&ways, &manifest_of)? == answer.plan { Ok(()) } else { Err(AnswerError::OtherPlan) }
    }
}
