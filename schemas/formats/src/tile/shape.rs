//! Which tiles a tree of some size has: pure arithmetic over C2SP tlog-tiles, no bytes.

use super::{TILE_LEVEL_MAX, TILE_WIDTH, TileKind, TileLevel, TilePath};
use crate::tree::TreeSize;

/// The tile at `index` of `kind` in a tree of `size` leaves, as wide as that tree has it; `None` when it has none.
pub fn tile_at(kind: TileKind, index: u64, size: TreeSize) -> Option<TilePath> {
    let start = index.checked_mul(u64::from(TILE_WIDTH))?;
    let width = elements(kind, size).checked_sub(start)?.min(u64::from(TILE_WIDTH));
    TilePath::new(kind, index, u16::try_from(width).ok()?).ok()
}

/// Every tile of a tree of `size` leaves, level by level: full tiles, then the partial one.
pub fn tiles(size: TreeSize) -> impl Iterator<Item = TilePath> {
    new_tiles(TreeSize::ZERO, size)
}

/// The tiles of a tree of `new` leaves that a tree of `old` leaves does not have, in path order per level.
///
/// What a log writes before it publishes `new`. Nothing when `new` is not larger.
pub fn new_tiles(old: TreeSize, new: TreeSize) -> impl Iterator<Item = TilePath> {
    kinds().flat_map(move |kind| {
        let (had, has) = (elements(kind, old), elements(kind, new));
        let grown =
            if has > had { had / u64::from(TILE_WIDTH)..has.div_ceil(u64::from(TILE_WIDTH)) } else { 0..0 };
        grown.filter_map(move |index| tile_at(kind, index, new))
    })
}

/// The tiles of a tree of `size` leaves that are not full: at most one bundle and one hash tile per level.
pub fn partial_tiles(size: TreeSize) -> impl Iterator<Item = TilePath> {
    kinds().filter_map(move |kind| tile_at(kind, elements(kind, size) / u64::from(TILE_WIDTH), size))
}

fn kinds() -> impl Iterator<Item = TileKind> {
    let levels = (0..=TILE_LEVEL_MAX).filter_map(|level| TileLevel::new(level).ok());
    std::iter::once(TileKind::Entries).chain(levels.map(TileKind::Hashes))
}

/// How many entries, or complete elements of a level, a tree of `size` leaves has.
fn elements(kind: TileKind, size: TreeSize) -> u64 {
    match kind {
        TileKind::Entries => size.get(),
        TileKind::Hashes(level) => level.width_in(size),
    }
}
