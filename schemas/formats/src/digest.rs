//! Content digests: BLAKE3 is the address, SHA-256 stands beside it. Never a tree hash (see `tree`) and never a key id.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::hex::Hex32;
use crate::strict::{record, text_form};
use crate::text::TextError;

const HEX_PATTERN: &str = "^[0-9a-f]{64}$";

macro_rules! content_digest {
    ($(#[$m:meta])* $name:ident, $what:literal) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps a digest that was computed elsewhere.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 raw bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Hex32::of(&self.0).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($what, ":{}"), self)
            }
        }

        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Hex32::read(concat!("a ", $what, " digest"), text).map(Self)
            }
        }

        text_form!($name, HEX_PATTERN, |digest: &Self| Hex32::of(&digest.0));
    };
}

content_digest!(
    /// The BLAKE3 digest of some content: what `b3sum` prints.
    Blake3Digest,
    "blake3"
);
content_digest!(
    /// The SHA-256 digest of some content: what `sha256sum` prints.
    Sha256Digest,
    "sha256"
);

impl Blake3Digest {
    /// Hashes bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl Sha256Digest {
    /// Hashes bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

record! {
    /// Both digests of the same bytes.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub struct Digests {
        /// The address.
        req blake3: Blake3Digest,
        /// For everybody else's tools.
        req sha256: Sha256Digest,
    }
}

impl Digests {
    /// Hashes bytes that are in memory with both.
    pub fn of(bytes: &[u8]) -> Self {
        Self { blake3: Blake3Digest::of(bytes), sha256: Sha256Digest::of(bytes) }
    }
}

/// A digest that says its algorithm, `blake3:<hex>` or `sha256:<hex>`, as references and outside content use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedDigest {
    /// BLAKE3 of the content.
    Blake3(Blake3Digest),
    /// SHA-256 of the content.
    Sha256(Sha256Digest),
}

impl NamedDigest {
    /// Whether this digest is one of the pair.
    pub fn is_one_of(&self, digests: &Digests) -> bool {
        match self {
            Self::Blake3(d) => *d == digests.blake3,
            Self::Sha256(d) => *d == digests.sha256,
        }
    }
}

impl fmt::Display for NamedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blake3(d) => write!(f, "blake3:{d}"),
            Self::Sha256(d) => write!(f, "sha256:{d}"),
        }
    }
}

impl FromStr for NamedDigest {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        match text.split_once(':') {
            Some(("blake3", hex)) => hex.parse().map(Self::Blake3),
            Some(("sha256", hex)) => hex.parse().map(Self::Sha256),
            _ => Err(TextError::grammar(
                "a digest",
                text,
                "write blake3:<64 hex digits> or sha256:<64 hex digits>",
            )),
        }
    }
}

text_form!(NamedDigest, "^(blake3|sha256):[0-9a-f]{64}$");
