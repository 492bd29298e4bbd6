//! The two directions in which a path climbs to the root, shared by both verifications.

use holdfast_formats::tree::TreeHash;

/// How many hashes a path has: below the point where it meets the right edge of the tree, and along that edge.
pub(crate) struct PathShape {
    /// Hashes that may stand on either side, as the index says.
    pub(crate) inner: usize,
    /// Hashes that all stand on the left.
    pub(crate) border: usize,
}

impl PathShape {
    /// The shape of the path from the leaf at `index` in a tree whose last leaf is at `last`, not before `index`.
    pub(crate) fn between(index: u64, last: u64) -> Self {
        let inner = u64::BITS - (index ^ last).leading_zeros();
        let border = index.checked_shr(inner).unwrap_or(0).count_ones();
        Self { inner: inner as usize, border: border as usize }
    }
}

/// Climbs with each sibling on the side that the bits of `index` say.
pub(crate) fn climb(from: TreeHash, siblings: &[TreeHash], index: u64) -> TreeHash {
    siblings.iter().zip(bits(index)).fold(from, |hash, (sibling, is_right)| {
        if is_right { TreeHash::node(sibling, &hash) } else { TreeHash::node(&hash, sibling) }
    })
}

/// Climbs with the siblings on the left only: what the tree was before anything stood to the right.
pub(crate) fn climb_left_only(from: TreeHash, siblings: &[TreeHash], index: u64) -> TreeHash {
    let left = siblings.iter().zip(bits(index)).filter(|(_, is_right)| *is_right).map(|(sibling, _)| sibling);
    climb_border(from, left)
}

/// Climbs along the right edge, where every sibling is on the left.
pub(crate) fn climb_border<'h>(from: TreeHash, siblings: impl IntoIterator<Item = &'h TreeHash>) -> TreeHash {
    siblings.into_iter().fold(from, |hash, sibling| TreeHash::node(sibling, &hash))
}

/// The bits of a number, lowest first.
fn bits(number: u64) -> impl Iterator<Item = bool> {
    (0..u64::BITS).map(move |bit| number >> bit & 1 == 1)
}
