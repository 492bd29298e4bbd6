//! Tokens: which grants there are.

use super::known_good::ShownGrant;
use crate::strict::record;
use crate::tree::LeafIndex;

record! {
    /// `GET /v1/grants?after=&limit=&ended=`
    pub struct GrantQuery {
        /// Only grants after this entry.
        opt after: LeafIndex,
        /// How many at most.
        opt limit: u32,
        /// Whether those that were revoked or have expired are wanted too.
        opt ended: bool,
    }
}

record! {
    /// Grants by their place in the log, all proven against one checkpoint. That none is left out is not proven.
    pub struct GrantList {
        /// The signed checkpoint.
        req checkpoint: String,
        /// This page.
        req grants: Vec<ShownGrant>,
        /// What to give as `after` for the next page.
        opt next: LeafIndex,
    }
}
