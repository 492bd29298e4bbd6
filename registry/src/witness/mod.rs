//! Witnesses: asks each configured one to cosign what the log published (C2SP tlog-witness, `add-checkpoint`).
//!
//! One task a witness, behind the publisher and never in the path of an acknowledgement: whether a witness is slow, down or
//! lying, nobody else notices. What it answers is verified against its key before the log keeps it. This module never
//! decides what a client demands of witnesses, and it believes a witness nothing but its signature: a size that it names
//! only says from where to prove. Specification: <https://c2sp.org/tlog-witness>.

mod answer;
mod ask;
mod error;
mod state;
mod task;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config::WitnessConfig;
use crate::log::Log;
use crate::telemetry::Metrics;

pub use state::Witnesses;

/// The tasks that ask; they end when this is dropped.
#[derive(Debug)]
pub struct WitnessTasks(#[expect(dead_code, reason = "held so that dropping it ends the tasks")] JoinSet<()>);

/// Starts to ask these witnesses for cosignatures on the log.
pub fn start(configured: Vec<WitnessConfig>, log: &Log, metrics: &Arc<Metrics>) -> (Witnesses, WitnessTasks) {
    let witnesses = Witnesses::new(configured, log.cosignatures().clone());
    let mut tasks = JoinSet::new();
    for witness in witnesses.iter() {
        tasks.spawn(task::supervise(Arc::clone(witness), log, metrics));
    }
    (witnesses, WitnessTasks(tasks))
}
