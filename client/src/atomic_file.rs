//! Small files that are there whole or not at all: written beside their place, synced, then renamed over it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::error::{ClientError, FileAction};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Its owner only: mode 0600 where there are modes.
    Secret,
    /// Whoever the folder lets.
    Open,
}

/// Writes a whole file, and its folder when that is missing. A crash leaves the old content or the new.
pub(crate) fn write(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), ClientError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_folder(folder, secrecy)?;
    let failed = |source| ClientError::file(FileAction::Write, path, source);
    // A temporary file of this crate is 0600 from its first moment, so a secret is never readable in between.
    let mut file = tempfile::Builder::new().prefix(".holdfast-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if secrecy == Secrecy::Open {
        make_readable(file.as_file()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    sync_folder(folder);
    Ok(())
}

/// Reads a file of at most `max` bytes; `None` when there is none.
pub(crate) fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, ClientError> {
    use std::io::Read as _;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ClientError::file(FileAction::Read, path, source)),
    };
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| ClientError::file(FileAction::Read, path, e))?;
    if bytes.len() as u64 > max {
        return Err(ClientError::FileMalformed {
            path: path.to_owned(),
            rule: format!("it is larger than {max} bytes"),
        });
    }
    Ok(Some(bytes))
}

fn create_folder(folder: &Path, secrecy: Secrecy) -> Result<(), ClientError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if secrecy == Secrecy::Secret {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    #[cfg(not(unix))]
    let _ = secrecy;
    builder.create(folder).map_err(|e| ClientError::file(FileAction::Create, folder, e))
}

#[cfg(unix)]
fn make_readable(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Makes the rename itself durable. Where a folder cannot be synced the file system orders renames by itself.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/state.json");
        write(&path, b"one", Secrecy::Open).unwrap();
        write(&path, b"two", Secrecy::Open).unwrap();
        assert_eq!(read(&path, 10).unwrap().as_deref(), Some(b"two".as_slice()));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_above_its_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        write(&path, b"12345", Secrecy::Open).unwrap();
        assert!(read(&path, 4).is_err());
        assert_eq!(read(&folder.path().join("absent"), 4).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn t39_a_secret_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config/key.pem");
        write(&path, b"secret", Secrecy::Secret).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
