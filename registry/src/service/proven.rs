//! Entries with their audit paths: from memory where all of it is there, else in one go on a thread that may block.

use std::sync::Arc;

use holdfast_formats::tree::{LeafIndex, TreeHash};

use super::{Failure, Service};
use crate::index::View;
use crate::log::{EntriesError, Found, Head, Leaf, ProvenLeaf};

impl Service {
    /// An entry, and its audit path in the tree of a head that has it. What the tree does not have at its place is not
    /// answered.
    pub(super) async fn proven(
        &self,
        head: &Arc<Head>,
        index: LeafIndex,
    ) -> Result<(Leaf, Vec<TreeHash>), Failure> {
        let (entries, paths) = (self.log().entries(), self.log().prover());
        let bytes = entries.at_hand(index);
        let proven = paths.inclusion_at_hand(head, index, head.size())?;
        let (found, ProvenLeaf { hash, path }) = match (bytes, proven) {
            (Some(bytes), Some(proven)) => (Found::Bytes(bytes), proven),
            (bytes, proven) => {
                let (entries, paths, head) = (entries.clone(), paths.clone(), Arc::clone(head));
                let look_up = move |view: &View<'_>| {
                    let found =
                        bytes.map_or_else(|| entries.find(view, index), |bytes| Ok(Found::Bytes(bytes)));
                    let proven = proven.map_or_else(|| paths.inclusion(view, &head, index, head.size()), Ok);
                    Ok::<_, Failure>((found?, proven?))
                };
                self.log().index().read(look_up).await?
            }
        };
        let leaf = entries.take(index, found).await?;
        if TreeHash::leaf(&leaf.bytes) != hash {
            return Err(EntriesError::Altered(index).into());
        }
        Ok((leaf, path))
    }
}
