//! The words of the Merkle tree: its hashes, the place of a leaf and the size of a tree (RFC 6962 with SHA-256).
//!
//! Owns how bytes become leaf and node hashes and how far indices and sizes may grow. It never walks a tree:
//! roots and proofs are made and checked by the `merkle`, `inclusion` and `consistency` modules of the verify
//! crate. Content is addressed by BLAKE3 elsewhere; a [`TreeHash`] is never a content digest.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::limits::INTEGER_MAX;
use crate::strict::text_form;

#[cfg(test)]
pub(crate) mod vectors;

/// Domain separation of RFC 6962, section 2.1: a leaf can never be read as a node.
const LEAF_PREFIX: [u8; 1] = [0x00];
const NODE_PREFIX: [u8; 1] = [0x01];

/// Why a tree hash, a leaf index or a tree size was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The text is no canonical standard base64 of 32 bytes.
    #[error(
        "a tree hash is 44 characters of standard base64; this text has {length} bytes or another alphabet"
    )]
    BadHash {
        /// Length of the refused text in bytes.
        length: usize,
    },
    /// An index or a size beyond [`INTEGER_MAX`].
    #[error("{what} is above {INTEGER_MAX}, the most that a log may hold; check where the number comes from")]
    TooBig {
        /// What the number would have been.
        what: &'static str,
    },
    /// Not written as a plain decimal number.
    #[error("{what} must be decimal digits without sign or leading zero")]
    NotDecimal {
        /// What the number would have been.
        what: &'static str,
    },
}

/// The SHA-256 of a leaf, of an inner node or of a whole tree; standard base64 as text and in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash([u8; 32]);

impl TreeHash {
    /// Length of a tree hash in bytes.
    pub const SIZE: usize = 32;

    /// The hash of a leaf: `SHA256(0x00 ‖ entry)`.
    pub fn leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update(LEAF_PREFIX).chain_update(entry).finalize().into())
    }

    /// The hash of an inner node: `SHA256(0x01 ‖ left ‖ right)`.
    pub fn node(left: &Self, right: &Self) -> Self {
        Self(
            Sha256::new()
                .chain_update(NODE_PREFIX)
                .chain_update(left.0)
                .chain_update(right.0)
                .finalize()
                .into(),
        )
    }

    /// The root of the tree without leaves: `SHA256("")`.
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// Takes 32 bytes, from a tile for instance, as the tree hash that they are.
    pub const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, as a tile stores them.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 44];
        // Proofs are texts of these, so none is allocated for.
        let written = BASE64.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(text.get(..written).unwrap_or_default()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl FromStr for TreeHash {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || TreeError::BadHash { length: text.len() };
        // Checked first, so that an endless text costs nothing.
        if text.len() != 44 {
            return Err(bad());
        }
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| bad())?;
        bytes.try_into().map(Self).map_err(|_| bad())
    }
}

text_form!(TreeHash, "^[A-Za-z0-9+/]{43}=$");

/// A leaf index and a tree size obey the same bounds and have the same spellings, yet are different things.
macro_rules! tree_number {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// Refuses a number above [`INTEGER_MAX`].
            pub const fn new(value: u64) -> Result<Self, TreeError> {
                if value > INTEGER_MAX { Err(TreeError::TooBig { what: $what }) } else { Ok(Self(value)) }
            }

            /// The number itself.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// This many further on, or [`TreeError::TooBig`].
            pub fn checked_add(self, more: u64) -> Result<Self, TreeError> {
                self.0.checked_add(more).ok_or(TreeError::TooBig { what: $what }).and_then(Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = TreeError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_decimal(text, $what).and_then(Self::new)
            }
        }

        impl TryFrom<u64> for $name {
            type Error = TreeError;

            fn try_from(value: u64) -> Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "integer", "minimum": 0, "maximum": INTEGER_MAX })
            }
        }
    };
}

tree_number! {
    /// The place of one leaf in the log, counted from 0; a plain decimal number as text and in JSON.
    LeafIndex, "a leaf index"
}

tree_number! {
    /// How many leaves a tree has; a plain decimal number as text and in JSON.
    TreeSize, "a tree size"
}

impl TreeSize {
    /// The size of the tree without leaves.
    pub const ZERO: Self = Self(0);

    /// Whether a tree of this size has a leaf at `index`.
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }

    /// The index that the next leaf of a tree of this size gets.
    pub const fn next_index(self) -> LeafIndex {
        LeafIndex(self.0)
    }
}

impl LeafIndex {
    /// The place of the first policy, which stands for "no sweep" where a generation is meant.
    pub const FIRST: Self = Self(0);

    /// The size of the smallest tree that has this leaf.
    pub fn size_through(self) -> Result<TreeSize, TreeError> {
        TreeSize(self.0).checked_add(1)
    }
}

/// Reads decimal digits only: no sign, no leading zero, no more digits than `u64` has.
fn parse_decimal(text: &str, what: &'static str) -> Result<u64, TreeError> {
    let canonical = text == "0" || !text.starts_with('0');
    if text.is_empty() || !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TreeError::NotDecimal { what });
    }
    text.parse().map_err(|_| TreeError::TooBig { what })
}

#[cfg(test)]
mod tests;
