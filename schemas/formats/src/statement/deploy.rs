//! `deploy`: this artifact went to this channel.

use super::header::Artifact;
use super::predicate::predicate;
use crate::digest::NamedDigest;
use crate::name::ChannelName;
use crate::strict::{record, word};
use crate::text::Label;
use crate::time::Timestamp;
use crate::tree::LeafIndex;

predicate! {
    /// This artifact went to this channel: phase, direction, steps, what was seen running.
    pub struct Deploy as DeployPredicate {
        /// Where to.
        req channel: ChannelName,
        /// The deployer's own id; the phases of one deployment share it.
        req deploy_id: Label,
        /// Which attempt, from 1.
        req attempt: u32,
        /// How far it is.
        req phase: DeployPhase,
        /// Forward, or back.
        req direction: Direction,
        /// What is deployed.
        req artifact: Artifact,
        /// What ran before.
        opt replaces: Artifact,
        /// The pin it goes by, as a rollback does.
        opt pin: LeafIndex,
        /// Blue or green, a cell, a region.
        opt slot: Label,
        /// The share of traffic.
        opt cohort: Cohort,
        /// What was done.
        opt steps: Vec<Step>,
        /// What was seen running afterwards.
        opt observed: Vec<Observed>,
        /// When it began.
        req started: Timestamp,
        /// When it ended; only after `started`.
        opt ended: Timestamp,
    }
}

word! {
    /// How far a deployment is.
    pub enum DeployPhase {
        /// Under way.
        Started = "started",
        /// Done.
        Succeeded = "succeeded",
        /// Given up.
        Failed = "failed",
    }
}

word! {
    /// Which way a deployment goes.
    pub enum Direction {
        /// To something new.
        Forward = "forward",
        /// Back to something known.
        Rollback = "rollback",
    }
}

record! {
    /// A share of traffic.
    pub struct Cohort {
        /// Its name.
        req name: Label,
        /// Its share in basis points, 10,000 being all.
        req weight_bp: u16,
    }
}

record! {
    /// One step of a deployment or rollback.
    pub struct Step {
        /// Its place, from 1.
        req seq: u32,
        /// The component.
        req component: Label,
        /// The component's stage.
        req stage: u32,
        /// The operation's idempotency key.
        req op_key: Label,
        /// When it began.
        req started: Timestamp,
        /// When it ended.
        req ended: Timestamp,
        /// How it went.
        req outcome: StepOutcome,
        /// The state afterwards, by digest.
        opt state_digest: NamedDigest,
    }
}

word! {
    /// How one step went.
    pub enum StepOutcome {
        /// Done.
        Ok = "ok",
        /// Not done.
        Failed = "failed",
        /// Left out on purpose.
        Skipped = "skipped",
    }
}

record! {
    /// What was seen running.
    pub struct Observed {
        /// The component.
        req component: Label,
        /// What it reported.
        req digest: NamedDigest,
    }
}
