//! One core of BLAKE3 and zstd: the stored chunks of a folder, unpacked and hashed one after another, in memory. And one core
//! of SHA-256, as whoever proves an alias needs that, too.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::digest::{Blake3Digest, Sha256Digest};

use crate::report::figure;

/// How many bytes are in memory at a time.
const AT_ONCE_BYTES: usize = 64 * 1024 * 1024;

/// The arguments of `unpack`.
#[derive(Args)]
pub(crate) struct UnpackArguments {
    /// A folder with chunks below it, as a registry stores them
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
}

/// Reading is not measured.
pub(crate) fn run(arguments: &UnpackArguments) -> anyhow::Result<()> {
    let (mut bytes, mut took, mut took_sha256) = (0_usize, Duration::ZERO, Duration::ZERO);
    let (mut at_hand, mut held) = (Vec::new(), 0_usize);
    let files = files_below(&arguments.folder)?;
    for (at, path) in files.iter().enumerate() {
        let object = std::fs::read(path)?;
        held += object.len();
        at_hand.push((path, object));
        if held < AT_ONCE_BYTES && at + 1 < files.len() {
            continue;
        }
        for (path, object) in at_hand.drain(..) {
            let began = Instant::now();
            let content = unpack(path, &object)?;
            let unpacked = Instant::now();
            std::hint::black_box(Sha256Digest::of(&content));
            took += unpacked - began;
            took_sha256 += unpacked.elapsed();
            bytes += content.len();
        }
        held = 0;
    }
    ensure!(bytes > 0, "there are no chunks below {}", arguments.folder.display());
    figure("bytes", bytes)?;
    figure("mb_per_s", format!("{:.1}", bytes_per_s(bytes, took) / 1e6))?;
    Ok(figure("sha256_mb_per_s", format!("{:.1}", bytes_per_s(bytes, took_sha256) / 1e6))?)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn bytes_per_s(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64()
}

fn unpack(path: &Path, object: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (header, stored) = ChunkHeader::parse(object)?;
    let content = match header.codec {
        Codec::Raw => stored.to_vec(),
        Codec::Zstd => zstd::bulk::decompress(stored, usize::try_from(header.length)?)?,
    };
    let digest = Blake3Digest::of(&content).to_string();
    let name = path.file_name().and_then(|name| name.to_str()).context("a chunk has a name")?;
    ensure!(name.starts_with(&digest), "{} is damaged", path.display());
    Ok(content)
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let found = if entry.file_type()?.is_dir() { &mut folders } else { &mut files };
            found.push(entry.path());
        }
    }
    Ok(files)
}
