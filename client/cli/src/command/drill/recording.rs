//! What is logged of a drill: its steps as they are measured, and what they came to.

use holdfast_client::Registry;
use holdfast_formats::name::ChannelName;
use holdfast_formats::number::Seconds;
use holdfast_formats::statement::{
    Achieved, Check, CheckKind, CheckLayer, Rollback, RollbackPhase, RollbackTarget, RollbackTimes, Step,
    StepOutcome, Trigger,
};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_verify::known_good::AnsweredLine;

use super::stages::Place;
use crate::command::rollback::{fresh_id, owner_of_key};

/// A drill as far as it is.
pub(super) struct Recording {
    id: Label,
    channel: ChannelName,
    begun: Timestamp,
    steps: Vec<Step>,
    restored: Option<Timestamp>,
    checks: Vec<Check>,
    /// From when the oldest data are.
    data_from: Option<Timestamp>,
}

impl Recording {
    /// A drill whose lookup is done.
    pub(super) fn begin(
        begun: Timestamp,
        looked_up: Timestamp,
        channel: &ChannelName,
    ) -> anyhow::Result<Self> {
        let mut recording = Self {
            id: fresh_id(channel)?,
            channel: channel.clone(),
            begun,
            steps: Vec::new(),
            restored: None,
            checks: Vec::new(),
            data_from: None,
        };
        recording.push("lookup", channel.as_str().parse()?, 0, (begun, looked_up), StepOutcome::Ok)?;
        Ok(recording)
    }

    /// The drill's id.
    pub(super) const fn id(&self) -> &Label {
        &self.id
    }

    /// The statement that it has begun: away from what is deployed, to what is known-good.
    pub(super) async fn started(
        &self,
        registry: &Registry,
        line: &AnsweredLine,
        reason: Reason,
    ) -> anyhow::Result<Rollback> {
        let to = RollbackTarget { pin: line.entry.index, digests: line.artifact.digests };
        Ok(Rollback {
            rollback_id: self.id.clone(),
            drill: true,
            phase: RollbackPhase::Started,
            channel: self.channel.clone(),
            from: line.current.clone().unwrap_or_else(|| line.artifact.clone()),
            to: Some(to),
            plan_digest: None,
            trigger: Trigger {
                signal: "a drill".parse()?,
                source: "holdfast drill".parse()?,
                threshold: None,
                observed: None,
                rule: None,
            },
            calendar_window: None,
            owner: owner_of_key(registry).await?,
            lead: None,
            approvals: None,
            scope: None,
            irreversible_accepted: None,
            safety_snapshot: None,
            steps: Some(self.steps.clone()),
            times: RollbackTimes {
                detected: None,
                decided: None,
                started: Some(self.begun),
                restored: None,
                verified: None,
                ended: None,
            },
            downtime_s: None,
            achieved: None,
            inconsistencies: None,
            checks: None,
            reason,
            cause: None,
            near_miss: None,
            actions: None,
        })
    }

    /// One measured step of a component.
    pub(super) fn step(
        &mut self,
        what: &str,
        place: &Place<'_>,
        started: Timestamp,
        ended: Timestamp,
        outcome: StepOutcome,
    ) -> anyhow::Result<()> {
        self.push(what, place.name.clone(), place.stage, (started, ended), outcome)
    }

    fn push(
        &mut self,
        what: &str,
        component: Label,
        stage: u32,
        (started, ended): (Timestamp, Timestamp),
        outcome: StepOutcome,
    ) -> anyhow::Result<()> {
        let seq = u32::try_from(self.steps.len() + 1)?;
        let op_key = what.parse()?;
        // A clock that was set back in between must not make a step end before it began.
        let ended = ended.max(started);
        self.steps.push(Step { seq, component, stage, op_key, started, ended, outcome, state_digest: None });
        Ok(())
    }

    /// Takes note of the data of a snapshot: what was written since would be lost.
    pub(super) fn has_data(&mut self, from: Option<Timestamp>) {
        self.data_from = match (self.data_from, from) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Everything is back.
    pub(super) const fn restored(&mut self, at: Timestamp) {
        self.restored = Some(at);
    }

    /// The command has ended.
    pub(super) fn checked(&mut self, started: Timestamp, ended: Timestamp, ok: bool) -> anyhow::Result<()> {
        let outcome = if ok { StepOutcome::Ok } else { StepOutcome::Failed };
        self.push("check", self.channel.as_str().parse()?, 0, (started, ended), outcome)?;
        let (layer, kind) = (CheckLayer::Service, CheckKind::Synthetic);
        self.checks.push(Check { layer, stage: 0, kind, outcome, evidence: None });
        Ok(())
    }

    /// The statement of how it ended.
    pub(super) fn ended(&self, started: Rollback, ok: bool, now: Timestamp) -> anyhow::Result<Rollback> {
        let between = |from: Timestamp, to: Timestamp| Seconds::new(to.ms_since(from).div_ceil(1000));
        // Without a snapshot there is no data that could be lost.
        let rpo_s = self.data_from.map_or(Seconds::new(0), |from| between(from, self.begun))?;
        Ok(Rollback {
            phase: if ok { RollbackPhase::Succeeded } else { RollbackPhase::Failed },
            steps: Some(self.steps.clone()),
            times: RollbackTimes {
                restored: self.restored,
                verified: ok.then_some(now),
                ended: Some(now),
                ..started.times.clone()
            },
            achieved: if ok { Some(Achieved { rpo_s, rto_s: between(self.begun, now)? }) } else { None },
            checks: (!self.checks.is_empty()).then(|| self.checks.clone()),
            ..started
        })
    }
}
