//! Faults and attacks, each under its number: what was acknowledged stays, and nothing wrong is ever believed.

#[path = "faults/bombs.rs"]
mod bombs;
#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/corruption.rs"]
mod corruption;
#[path = "faults/crash.rs"]
mod crash;
#[path = "faults/disks.rs"]
mod disks;
#[path = "faults/forks.rs"]
mod forks;
#[path = "faults/front.rs"]
mod front;
#[path = "faults/generations.rs"]
mod generations;
#[path = "faults/json.rs"]
mod json;
#[path = "faults/lenient.rs"]
mod lenient;
#[path = "faults/refused.rs"]
mod refused;
#[path = "faults/replays.rs"]
mod replays;
#[path = "faults/reserve.rs"]
mod reserve;
#[path = "faults/scrubs.rs"]
mod scrubs;
#[path = "faults/snapshots.rs"]
mod snapshots;
#[path = "faults/sweeps.rs"]
mod sweeps;
#[path = "faults/unknown_outcomes.rs"]
mod unknown_outcomes;
#[path = "faults/witnesses.rs"]
mod witnesses;
#[path = "faults/writers.rs"]
mod writers;
