//! The keys of the golden cases. Everybody knows their seeds.

use holdfast_formats::key::SigningKey;

/// Signs statements.
pub(crate) fn signer() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// Signs statements too, where two signatures are wanted.
pub(crate) fn second_signer() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// Signs commits.
pub(crate) fn writer() -> SigningKey {
    SigningKey::from_seed([3; 32])
}
