//! `rollback`: one schema for a real rollback and for a drill.

use super::deploy::{Step, StepOutcome};
use super::header::Artifact;
use super::predicate::predicate;
use crate::digest::Digests;
use crate::name::{ChannelName, PrincipalId};
use crate::number::{Count, Seconds};
use crate::strict::{record, word};
use crate::text::{Label, Reason, Uri};
use crate::time::Timestamp;
use crate::tree::LeafIndex;

predicate! {
    /// A rollback or a drill: phases, trigger, people, plan, steps, times, checks, outcome.
    pub struct Rollback as RollbackPredicate {
        /// The phases of one rollback share it.
        req rollback_id: Label,
        /// Whether it is a drill.
        req drill: bool,
        /// How far it is.
        req phase: RollbackPhase,
        /// Where.
        req channel: ChannelName,
        /// What is left.
        req from: Artifact,
        /// Where it goes back to.
        opt to: RollbackTarget,
        /// The plan that is followed.
        opt plan_digest: Digests,
        /// What set it off.
        req trigger: Trigger,
        /// The calendar window it happened in.
        opt calendar_window: Label,
        /// Who answers for it.
        req owner: Label,
        /// Who leads it.
        opt lead: Label,
        /// Who approved.
        opt approvals: Vec<PrincipalId>,
        /// What is part of it.
        opt scope: RollbackScope,
        /// Irreversible steps that were accepted knowingly.
        opt irreversible_accepted: Vec<Label>,
        /// The state saved before it began.
        opt safety_snapshot: Artifact,
        /// What was done.
        opt steps: Vec<Step>,
        /// When what happened.
        req times: RollbackTimes,
        /// How long users were without service.
        opt downtime_s: Seconds,
        /// What was reached of the objectives.
        opt achieved: Achieved,
        /// How many inconsistencies were found afterwards.
        opt inconsistencies: Count,
        /// How it was checked.
        opt checks: Vec<Check>,
        /// Why.
        req reason: Reason,
        /// The kind of cause.
        opt cause: RollbackCause,
        /// Whether harm was avoided by luck.
        opt near_miss: bool,
        /// What is done about it.
        opt actions: Vec<FollowUp>,
    }
}

word! {
    /// How far a rollback is.
    pub enum RollbackPhase {
        /// Something was noticed.
        Detected = "detected",
        /// Going back was decided.
        Decided = "decided",
        /// Under way.
        Started = "started",
        /// Done and verified.
        Succeeded = "succeeded",
        /// Did not work.
        Failed = "failed",
        /// Given up before it changed anything.
        Aborted = "aborted",
    }
}

record! {
    /// Where a rollback goes.
    pub struct RollbackTarget {
        /// The pin it goes by.
        req pin: LeafIndex,
        /// The digests of the artifact.
        req digests: Digests,
    }
}

record! {
    /// What set a rollback off.
    pub struct Trigger {
        /// The signal.
        req signal: Label,
        /// Where it came from.
        req source: Label,
        /// The threshold.
        opt threshold: Label,
        /// What was observed.
        opt observed: Label,
        /// The rule that fired.
        opt rule: Label,
    }
}

record! {
    /// What is part of a rollback.
    pub struct RollbackScope {
        /// Components that go back.
        req r#in: Vec<Label>,
        /// Components that stay.
        req out: Vec<Label>,
        /// What must survive.
        req preserve: Vec<Label>,
    }
}

record! {
    /// When what happened.
    pub struct RollbackTimes {
        /// Noticed.
        opt detected: Timestamp,
        /// Decided.
        opt decided: Timestamp,
        /// Begun.
        opt started: Timestamp,
        /// Service back.
        opt restored: Timestamp,
        /// Checked.
        opt verified: Timestamp,
        /// Closed.
        opt ended: Timestamp,
    }
}

record! {
    /// What was reached of the objectives.
    pub struct Achieved {
        /// Data lost, in seconds.
        req rpo_s: Seconds,
        /// Time to recover.
        req rto_s: Seconds,
    }
}

record! {
    /// One check after a rollback.
    pub struct Check {
        /// What was looked at.
        req layer: CheckLayer,
        /// After which stage.
        req stage: u32,
        /// How.
        req kind: CheckKind,
        /// What came out.
        req outcome: StepOutcome,
        /// Where to see it.
        opt evidence: Uri,
    }
}

word! {
    /// What a check looks at.
    pub enum CheckLayer {
        /// The interface.
        Api = "api",
        /// The process.
        Service = "service",
        /// Queues.
        Queue = "queue",
        /// Storage.
        Storage = "storage",
        /// The data itself.
        Data = "data",
        /// Security.
        Security = "security",
        /// Somebody else's systems.
        External = "external",
    }
}

word! {
    /// How a check is made.
    pub enum CheckKind {
        /// With made-up requests.
        Synthetic = "synthetic",
        /// With real ones.
        Real = "real",
        /// By a person.
        Manual = "manual",
    }
}

word! {
    /// The kind of cause.
    pub enum RollbackCause {
        /// The design was wrong.
        Design = "design",
        /// Automation did it.
        Automation = "automation",
        /// Data was not protected.
        DataProtection = "data_protection",
        /// Configuration.
        Config = "config",
        /// Something it depends on.
        Dependency = "dependency",
        /// A person.
        Human = "human",
        /// Not known yet.
        Unknown = "unknown",
    }
}

record! {
    /// What is done about it.
    pub struct FollowUp {
        /// What.
        req what: Reason,
        /// By whom.
        req owner: Label,
        /// By when.
        opt due: Timestamp,
    }
}
