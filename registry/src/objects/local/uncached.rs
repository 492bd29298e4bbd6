//! Large objects go to the disk without a copy in the page cache: it would cost more than all hashing of them, and a
//! flush would wait for all of it at once. Where the file system cannot, they are written as everything else is.

use std::fs::File;
use std::io::{self, Write as _};

use crate::objects::buffers::{PAGE_BYTES, is_paged};

/// Writes all of an object to a new file. Returns whether the flush finds little left to do.
pub(super) fn write_all(file: &mut File, object: &[u8]) -> io::Result<bool> {
    let pages = if is_paged(object) { object.len() / PAGE_BYTES * PAGE_BYTES } else { 0 };
    let (whole, rest) = object.split_at(pages);
    let uncached = !whole.is_empty() && set_uncached(file, true);
    if uncached {
        let written = write_pages(file, whole);
        set_uncached(file, false);
        written?;
    } else {
        file.write_all(whole)?;
    }
    file.write_all(rest)?;
    Ok(uncached)
}

/// A write that was cut short ends anywhere; the file system says at which multiples it can go on.
fn write_pages(file: &mut File, mut pages: &[u8]) -> io::Result<()> {
    while !pages.is_empty() {
        match file.write(pages) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => pages = pages.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // It wants other multiples than pages.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && set_uncached(file, false) => {
                return file.write_all(pages);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the file's writes pass the page cache, or no longer do, from now on.
#[cfg(target_os = "linux")]
fn set_uncached(file: &File, uncached: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let change = |flags: OFlags| {
        let mut wanted = flags;
        wanted.set(OFlags::DIRECT, uncached);
        fcntl_setfl(file, wanted)
    };
    fcntl_getfl(file).and_then(change).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn set_uncached(_file: &File, _uncached: bool) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::buffers::Buffers;
    use std::sync::Arc;

    #[test]
    fn what_was_written_is_what_is_read_whatever_its_place_and_length() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let large = 300_000;
        let mut buffer = Arc::new(Buffers::keeping(0)).for_object(large);
        buffer.fill_from(&mut (0..large).map(|n| n.to_le_bytes()[1]).collect());
        let buffer = buffer.freeze();
        for object in
            [&buffer[..], &buffer[..4096 * 40], &buffer[1..], &buffer[..200_001], &buffer[..10], &[]]
        {
            let path = directory.path().join("object");
            write_all(&mut File::create(&path)?, object)?;
            assert!(std::fs::read(&path)? == object, "{} bytes", object.len());
        }
        Ok(())
    }
}
