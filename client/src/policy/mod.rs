//! Changes of the policy: what they would be, said in words before anybody signs.
//!
//! Pure: nothing here asks the registry or signs. Whether a policy is allowed is the rule book's to say.

mod caution;
mod difference;
mod distrust;
mod rotation;
mod team;
#[cfg(test)]
mod tests;

use crate::error::ClientError;
pub use caution::cautions;
pub use difference::{Change, Difference, difference};
pub use distrust::{Consequence, consequences, distrust};
pub use rotation::{RegistryKey, rotate_registry_key, rotate_root_key};
pub use team::{Member, Team, upgrade};

/// A change that is refused before it is tried.
fn refused(rule: impl Into<String>) -> ClientError {
    ClientError::PolicyChange(rule.into())
}
