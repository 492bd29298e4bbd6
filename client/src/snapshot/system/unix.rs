//! Directories and files on unix, always named relative to an open directory: no path is too long, and nobody can swap a
//! directory on the way for a symbolic link.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use holdfast_formats::catalog::{Attribute, Device, FileTime};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RawMode, Stat};

use super::{Look, LookKind, Names, Segment};

/// A file with more pieces than this is read as if it had no holes.
const SEGMENTS_MAX: usize = 1 << 16;
/// What `st_blocks` counts in.
const BLOCK_BYTES: u64 = 512;

/// An open directory.
#[derive(Debug)]
pub(in super::super) struct Directory(OwnedFd);

impl Directory {
    /// Opens the root of a tree, wherever the path leads.
    pub(in super::super) fn root(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a directory in this one.
    pub(in super::super) fn open(&self, name: &[u8]) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Opens the directory that this one is in now.
    pub(in super::super) fn above(&self) -> io::Result<Self> {
        self.open(b"..")
    }

    /// Opens a regular file in it.
    pub(in super::super) fn file(&self, name: &[u8]) -> io::Result<OpenFile> {
        // Without blocking, because a FIFO may have taken the file's place.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(OpenFile(File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?)))
    }

    /// What stands in it, sorted.
    pub(in super::super) fn names(&self) -> Names {
        let (mut names, mut failure) = (Vec::new(), None);
        match Dir::read_from(&self.0) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => names.push(entry.file_name().to_bytes().to_vec()),
                        Err(error) => failure = Some(error.into()),
                    }
                    if failure.is_some() {
                        break;
                    }
                }
            }
            Err(error) => failure = Some(error.into()),
        }
        names.retain(|name| name != b"." && name != b"..");
        names.sort_unstable();
        Names { names, failure }
    }

    /// Looks at something in it.
    pub(in super::super) fn look(&self, name: &[u8]) -> io::Result<Look> {
        Ok(look_of(&rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Looks at the directory itself.
    pub(in super::super) fn look_at_itself(&self) -> io::Result<Look> {
        Ok(look_of(&rustix::fs::fstat(&self.0)?))
    }

    /// Where a symbolic link in it points.
    pub(in super::super) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?.into_bytes())
    }

    /// Its own extended attributes.
    pub(in super::super) fn attributes(&self) -> io::Result<Vec<Attribute>> {
        attributes::of_open(&self.0)
    }

    /// The extended attributes of something in it that is not opened.
    pub(in super::super) fn attributes_of(&self, name: &[u8]) -> io::Result<Vec<Attribute>> {
        attributes::of_named(&self.0, name)
    }
}

/// An open file.
#[derive(Debug)]
pub(in super::super) struct OpenFile(File);

impl OpenFile {
    /// What is known of it now.
    pub(in super::super) fn look(&self) -> io::Result<Look> {
        Ok(look_of(&rustix::fs::fstat(&self.0)?))
    }

    /// Its extended attributes.
    pub(in super::super) fn attributes(&self) -> io::Result<Vec<Attribute>> {
        attributes::of_open(&self.0)
    }

