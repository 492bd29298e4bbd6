//! The files of a pack: exactly those that its manifest lists, each with its size and digests, read within bounds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use holdfast_formats::from_json;
use holdfast_formats::wire::v1::Receipt;
use sha2::Digest as _;

use super::{ATTACHMENTS, MANIFEST, PackError, PackFile};
use crate::error::{ClientError, FileAction};

/// A manifest lists an attachment in some 250 bytes.
const MANIFEST_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// A receipt with a payload of 64 MiB in base64.
const LINE_BYTES_MAX: u64 = 96 * 1024 * 1024;
const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The envelope of the manifest.
pub(super) fn manifest(folder: &Path) -> Result<Vec<u8>, ClientError> {
    whole(folder, MANIFEST, MANIFEST_BYTES_MAX)
}

/// A file that is small in every honest pack.
pub(super) fn small(folder: &Path, path: &str) -> Result<Vec<u8>, ClientError> {
    whole(folder, path, SMALL_FILE_BYTES_MAX)
}

fn whole(folder: &Path, path: &str, max: u64) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    let read = open(folder, path)?.take(max + 1).read_to_end(&mut bytes);
    read.map_err(|e| ClientError::file(FileAction::Read, &folder.join(path), e))?;
    if bytes.len() as u64 > max {
        return Err(PackError::broken(path, "it is larger than any honest one").into());
    }
    Ok(bytes)
}

/// Opens a file that is one: no link, pipe or device.
fn open(folder: &Path, path: &str) -> Result<File, ClientError> {
    let place = folder.join(path);
    let failed = |e| ClientError::file(FileAction::Read, &place, e);
    match place.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => File::open(&place).map_err(failed),
        Ok(_) => Err(PackError::broken(path, "it is no file").into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(PackError::broken(path, "it is not there").into())
        }
        Err(error) => Err(failed(error)),
    }
}

/// Compares what is in the folder with what is listed, every byte of it.
pub(super) fn check_files(folder: &Path, listed: &[PackFile]) -> Result<(), ClientError> {
    let mut wanted: BTreeMap<&str, &PackFile> = BTreeMap::new();
    for file in listed {
        if wanted.insert(&file.path, file).is_some() {
            return Err(PackError::broken(MANIFEST, format!("it lists {} twice", file.path)).into());
        }
    }
    for found in names(folder)? {
        let file = wanted.remove(found.as_str());
        let file = file.ok_or_else(|| PackError::broken(found.clone(), "the manifest does not list it"))?;
        check_file(folder, file)?;
    }
    match wanted.into_keys().next() {
        Some(absent) => Err(PackError::broken(absent, "the manifest lists it, and it is not there").into()),
        None => Ok(()),
    }
}

/// The files in a pack but its manifest; there is one folder below it.
fn names(folder: &Path) -> Result<Vec<String>, ClientError> {
    let list = |place: &Path| -> Result<Vec<(String, PathBuf)>, ClientError> {
        let failed = |e| ClientError::file(FileAction::List, place, e);
        let items = fs::read_dir(place).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        Ok(items.iter().map(|item| (item.file_name().to_string_lossy().into_owned(), item.path())).collect())
    };
    let mut out = Vec::new();
    for (name, place) in list(folder)? {
        let is_folder = place.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        if name == ATTACHMENTS && is_folder {
            out.extend(list(&place)?.into_iter().map(|(name, _)| format!("{ATTACHMENTS}/{name}")));
        } else if name != MANIFEST {
            out.push(name);
        }
    }
    Ok(out)
}

fn check_file(folder: &Path, file: &PackFile) -> Result<(), ClientError> {
    let failed = |e| ClientError::file(FileAction::Read, &folder.join(&file.path), e);
    let opened = open(folder, &file.path)?;
    if opened.metadata().map_err(failed)?.len() != file.size {
        return Err(PackError::broken(&file.path, "it has another size than the manifest says").into());
    }
    let (mut blake3, mut sha256) = (blake3::Hasher::new(), sha2::Sha256::new());
    let mut reader = BufReader::with_capacity(1024 * 1024, opened.take(file.size));
    loop {
        let block = reader.fill_buf().map_err(failed)?;
        if block.is_empty() {
            break;
        }
        blake3.update(block);
        sha256.update(block);
        let length = block.len();
        reader.consume(length);
    }
    let blake3 = Blake3Digest::from_bytes(*blake3.finalize().as_bytes());
    let found = Digests { blake3, sha256: Sha256Digest::from_bytes(sha256.finalize().into()) };
    if found == file.digests {
        return Ok(());
    }
    Err(PackError::broken(&file.path, "its bytes are not those of the manifest").into())
}

/// Reads a file of receipts, one a line, and hands each on.
pub(super) fn receipts(
    folder: &Path,
    path: &str,
    mut each: impl FnMut(Receipt) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut reader = BufReader::new(open(folder, path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(|e| ClientError::file(FileAction::Read, &folder.join(path), e))? == 0 {
            return Ok(());
        }
        if line.pop() != Some(b'\n') {
            return Err(
                PackError::broken(path, "a line does not end, or is longer than any honest one").into()
            );
        }
        each(from_json(&line, line.len()).map_err(|e| PackError::broken(path, e.to_string()))?)?;
    }
}
