//! Version 1 of what HTTP carries. One file a resource; every record is strict.

mod artifact;
mod blob;
mod channel;
mod grant;
mod known_good;
mod log;
mod operation;
mod problem;
mod registry;
mod retention;
mod schedule;
mod sweep;
mod witness;

pub use artifact::{ArtifactList, ArtifactSummary, ArtifactView, ListQuery};
pub use blob::{BlobQuery, BlobStored, ChunksQuery, ChunksStored, MissingAnswer, MissingQuery};
pub use channel::{Gate, GateQuery, History, HistoryQuery};
pub use grant::{GrantList, GrantQuery, OidcExchange};
pub use known_good::{
    ConsistencyProof, Excluded, HeldArtifact, KnownGood, KnownGoodQuery, LineAnswer, PassReason, PassedOver,
    PlanStep, ProvenEntry, ShownGrant,
};
pub use log::{
    Consistency, ConsistencyQuery, EntriesQuery, LogEntries, LoggedEntry, PolicyChain, PolicyQuery, Receipt,
    Submission,
};
pub use operation::{ScrubOrder, ScrubRequest, ScrubRun, ScrubStatus};
pub use problem::{ExitCode, MissingChunk, Problem, ProblemCode};
pub use registry::{RegistryInfo, Status};
pub use retention::{Ended, EndedBy, KeptReason, KeptWhy, RetentionView};
pub use schedule::{
    ChannelSchedules, DueState, DueView, ObjectiveKind, ObjectiveState, ObjectiveView, ScheduleList,
    ScheduleQuery,
};
pub use sweep::{LastSweep, SweepOrder, SweepReport, SweepRequest, SweepRun, SweepStatus, SweptArtifact};
pub use witness::{Cosigned, CosignedCheckpoints, CosignedQuery, WitnessStatus};
