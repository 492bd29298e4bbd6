//! Disks that a test makes for one server: small, or read-only. They are mounted in a mount namespace of the server's own,
//! so that nobody needs rights for it and nothing is left behind.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::finish;

/// What the server's data folder lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// The disk of the test machine.
    Ordinary,
    /// An empty disk of so many MiB, some of which are taken until [`Disk::free`].
    Small {
        /// Its size.
        mib: u32,
        /// How much of it is taken.
        taken_mib: u32,
    },
    /// What is there, not to be written.
    ReadOnly,
}

impl Disk {
    /// Whether this machine lets a test make disks. Where it does not, this says so, aloud.
    pub fn can_be_made() -> anyhow::Result<bool> {
        let tried = finish(Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]));
        match tried {
            Ok(output) if output.exit == Some(0) => Ok(true),
            other => {
                // Not by a macro: what a test prints with those is shown only when it fails.
                writeln!(std::io::stderr(), "SKIPPED: no mount namespaces on this machine: {other:?}")?;
                Ok(false)
            }
        }
    }

    /// Gives back what is taken of the small disk under a server's folder.
    pub fn free(folder: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(folder.join(FREE), "")?)
    }

    /// The command, with its data folder on this disk. It keeps its process id.
    pub(crate) fn under(self, command: Command, folder: &Path) -> Command {
        let mounted = match self {
            Self::Ordinary => return command,
            Self::Small { mib, taken_mib } => format!(
                "mkdir -p data; mount -t tmpfs -o size={mib}m none data; fallocate -l {taken_mib}M data/.taken
                 (while kill -0 $$ && [ ! -e {FREE} ]; do sleep 0.05; done; rm -f data/.taken) >/dev/null 2>&1 &"
            ),
            Self::ReadOnly => "mount --bind data data; mount -o remount,bind,ro data".to_owned(),
        };
        let script = format!("set -e; {mounted}\nexec \"$0\" \"$@\"");
        let mut confined = Command::new("unshare");
        confined.args(["-rm", "sh", "-c", &script]).arg(command.get_program()).args(command.get_args());
        confined.current_dir(folder).stdin(Stdio::null());
        confined.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        confined
    }
}

/// The file whose appearance frees what is taken.
const FREE: &str = "free-the-disk";
