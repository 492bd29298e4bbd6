//! The registry itself: who it is and how it does.

use super::operation::ScrubStatus;
use super::sweep::LastSweep;
use super::witness::WitnessStatus;
use crate::key::PublicKey;
use crate::number::{ByteSize, Count, PolicyNumber, Seconds};
use crate::origin::Origin;
use crate::strict::record;
use crate::time::Timestamp;
use crate::tree::TreeSize;

record! {
    /// `GET /v1/registry`: what everybody may know. Nothing in it is trusted by a client that has a `trust.json`.
    pub struct RegistryInfo {
        /// The log's name.
        req origin: Origin,
        /// The program's version.
        req version: String,
        /// Keys that sign checkpoints.
        req log_keys: Vec<PublicKey>,
        /// Keys that sign channel heads.
        req head_keys: Vec<PublicKey>,
        /// Keys of the registry's own statements.
        req registry_keys: Vec<PublicKey>,
        /// The policy in force; left out while the registry waits for its first.
        opt policy: PolicyNumber,
    }
}

record! {
    /// `GET /v1/status`
    pub struct Status {
        /// The log's name.
        req origin: Origin,
        /// The program's version.
        req version: String,
        /// The size of the log.
        req size: TreeSize,
        /// When its newest entry was logged.
        opt newest_entry: Timestamp,
        /// The registry's clock.
        req now: Timestamp,
        /// How long this process runs.
        req uptime_s: Seconds,
        /// Whether writes are taken.
        req writable: bool,
        /// Why not.
        opt halted: String,
        /// The policy in force.
        opt policy: PolicyNumber,
        /// How many artifacts there are; this and what follows only for auditors, as it counts all namespaces.
        opt artifacts: Count,
        /// The bytes of their files.
        opt artifact_bytes: ByteSize,
        /// How many channels have a pin.
        opt channels: Count,
        /// How the last sweep of this node ended.
        opt last_sweep: LastSweep,
        /// How reading back what is stored does.
        opt scrub: ScrubStatus,
        /// The witnesses that are asked to cosign, in the order of the settings.
        req witnesses: Vec<WitnessStatus>,
    }
}
