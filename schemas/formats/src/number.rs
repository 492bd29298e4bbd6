//! Counted things. Each kind of number is its own type, and none exceeds 2^53 - 1, which every JSON reader keeps exact.

use std::fmt;

use crate::limits::INTEGER_MAX;

/// A number above 2^53 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is above 2^53 - 1, the largest integer a record may hold")]
pub struct NumberTooLarge(u64);

macro_rules! number {
    ($(#[$m:meta])* $name:ident) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// Wraps a number of at most 2^53 - 1.
            pub const fn new(value: u64) -> Result<Self, NumberTooLarge> {
                if value > INTEGER_MAX { Err(NumberTooLarge(value)) } else { Ok(Self(value)) }
            }

            /// The plain number.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = NumberTooLarge;
            fn try_from(value: u64) -> Result<Self, NumberTooLarge> {
                Self::new(value)
            }
        }

        impl From<$name> for u64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": INTEGER_MAX })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A size in bytes.
    ByteSize
);
number!(
    /// A length of time in whole seconds.
    Seconds
);
number!(
    /// The place of a pin on its line: 1, 2, 3 …
    PinNumber
);
number!(
    /// The place of a policy in the chain of policies: 1, 2, 3 …
    PolicyNumber
);
number!(
    /// How many there are of something that needs no type of its own.
    Count
);

impl ByteSize {
    /// The length of something in memory.
    pub fn of(bytes: &[u8]) -> Self {
        // A slice longer than 2^53 bytes does not fit into any machine's memory.
        Self(u64::try_from(bytes.len()).unwrap_or(INTEGER_MAX).min(INTEGER_MAX))
    }
}

impl PinNumber {
    /// The number of the first pin of a line.
    pub const FIRST: Self = Self(1);

    /// The number that must come after this one.
    pub fn next(self) -> Result<Self, NumberTooLarge> {
        Self::new(self.0 + 1)
    }
}

impl PolicyNumber {
    /// The number of a log's first policy.
    pub const FIRST: Self = Self(1);

    /// The number that must come after this one.
    pub fn next(self) -> Result<Self, NumberTooLarge> {
        Self::new(self.0 + 1)
    }
}

impl Seconds {
    /// The same time in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0.saturating_mul(1000)
    }
}
