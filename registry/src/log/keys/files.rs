//! The files of the node's keys: `log.pem`, and each later one beside it as `log-2.pem`, `log-3.pem` and so on.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use holdfast_formats::key::SigningKey;

use super::{KeyKind, KeysError};
use crate::randomness::random_array;

/// The name of the first key's file.
pub(super) fn first_file(kind: KeyKind) -> String {
    format!("{}.pem", kind.as_str())
}

/// All keys of a kind, oldest first. The first one may have been removed since; one must be there.
pub(super) fn read_keys(folder: &Path, kind: KeyKind) -> Result<Vec<SigningKey>, KeysError> {
    let mut found = numbered(folder, kind)?;
    found.sort_unstable();
    if found.is_empty() {
        // Reading it says what is missing.
        return Ok(vec![read_key(&folder.join(first_file(kind)))?]);
    }
    found.into_iter().map(|(_, path)| read_key(&path)).collect()
}

/// Makes one more key of a kind beside those that are there.
pub(super) fn add_key(folder: &Path, kind: KeyKind) -> Result<(PathBuf, SigningKey), KeysError> {
    let newest = numbered(folder, kind)?.into_iter().map(|(number, _)| number).max().unwrap_or(0);
    let next = newest.max(1).saturating_add(1);
    let path = folder.join(format!("{}-{next}.pem", kind.as_str()));
    let key = write_key(&path)?;
    Ok((path, key))
}

/// The files of a kind by their number.
fn numbered(folder: &Path, kind: KeyKind) -> Result<Vec<(u32, PathBuf)>, KeysError> {
    let failed = |source| KeysError::File { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(number) = path.file_name().and_then(|name| number_of(name.to_str()?, kind)) {
            found.push((number, path));
        }
    }
    Ok(found)
}

fn number_of(name: &str, kind: KeyKind) -> Option<u32> {
    match name.strip_suffix(".pem")?.strip_prefix(kind.as_str())? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok().filter(|number| *number > 1),
    }
}

fn read_key(path: &Path) -> Result<SigningKey, KeysError> {
    let pem = fs::read_to_string(path).map_err(|source| KeysError::File { path: path.to_owned(), source })?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|source| KeysError::Key { path: path.to_owned(), source })
}

/// Makes a key and writes it to a file.
pub(super) fn write_key(path: &Path) -> Result<SigningKey, KeysError> {
    let key = SigningKey::from_seed(random_array());
    let pem = key.to_pkcs8_pem().map_err(|source| KeysError::Key { path: path.to_owned(), source })?;
    write_private(path, &pem).map_err(|source| KeysError::File { path: path.to_owned(), source })?;
    Ok(key)
}

/// Makes a folder that only this user may enter; one that is there stays as it is.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Writes a file that only this user may read, durably.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
