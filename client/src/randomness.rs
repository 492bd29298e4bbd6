//! Random bytes. The only module that asks the operating system for them.

use holdfast_formats::id::RandomId;

/// `N` bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give; no key or token made then would be safe.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
pub(crate) fn random_array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random generator answers once it has booted");
    bytes
}

/// A fresh 128-bit id, as statements, deployments and rollbacks carry it.
pub fn new_id() -> RandomId {
    RandomId::from_bytes(random_array())
}
