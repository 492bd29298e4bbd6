//! Witnesses: whether enough of those that a client trusts saw the log that it is shown, and how much of it.
//!
//! A witness keeps one state for each log and cosigns only what extends it. So a log that shows one history to one client
//! and another history to another one finds no quorum for both, as long as fewer witnesses than that lie. What a quorum
//! vouches for is the *cosigned* tree and nothing after it: entries behind its end may still differ from client to client.
//! Therefore whatever an answer rests on must lie inside the cosigned tree, and the caller says how far that must reach.
//! That a larger state is consistent with the cosigned one says only that it did not change what was cosigned.
//!
//! Each witness may have cosigned another size. All of them must lie on one tree with the state shown; then the tree that
//! a quorum vouches for is the largest one that as many witnesses cosigned or went beyond.

use std::collections::BTreeMap;
use std::fmt;

use holdfast_formats::checkpoint::{Checkpoint, CheckpointError};
use holdfast_formats::key::PublicKey;
use holdfast_formats::note::{KeyName, Note, NoteError, NoteKey, NoteSigner, SignatureType};
use holdfast_formats::number::Seconds;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::trust::TrustedWitnesses;
use holdfast_formats::wire::v1::{Cosigned, ExitCode};

use crate::consistency::{ConsistencyError, verify_consistency};
use crate::policy_chain::PolicyChain;
use crate::receipt::{ReceiptError, verify_checkpoint};

/// The most witnesses that a client trusts, and the most cosigned checkpoints that one answer brings.
pub const WITNESSES_MAX: usize = 32;

/// Why a set of witnesses cannot be demanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// A quorum that nobody or not everybody could meet.
    #[error("a quorum of {quorum} of {keys} witnesses cannot be: choose from 1 to {keys}")]
    Size {
        /// How many must cosign.
        quorum: u16,
        /// How many witnesses there are.
        keys: usize,
    },
    /// More than [`WITNESSES_MAX`].
    #[error("at most {WITNESSES_MAX} witnesses can be trusted")]
    TooMany,
    /// A key that signs in another way than witnesses do.
    #[error("the key {name} is none of a witness: it must be of type 0x04 (timestamped cosignature)")]
    NotAWitness {
        /// Its name.
        name: KeyName,
    },
    /// One key twice counts once, whatever its names are.
    #[error("the witness {name} has the same key as another one; one key counts once")]
    Twice {
        /// Its name.
        name: KeyName,
    },
}

/// Witnesses, and how many of them must vouch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    keys: Vec<NoteKey>,
    need: usize,
}

impl Quorum {
    /// The quorum that a trust.json asks for.
    pub fn new(trusted: &TrustedWitnesses) -> Result<Self, QuorumError> {
        let keys = &trusted.keys;
        if keys.len() > WITNESSES_MAX {
            return Err(QuorumError::TooMany);
        }
        let need = usize::from(trusted.quorum);
        if need == 0 || need > keys.len() {
            return Err(QuorumError::Size { quorum: trusted.quorum, keys: keys.len() });
        }
        for (at, key) in keys.iter().enumerate() {
            if key.kind() != SignatureType::Cosignature {
                return Err(QuorumError::NotAWitness { name: key.name().clone() });
            }
            if keys.iter().skip(at + 1).any(|other| other.key() == key.key()) {
                return Err(QuorumError::Twice { name: key.name().clone() });
            }
        }
        Ok(Self { keys: keys.clone(), need })
    }

    /// How many must vouch.
    pub const fn need(&self) -> usize {
        self.need
    }

    /// The witnesses.
    pub fn keys(&self) -> &[NoteKey] {
        &self.keys
    }
}

/// What a quorum must have done.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// So many entries must lie inside the cosigned tree: all that the answer rests on.
    pub covers: TreeSize,
    /// The time that cosignatures must be of.
    pub at: Timestamp,
    /// How far from it they may be.
    pub max_age: Seconds,
}

/// What a quorum of witnesses vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The first so many entries of the state shown.
    pub size: TreeSize,
    /// The oldest cosignature that counts.
    pub time: Timestamp,
    /// Who vouches.
    pub by: Vec<KeyName>,
}

/// Why a witness does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing that it cosigned is shown.
    Silent,
    /// Its cosignature is too old.
    Old(Timestamp),
    /// Its cosignature is from the future.
    Ahead(Timestamp),
    /// It cosigned a smaller tree than what must be covered.
    Behind(TreeSize),
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("has cosigned nothing that is shown"),
            Self::Old(time) => write!(f, "cosigned last at {time}, which is too long ago"),
            Self::Ahead(time) => write!(f, "cosigned at {time}, which is in the future"),
            Self::Behind(size) => write!(f, "has cosigned {size} entries only"),
        }
    }
}

