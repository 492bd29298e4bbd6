//! Submissions, receipts, proofs and entries.

use super::known_good::ShownGrant;
use crate::envelope::{Base64Bytes, Envelope};
use crate::number::PolicyNumber;
use crate::strict::record;
use crate::tree::{LeafIndex, TreeHash, TreeSize};

record! {
    /// `POST /v1/submissions`: an envelope and the attachments that its statement names. Answered by a [`Receipt`]:
    /// 201 when it is new, 200 when the payload was logged before.
    pub struct Submission {
        /// The signed statement.
        req envelope: Envelope,
        /// Manifest, attested envelope or object list.
        req attachments: Vec<Base64Bytes>,
    }
}

record! {
    /// An entry and its proof of inclusion.
    pub struct Receipt {
        /// Its place in the log.
        req index: LeafIndex,
        /// The leaf, byte for byte.
        req entry: Base64Bytes,
        /// `c2sp.org/tlog-proof@v1`
        req proof: String,
        /// The payload, when it is an attachment.
        opt payload: Base64Bytes,
        /// The grant whose ephemeral key signed it, proven against the checkpoint of `proof`.
        opt grant: ShownGrant,
    }
}

record! {
    /// An entry without proof.
    pub struct LoggedEntry {
        /// Its place in the log.
        req index: LeafIndex,
        /// The leaf, byte for byte.
        req entry: Base64Bytes,
        /// The payload, when it is an attachment.
        opt payload: Base64Bytes,
    }
}

record! {
    /// `GET /v1/log/entries?from=&limit=`
    pub struct EntriesQuery {
        /// The first entry wanted.
        req from: LeafIndex,
        /// How many at most.
        opt limit: u32,
    }
}

record! {
    /// Successive entries.
    pub struct LogEntries {
        /// The tree size they were read from.
        req size: TreeSize,
        /// The entries.
        req entries: Vec<LoggedEntry>,
        /// The grants whose ephemeral keys signed some of them.
        req grants: Vec<LoggedEntry>,
    }
}

record! {
    /// `GET /v1/log/consistency?from=&to=`
    pub struct ConsistencyQuery {
        /// The smaller size.
        req from: TreeSize,
        /// The larger size; the newest when left out.
        opt to: TreeSize,
    }
}

record! {
    /// A consistency proof between two sizes, and the newest checkpoint.
    pub struct Consistency {
        /// The smaller size.
        req from: TreeSize,
        /// The larger size.
        req to: TreeSize,
        /// RFC 6962 proof.
        req hashes: Vec<TreeHash>,
        /// The newest signed checkpoint; of the larger size when that was left out of the question.
        req checkpoint: String,
    }
}

record! {
    /// `GET /v1/policies?after=`
    pub struct PolicyQuery {
        /// Leave out this policy and those before it.
        opt after: PolicyNumber,
    }
}

record! {
    /// The chain of policies, oldest first.
    pub struct PolicyChain {
        /// Receipts of `policy` entries.
        req policies: Vec<Receipt>,
    }
}
