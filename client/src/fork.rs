//! Checking a file of fork evidence without any network: for whoever was handed one.

use std::path::Path;

use holdfast_formats::fork::{FORK_BYTES_MAX, ForkEvidence};
use holdfast_formats::key::PublicKey;
use holdfast_formats::trust::Trust;
use holdfast_verify::fork::{ForkVerdict, judge_fork};

use crate::atomic_file;
use crate::error::{ClientError, FileAction};

/// Where such a file says what it is.
const BEGINNING_BYTES: u64 = 256;

/// What a file of evidence shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFork {
    /// What stands in it.
    pub evidence: ForkEvidence,
    /// What it proves.
    pub verdict: ForkVerdict,
    /// Whether the log's keys are those of the file itself: then it proves only that whoever has these keys lied.
    pub trusted_by_itself: bool,
}

/// Whether a file begins like fork evidence.
pub fn is_fork_evidence(file: &Path) -> bool {
    use std::io::Read as _;
    let mut beginning = Vec::new();
    let read = std::fs::File::open(file).and_then(|f| f.take(BEGINNING_BYTES).read_to_end(&mut beginning));
    read.is_ok() && String::from_utf8_lossy(&beginning).contains("\"holdfast/fork-evidence/")
}

/// Checks the evidence by the keys given, else by those of `trust` when it is about the same log, else by its own. Blocks.
pub fn verify(
    file: &Path,
    log_keys: &[PublicKey],
    trust: Option<&Trust>,
) -> Result<VerifiedFork, ClientError> {
    let bytes = atomic_file::read(file, FORK_BYTES_MAX as u64)?;
    let missing = || ClientError::file(FileAction::Read, file, std::io::ErrorKind::NotFound.into());
    let no_fork = |source| ClientError::NoFork { path: file.to_owned(), source };
    let evidence = ForkEvidence::parse(&bytes.ok_or_else(missing)?).map_err(|e| no_fork(e.into()))?;
    let trusted =
        trust.filter(|trust| trust.origin == evidence.origin).map(|trust| trust.log_keys.as_slice());
    let given = Some(log_keys).filter(|keys| !keys.is_empty()).or(trusted);
    let verdict =
        judge_fork(&evidence, given.unwrap_or(&evidence.log_keys)).map_err(|e| no_fork(e.into()))?;
    let trusted_by_itself = given.is_none();
    Ok(VerifiedFork { evidence, verdict, trusted_by_itself })
}
