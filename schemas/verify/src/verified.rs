//! The mark that a value was checked. Only this crate can put it on, so a function that takes a [`Verified`] cannot be
//! handed something that nobody looked at.

/// A value that one of this crate's checks accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Marks a value; called by the checks of this crate and by nothing else.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The value, without its mark.
    pub fn into_inner(self) -> T {
        self.0
    }
}
