//! What was being done with a file when it failed, in the words of the error.

/// What was being done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    /// It was read.
    Read,
    /// It was written.
    Write,
    /// It was made.
    Create,
    /// It was locked.
    Lock,
    /// It was moved into its place.
    Rename,
    /// A folder was listed.
    List,
}

impl std::fmt::Display for FileAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Lock => "lock",
            Self::Rename => "move into place",
            Self::List => "list",
        })
    }
}
