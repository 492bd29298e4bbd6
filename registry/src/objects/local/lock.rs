//! One server per directory: an exclusive `flock` that the kernel drops when the process ends, however it ends.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::objects::error::OpenError;

/// Locks `root`, or says which process has it.
pub(super) fn acquire(root: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::Directory { directory: root.to_owned(), source };
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(root.join(".lock"))
        .map_err(unusable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(OpenError::Locked { directory: root.to_owned(), pid: holder(&mut file) });
        }
        Err(errno) => return Err(unusable(errno.into())),
    }
    write_holder(&mut file).map_err(unusable)?;
    Ok(file)
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    // On a full disk the lock holds all the same, only the message to a second server is poorer.
    match writeln!(file, "{}", std::process::id()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        written => written,
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let digits = match file.take(20).read_to_string(&mut text) {
        Ok(_) => text.trim(),
        Err(_) => "",
    };
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.to_owned();
    }
    "unknown".to_owned()
}