    /// Continues to read from there.
    pub(in super::super) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    /// Which of the first `size` bytes were written.
    pub(in super::super) fn segments(&self, size: u64) -> Vec<Segment> {
        let whole = || if size == 0 { Vec::new() } else { vec![Segment { start: 0, length: size }] };
        let (mut segments, mut at) = (Vec::new(), 0);
        while at < size {
            let start = match rustix::fs::seek(&self.0, rustix::fs::SeekFrom::Data(at)) {
                Ok(start) if start < size => start,
                Ok(_) | Err(rustix::io::Errno::NXIO) => break,
                Err(_) => return whole(),
            };
            let end = match rustix::fs::seek(&self.0, rustix::fs::SeekFrom::Hole(start)) {
                Ok(end) if end > start => end.min(size),
                _ => return whole(),
            };
            segments.push(Segment { start, length: end - start });
            at = end;
            if segments.len() > SEGMENTS_MAX {
                return whole();
            }
        }
        segments
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

fn look_of(stat: &Stat) -> Look {
    let device = || Device { major: rustix::fs::major(stat.st_rdev), minor: rustix::fs::minor(stat.st_rdev) };
    let mode = RawMode::from(stat.st_mode);
    let kind = match FileType::from_raw_mode(mode) {
        FileType::Directory => LookKind::Directory,
        FileType::RegularFile => LookKind::File,
        FileType::Symlink => LookKind::Symlink,
        FileType::Fifo => LookKind::Fifo,
        FileType::CharacterDevice => LookKind::CharacterDevice(device()),
        FileType::BlockDevice => LookKind::BlockDevice(device()),
        FileType::Socket => LookKind::Socket,
        FileType::Unknown => LookKind::Other,
    };
    let size: u64 = number(stat.st_size);
    Look {
        kind,
        mode: u16::try_from(mode & 0o7777).unwrap_or(0),
        owner: stat.st_uid,
        group: stat.st_gid,
        size,
        modified: time(number(stat.st_mtime), stat.st_mtime_nsec),
        changed: Some(time(number(stat.st_ctime), stat.st_ctime_nsec)),
        identity: (number(stat.st_dev), number(stat.st_ino)),
        links: number(stat.st_nlink),
        may_have_holes: number::<_, u64>(stat.st_blocks).saturating_mul(BLOCK_BYTES) < size,
    }
}

fn time(seconds: i64, nanos: impl TryInto<u32>) -> FileTime {
    let nanos = nanos.try_into().unwrap_or(0);
    FileTime { seconds, nanos: if nanos < 1_000_000_000 { nanos } else { 0 } }
}

/// The fields of a `stat` have another width on every system.
fn number<T: TryInto<N>, N: Default>(value: T) -> N {
    value.try_into().unwrap_or_default()
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod attributes {
    use std::os::fd::AsRawFd as _;

    use rustix::io::Errno;

    use super::{AsFd, Attribute, io};

    /// A list or value that grows between two calls is asked for again so often.
    const ATTEMPTS: u32 = 4;

    pub(super) fn of_open(file: &impl AsFd) -> io::Result<Vec<Attribute>> {
        let list = |buffer: Option<&mut [u8]>| match buffer {
            None => rustix::fs::flistxattr_query(file),
            Some(buffer) => rustix::fs::flistxattr(file, buffer),
        };
        read(list, |name, buffer| match buffer {
            None => rustix::fs::fgetxattr_query(file, name),
            Some(buffer) => rustix::fs::fgetxattr(file, name, buffer),
        })
    }

    /// There is no call that takes a directory and a name, so the path goes through what the kernel shows of this process.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn of_named(directory: &impl AsFd, name: &[u8]) -> io::Result<Vec<Attribute>> {
        let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        let path = path.as_slice();
        let list = |buffer: Option<&mut [u8]>| match buffer {
            None => rustix::fs::llistxattr_query(path),
            Some(buffer) => rustix::fs::llistxattr(path, buffer),
        };
        let found = read(list, |name, buffer| match buffer {
            None => rustix::fs::lgetxattr_query(path, name),
            Some(buffer) => rustix::fs::lgetxattr(path, name, buffer),
        });
        // Where /proc is not mounted they cannot be known, and hardly any symbolic link or device has one.
        found.or_else(
            |error| if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) },
        )
    }

    #[cfg(target_vendor = "apple")]
    pub(super) fn of_named(_: &impl AsFd, _: &[u8]) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }

    fn read(
        list: impl Fn(Option<&mut [u8]>) -> Result<usize, Errno>,
        get: impl Fn(&[u8], Option<&mut [u8]>) -> Result<usize, Errno>,
    ) -> io::Result<Vec<Attribute>> {
        let names = match whole(&list) {
            Ok(names) => names,
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut found = Vec::new();
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            match whole(|buffer| get(name, buffer)) {
                Ok(value) => found.push(Attribute { name: name.to_vec(), value }),
                // It was removed in between, or is listed without being for us.
                Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM | Errno::ACCESS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// What a call gives that is first asked, without a buffer, for its length.
    fn whole(call: impl Fn(Option<&mut [u8]>) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
        for _ in 0..ATTEMPTS {
            let length = call(None)?;
            if length == 0 {
                return Ok(Vec::new());
            }
            let mut buffer = vec![0; length];
            match call(Some(&mut buffer)) {
                Ok(length) => {
                    buffer.truncate(length);
                    return Ok(buffer);
                }
                Err(Errno::RANGE) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::RANGE)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod attributes {
    use super::{AsFd, Attribute, io};

    pub(super) fn of_open(_: &impl AsFd) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }

    pub(super) fn of_named(_: &impl AsFd, _: &[u8]) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }
}
