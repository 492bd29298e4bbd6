//! Entries with their audit paths: from memory where all of it is there, else in one go on a thread that may block.

use std::sync::Arc;

use holdfast_formats::tree::{LeafIndex, TreeHash};

use super::{Failure, Service};
use crate::index::View;
use crate::log::{Found, Head, Leaf};

impl Service {
    /// An entry, and its audit path in the tree of a head that has it.
    pub(super) async fn proven(
        &self,
        head: &Arc<Head>,
        index: LeafIndex,
    ) -> Result<(Leaf, Vec<TreeHash>), Failure> {
        let (entries, prover) = (self.log().entries(), self.log().prover());
        let bytes = entries.at_hand(index);
        let path = prover.inclusion_at_hand(head, index, head.size())?;
        let (found, path) = match (bytes, path) {
            (Some(bytes), Some(path)) => (Found::Bytes(bytes), path),
            (bytes, path) => {
                let (entries, prover, head) = (entries.clone(), prover.clone(), Arc::clone(head));
                let look_up = move |view: &View<'_>| {
                    let found =
                        bytes.map_or_else(|| entries.find(view, index), |bytes| Ok(Found::Bytes(bytes)));
                    let path = path.map_or_else(|| prover.inclusion(view, &head, index, head.size()), Ok);
                    Ok::<_, Failure>((found?, path?))
                };
                self.log().index().read(look_up).await?
            }
        };
        Ok((entries.take(index, found).await?, path))
    }
}