/// Why what is shown does not count as witnessed.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Too few vouch, or not for enough.
    #[error(
        "{have} of the {need} witnesses that trust.json asks for vouch for the first {covers} entries: {}",
        absent.iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join(", ")
    )]
    Quorum {
        /// How many do.
        have: usize,
        /// How many must.
        need: usize,
        /// What they must vouch for.
        covers: TreeSize,
        /// Who does not, and why.
        absent: Vec<(KeyName, Absence)>,
    },
    /// The log's own signature on what was cosigned.
    #[error("a cosigned checkpoint in the answer is not signed by the log")]
    Checkpoint(#[from] CheckpointError),
    /// A line that claims to be a trusted witness's is false.
    #[error("a cosignature is false")]
    Cosignature(#[source] NoteError),
    /// The log signed two states that are not shown to be one growing tree.
    #[error("the cosigned checkpoint and the one shown are not of one log")]
    Inconsistent {
        /// The cosigned checkpoint.
        cosigned: Box<Cosigned>,
        /// What is wrong.
        source: ConsistencyError,
    },
    /// More than any registry sends.
    #[error("the answer brings {0} cosigned checkpoints; at most {WITNESSES_MAX} are read")]
    TooMany(usize),
}

impl WitnessError {
    /// What a process exits with.
    pub const fn exit(&self) -> ExitCode {
        match self {
            Self::Quorum { .. } => ExitCode::Unreachable,
            Self::Checkpoint(_) | Self::Cosignature(_) | Self::Inconsistent { .. } | Self::TooMany(_) => {
                ExitCode::Integrity
            }
        }
    }
}

/// Checks that a quorum vouches for the beginning of the state shown, as far and as fresh as demanded.
///
/// `shown` must be verified already. Every cosigned checkpoint must be the log's and lie on one tree with it, whoever
/// cosigned it; checkpoints from before the known policies are passed over, because nobody can tell whose they are.
pub fn verify_witnessed(
    cosigned: &[Cosigned],
    shown: &Checkpoint,
    policies: &PolicyChain,
    quorum: &Quorum,
    demand: Demand,
) -> Result<Witnessed, WitnessError> {
    if cosigned.len() > WITNESSES_MAX {
        return Err(WitnessError::TooMany(cosigned.len()));
    }
    let mut best: BTreeMap<&PublicKey, (TreeSize, Timestamp)> = BTreeMap::new();
    let mut untimely: BTreeMap<&PublicKey, Absence> = BTreeMap::new();
    for one in cosigned {
        let Some((size, signers)) = read(one, shown, policies, quorum)? else { continue };
        for signer in &signers {
            let Some(key) = quorum.keys.iter().find(|key| *key == signer.key()).map(NoteKey::key) else {
                continue;
            };
            let time = Timestamp::from_ms(signer.cosigned_at_s().unwrap_or(0).saturating_mul(1000));
            if let Some(absence) = untimeliness(time, demand) {
                untimely.insert(key, absence);
            } else {
                let held = best.entry(key).or_insert((size, time));
                *held = (*held).max((size, time));
            }
        }
    }
    count(quorum, demand, &best, &untimely)
}

/// What a cosigned checkpoint covers of the state shown, and which trusted witnesses cosigned it.
fn read(
    cosigned: &Cosigned,
    shown: &Checkpoint,
    policies: &PolicyChain,
    quorum: &Quorum,
) -> Result<Option<(TreeSize, Vec<NoteSigner>)>, WitnessError> {
    let checkpoint = match verify_checkpoint(&cosigned.checkpoint, policies) {
        Ok(checkpoint) => checkpoint,
        Err(ReceiptError::Checkpoint(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    check_one_log(&checkpoint, shown, &cosigned.hashes)
        .map_err(|source| WitnessError::Inconsistent { cosigned: Box::new(cosigned.clone()), source })?;
    let note = Note::parse(cosigned.checkpoint.as_bytes()).map_err(WitnessError::Cosignature)?;
    match note.verify(&quorum.keys) {
        Ok(verified) => Ok(Some((checkpoint.size().min(shown.size()), verified.signers().to_vec()))),
        // The registry may have other witnesses than this client.
        Err(NoteError::NoKnownSigner { .. }) => Ok(None),
        Err(error) => Err(WitnessError::Cosignature(error)),
    }
}

fn check_one_log(a: &Checkpoint, b: &Checkpoint, hashes: &[TreeHash]) -> Result<(), ConsistencyError> {
    let (old, new) = if a.size() <= b.size() { (a, b) } else { (b, a) };
    verify_consistency(old.size(), new.size(), &old.root(), &new.root(), hashes)
}

fn untimeliness(time: Timestamp, demand: Demand) -> Option<Absence> {
    if demand.at.ms_since(time) > demand.max_age.as_ms() {
        Some(Absence::Old(time))
    } else if time.ms_since(demand.at) > demand.max_age.as_ms() {
        Some(Absence::Ahead(time))
    } else {
        None
    }
}

fn count(
    quorum: &Quorum,
    demand: Demand,
    best: &BTreeMap<&PublicKey, (TreeSize, Timestamp)>,
    untimely: &BTreeMap<&PublicKey, Absence>,
) -> Result<Witnessed, WitnessError> {
    let mut vouching = Vec::new();
    let mut absent = Vec::new();
    for key in &quorum.keys {
        match (best.get(key.key()), untimely.get(key.key())) {
            (Some((size, time)), _) if *size >= demand.covers => vouching.push((*size, *time, key.name())),
            (Some((size, _)), _) => absent.push((key.name().clone(), Absence::Behind(*size))),
            (None, Some(absence)) => absent.push((key.name().clone(), *absence)),
            (None, None) => absent.push((key.name().clone(), Absence::Silent)),
        }
    }
    vouching.sort_by(|a, b| b.cmp(a));
    let counted = vouching.get(..quorum.need).unwrap_or(&[]);
    let oldest = counted.iter().map(|(_, time, _)| *time).min();
    if let (Some((size, _, _)), Some(time)) = (counted.last(), oldest) {
        let by = counted.iter().map(|(_, _, name)| (*name).clone()).collect();
        return Ok(Witnessed { size: *size, time, by });
    }
    let (have, need, covers) = (vouching.len(), quorum.need, demand.covers);
    Err(WitnessError::Quorum { have, need, covers, absent })
}
