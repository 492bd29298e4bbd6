//! Random bytes. The only module that asks the operating system for them.

/// `N` bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give; nothing that needs it could go on safely.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
pub fn random_array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random generator answers once it has booted");
    bytes
}

/// 128 random bits as 32 lower-case hexadecimal digits.
pub fn random_hex() -> String {
    data_encoding::HEXLOWER.encode(&random_array::<16>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(random_array::<16>(), random_array::<16>());
        assert_eq!(random_hex().len(), 32);
    }
}
