//! Tiles: the files in which a log stores its tree and its entries (C2SP tlog-tiles v0.1.0).
//!
//! Owns the path of a tile, which tiles a tree of some size has, and the bytes of hash tiles and entry bundles.
//! It hashes nothing and stores nothing: the log writes tiles, the client and the auditor read them.
//! Specification: <https://c2sp.org/tlog-tiles>.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::limits::{ENTRY_BYTES_MAX, INTEGER_MAX};
use crate::tree::{TreeHash, TreeSize};

mod bundle;
mod shape;

pub use bundle::{decode_bundle, decode_hashes, encode_bundle, encode_hashes};
pub use shape::{new_tiles, partial_tiles, tile_at, tiles};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The deepest level that a path can name (C2SP tlog-tiles: L is 0–63).
pub const TILE_LEVEL_MAX: u8 = 63;

/// Why a tile's path or its bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TileError {
    /// The text is no canonical tile path.
    #[error("`{path}` is no tile path; expected tile/<level 0-63 or entries>/<x001/x234/067>[.p/<1-255>]")]
    BadPath {
        /// What was refused, cut and escaped.
        path: String,
    },
    /// A level above [`TILE_LEVEL_MAX`].
    #[error("tile level {level} does not exist; levels are 0 to {TILE_LEVEL_MAX}")]
    BadLevel {
        /// The refused level.
        level: u8,
    },
    /// A tile index beyond any tree.
    #[error("tile index {index} lies beyond the largest possible log")]
    BadIndex {
        /// The refused index.
        index: u64,
    },
    /// A width outside 1 to 256.
    #[error("a tile is 1 to {TILE_WIDTH} wide, not {width}")]
    BadWidth {
        /// The refused width.
        width: usize,
    },
    /// The bytes are not exactly as many hashes as the path promises.
    #[error("a hash tile of width {width} is {} bytes long, not {actual}; fetch the tile again", usize::from(*width) * TreeHash::SIZE)]
    WrongLength {
        /// The width that was asked for.
        width: u16,
        /// The length that was found, in bytes.
        actual: usize,
    },
    /// An entry that no length prefix of 16 bits can carry.
    #[error("an entry of {length} bytes does not fit; the most is {ENTRY_BYTES_MAX}, so attach what is big")]
    EntryTooLong {
        /// Length of the entry in bytes.
        length: usize,
    },
    /// The bundle ends inside an entry, or before the promised number of entries.
    #[error("the entry bundle ends at entry {entry} of {width}; fetch the bundle again")]
    Truncated {
        /// The first entry that is not there in full.
        entry: u16,
        /// The width that was asked for.
        width: u16,
    },
    /// Bytes follow the last promised entry.
    #[error("{extra} bytes follow the last of {width} entries; the bundle is not the one that was asked for")]
    TrailingBytes {
        /// The width that was asked for.
        width: u16,
        /// How many bytes are left over.
        extra: usize,
    },
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// The entries themselves (`tile/entries/…`).
    Entries,
    /// Tree hashes of subtrees of 256^level leaves (`tile/<level>/…`).
    Hashes(TileLevel),
}

/// The level of a hash tile, 0 to 63: its elements are roots of subtrees of 256^level leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileLevel(u8);

impl TileLevel {
    /// The level whose elements are leaf hashes.
    pub const LEAVES: Self = Self(0);

    /// Refuses a level above [`TILE_LEVEL_MAX`].
    pub const fn new(level: u8) -> Result<Self, TileError> {
        if level > TILE_LEVEL_MAX { Err(TileError::BadLevel { level }) } else { Ok(Self(level)) }
    }

    /// The level as a number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// How many complete elements this level has in a tree of `size` leaves: `floor(size / 256^level)`.
    pub const fn width_in(self, size: TreeSize) -> u64 {
        let shift = 8 * self.0 as u32;
        if shift >= u64::BITS { 0 } else { size.get() >> shift }
    }
}

/// Where one tile lives, relative to the log's prefix; its text is the canonical path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// A tile of `width` elements (1 to 256; 256 is a full tile).
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        if index > INTEGER_MAX {
            return Err(TileError::BadIndex { index });
        }
        if width == 0 || width > TILE_WIDTH {
            return Err(TileError::BadWidth { width: usize::from(width) });
        }
        Ok(Self { kind, index, width })
    }

    /// What the tile holds.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Number of the tile on its level, counted from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many elements this tile holds, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile can still grow.
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full tile that this one grows into; a reader falls back to it when the partial one is gone.
    #[must_use]
    pub const fn to_full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{}/", level.0)?,
        }
        fmt_index(self.index, f)?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Writes 1234067 as `x001/x234/067`: directories stay small however long the log grows.
fn fmt_index(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut unit = 1;
    while index / unit >= 1000 {
        unit *= 1000;
    }
    while unit > 1 {
        write!(f, "x{:03}/", index / unit % 1000)?;
        unit /= 1000;
    }
    write!(f, "{:03}", index % 1000)
}

impl FromStr for TilePath {
    type Err = TileError;

    /// Accepts only the canonical spelling: a tile has one path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_path(text).filter(|path| path.to_string() == text).ok_or_else(|| TileError::BadPath {
            path: text.chars().take(80).flat_map(char::escape_default).collect(),
        })
    }
}

/// Reads generously; the caller compares with the canonical spelling.
fn read_path(text: &str) -> Option<TilePath> {
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(TileLevel::new(level.parse().ok()?).ok()?),
    };
    let (groups, width) = match rest.split_once(".p/") {
        // 256 is a width but no partial one: `.p/256` would be a second name of a full tile.
        Some((groups, width)) => (groups, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let mut index: u64 = 0;
    for group in groups.split('/') {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    TilePath::new(kind, index, width).ok()
}

#[cfg(test)]
mod tests;
