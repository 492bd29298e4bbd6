//! A bundle file: everything in it is checked before anything of it counts.

use std::path::PathBuf;
use std::sync::OnceLock;

use holdfast_client::Bundle;
use holdfast_formats::time::Timestamp;

pub(crate) const EXAMPLES: &[&[u8]] =
    &[b"holdfast/bundle/v2\n\0\0\0\0\0\0\0\x02{}", b"holdfast/bundle/v2\n\xff\xff\xff\xff\xff\xff\xff\xff{}"];

pub(crate) fn run(data: &[u8]) {
    let path = in_memory("bundle");
    std::fs::write(&path, data).expect("memory can be written to");
    assert!(holdfast_client::bundle::is_bundle(&path) == data.starts_with(b"holdfast/bundle/v2\n"));
    if let Ok(bundle) = Bundle::open_by_itself(&path, Timestamp::from_ms(1_795_300_000_000)) {
        assert!(bundle.is_trusted_by_itself());
        assert!(bundle.bytes() <= data.len() as u64, "its files are in it");
    }
}

/// A file of this process's own that never reaches a disk.
pub(crate) fn in_memory(name: &str) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make =
        || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder can be made");
    FOLDER.get_or_init(make).path().join(name)
}
