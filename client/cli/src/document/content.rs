//! What is pushed, looked at before it goes: its age, its digest, and the machine that it is on.

use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::DataAsOf;
use holdfast_formats::time::Timestamp;

/// From the oldest to the newest change in what is pushed. Not the time of the push, so that a push that is tried again
/// makes the same manifest.
pub(crate) fn modified(path: &Path, now: Timestamp) -> anyhow::Result<DataAsOf> {
    let mut times = Vec::new();
    for file in files_below(path)? {
        let since = std::fs::metadata(&file)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        times.push(Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)).min(now));
    }
    let not_before = times.iter().min().copied().unwrap_or(now);
    Ok(DataAsOf { not_before, not_after: times.iter().max().copied().unwrap_or(now), position: None })
}

/// The BLAKE3 of a file; for a folder, of the paths and digests of its files.
pub(super) fn content_digest(path: &Path) -> anyhow::Result<Blake3Digest> {
    let files = files_below(path)?;
    if let [only] = files.as_slice() {
        return Ok(Blake3Digest::of(&std::fs::read(only)?));
    }
    let mut list = String::new();
    for file in &files {
        let digest = Blake3Digest::of(&std::fs::read(file)?);
        list.extend([
            &digest.to_string(),
            " ",
            &file.strip_prefix(path).unwrap_or(file).to_string_lossy(),
            "\n",
        ]);
    }
    Ok(Blake3Digest::of(list.as_bytes()))
}

/// The regular files at or below a path, sorted; what may not be pushed is left for the push to refuse.
fn files_below(path: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let kind = std::fs::symlink_metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The machine's name as the system tells it to programs.
pub(crate) fn host_name() -> String {
    let read = |file: &str| std::fs::read_to_string(file).ok();
    let variable = |name: &str| std::env::var(name).ok();
    read("/proc/sys/kernel/hostname")
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}
