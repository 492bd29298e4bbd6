//! What witnesses cosigned, and what shows that it is of the log that is shown.

use crate::note::KeyName;
use crate::number::Count;
use crate::strict::record;
use crate::text::Uri;
use crate::time::Timestamp;
use crate::tree::{TreeHash, TreeSize};

record! {
    /// A checkpoint that one or more witnesses cosigned.
    pub struct Cosigned {
        /// The log's signed checkpoint, with a line of each witness below the log's own.
        req checkpoint: String,
        /// RFC 6962 consistency proof between its size and the size that is shown, from the smaller to the larger.
        req hashes: Vec<TreeHash>,
    }
}

record! {
    /// `GET /v1/log/cosigned?size=`
    pub struct CosignedQuery {
        /// The size that the proofs lead from or to.
        req size: TreeSize,
    }
}

record! {
    /// The newest that each of the registry's witnesses cosigned, the largest tree first.
    pub struct CosignedCheckpoints {
        /// The size that the proofs lead from or to.
        req size: TreeSize,
        /// One for each size.
        req cosigned: Vec<Cosigned>,
    }
}

record! {
    /// How the registry does with one of its witnesses. Unproven: for people to look at.
    pub struct WitnessStatus {
        /// The witness.
        req name: KeyName,
        /// Where the registry asks it.
        req url: Uri,
        /// The largest tree that it cosigned.
        opt size: TreeSize,
        /// When it did, by its own clock.
        opt cosigned: Timestamp,
        /// How often it failed since it last answered as it should.
        req failures: Count,
        /// How it failed last; left out when it answers as it should.
        opt error: String,
        /// Set when it knows another log under this name than the one it was shown.
        req conflict: bool,
    }
}
