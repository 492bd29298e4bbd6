//! What is pushed: the files below a folder, or one file, in the order of a manifest.
//!
//! Owns which files count and under which path and mode. It reads no content. A symlink or special file is refused
//! instead of followed or dropped, because either would make the artifact something else than what was meant.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use holdfast_formats::path::FilePath;

use crate::error::{ClientError, FileAction};

/// The mode that a manifest leaves out.
const USUAL_MODE: u16 = 0o644;

/// One file to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Its path inside the artifact.
    pub(crate) path: FilePath,
    /// Where it is.
    pub(crate) place: PathBuf,
    /// Its size when it was listed.
    pub(crate) size: u64,
    /// Its permission bits, unless they are the usual ones.
    pub(crate) mode: Option<u16>,
}

/// Lists one file, or every file below a folder, sorted by path.
pub(crate) fn list(root: &Path) -> Result<Vec<SourceFile>, ClientError> {
    // The root itself may be a symlink: whoever typed it meant where it leads.
    let metadata = fs::metadata(root).map_err(|e| ClientError::file(FileAction::Read, root, e))?;
    if metadata.is_file() {
        let name =
            root.file_name().ok_or(ClientError::Source { path: root.to_owned(), rule: "it has no name" })?;
        return Ok(vec![source_file(root, "", name, &metadata)?]);
    }
    let mut files = Vec::new();
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        list_folder(&folder, &prefix, &mut files, &mut waiting)?;
    }
    if files.is_empty() {
        return Err(ClientError::Source { path: root.to_owned(), rule: "there is no file in it" });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn list_folder(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<SourceFile>,
    waiting: &mut Vec<(PathBuf, String)>,
) -> Result<(), ClientError> {
    let failed = |e| ClientError::file(FileAction::List, folder, e);
    for item in fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let place = item.path();
        let metadata = item.metadata().map_err(|e| ClientError::file(FileAction::Read, &place, e))?;
        let refuse = |rule| Err(ClientError::Source { path: place.clone(), rule });
        if metadata.is_dir() {
            let name = item.file_name();
            let Some(name) = name.to_str() else { return refuse("its name is not UTF-8") };
            waiting.push((place, format!("{prefix}{name}/")));
        } else if metadata.is_file() {
            files.push(source_file(&place, prefix, &item.file_name(), &metadata)?);
        } else if metadata.is_symlink() {
            return refuse("it is a symbolic link; push what it leads to, or remove it");
        } else {
            return refuse("it is neither file nor folder");
        }
    }
    Ok(())
}

fn source_file(
    place: &Path,
    prefix: &str,
    name: &std::ffi::OsStr,
    metadata: &Metadata,
) -> Result<SourceFile, ClientError> {
    let name =
        name.to_str().ok_or(ClientError::Source { path: place.to_owned(), rule: "its name is not UTF-8" })?;
    let path = format!("{prefix}{name}").parse();
    let path = path.map_err(|source| ClientError::SourceName { path: place.to_owned(), source })?;
    Ok(SourceFile { path, place: place.to_owned(), size: metadata.len(), mode: mode(metadata) })
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u16> {
    use std::os::unix::fs::PermissionsExt as _;
    // Set-user-id and its like are left out: an artifact gives nobody another's rights.
    let bits = u16::try_from(metadata.permissions().mode() & 0o777).unwrap_or(USUAL_MODE);
    (bits != USUAL_MODE).then_some(bits)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u16> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_sorted_by_their_whole_path() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/z", "a.b", "a-b/c", "b"] {
            let place = root.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, path).unwrap();
        }
        let files = list(root.path()).unwrap();
        let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["a-b/c", "a.b", "a/z", "b"]);
        assert_eq!(list(&root.path().join("a/z")).unwrap()[0].path.as_str(), "z");
    }

    #[test]
    fn a_folder_without_files_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        assert!(matches!(list(root.path()), Err(ClientError::Source { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn t25_links_and_names_that_mean_something_else_elsewhere_are_refused() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("link")).unwrap();
        assert!(matches!(list(root.path()), Err(ClientError::Source { .. })));
        fs::remove_file(root.path().join("link")).unwrap();
        for name in ["a\\b", "c:d", "e\u{1b}[0m"] {
            fs::write(root.path().join(name), b"x").unwrap();
            assert!(matches!(list(root.path()), Err(ClientError::SourceName { .. })), "{name:?}");
            fs::remove_file(root.path().join(name)).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_executable_bit_is_kept_and_set_user_id_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        for (name, bits) in [("run", 0o4755), ("text", 0o644)] {
            fs::write(root.path().join(name), b"x").unwrap();
            fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(bits)).unwrap();
        }
        let modes: Vec<_> = list(root.path()).unwrap().iter().map(|f| f.mode).collect();
        assert_eq!(modes, [Some(0o755), None]);
    }
}
