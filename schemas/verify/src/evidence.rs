//! Single entries as evidence, whatever they are evidence for: why one shows nothing, and that it stands where it claims to.

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::statement::StatementType;
use holdfast_formats::wire::v1::ProvenEntry;

use crate::entitlement::EntitlementError;
use crate::inclusion::{InclusionError, verify_inclusion};
use crate::logged::{LoggedError, LoggedStatement};

/// Why one entry shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The entry itself.
    #[error(transparent)]
    Logged(#[from] LoggedError),
    /// Its place in the log.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
    /// Who signed it.
    #[error(transparent)]
    Entitlement(#[from] EntitlementError),
    /// It says something else than it was sent for.
    #[error("it is a {found} statement where a {wanted} is wanted")]
    OtherType {
        /// What it was sent as.
        wanted: StatementType,
        /// What it is.
        found: StatementType,
    },
    /// A grant that is no use as one.
    #[error("it is shown as the grant of a key, but {0}")]
    Grant(&'static str),
}

/// Reads an entry and proves that it stands where it claims to, under a checkpoint.
pub(crate) fn read_placed(
    checkpoint: &Checkpoint,
    entry: &ProvenEntry,
) -> Result<LoggedStatement, EvidenceError> {
    let logged = LoggedStatement::of_proven(entry)?;
    check_place(checkpoint, &logged, entry)?;
    Ok(logged)
}

/// Proves that an entry stands where it claims to, under a checkpoint.
pub(crate) fn check_place(
    checkpoint: &Checkpoint,
    logged: &LoggedStatement,
    entry: &ProvenEntry,
) -> Result<(), EvidenceError> {
    Ok(verify_inclusion(&logged.leaf(), entry.index, checkpoint.size(), &entry.proof, &checkpoint.root())?)
}
