//! Directories and files where there is no unix: by path, with names that are Unicode, and without owners, inodes,
//! extended attributes and holes. Every file is read again each time, because nothing tells that it is the same.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use holdfast_formats::catalog::{Attribute, FileTime, Owner};

use super::{Look, LookKind, Names, Segment};

/// A directory by its path.
#[derive(Debug)]
pub(in super::super) struct Directory(PathBuf);

impl Directory {
    /// The root of a tree.
    pub(in super::super) fn root(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            return Ok(Self(path.to_owned()));
        }
        Err(io::ErrorKind::NotADirectory.into())
    }

    fn place(&self, name: &[u8]) -> io::Result<PathBuf> {
        let name = std::str::from_utf8(name).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(self.0.join(name))
    }

    /// A directory in this one.
    pub(in super::super) fn open(&self, name: &[u8]) -> io::Result<Self> {
        let place = self.place(name)?;
        if fs::symlink_metadata(&place)?.is_dir() {
            return Ok(Self(place));
        }
        Err(io::ErrorKind::NotADirectory.into())
    }

    /// The directory that this one is in.
    pub(in super::super) fn above(&self) -> io::Result<Self> {
        Ok(Self(self.0.parent().ok_or(io::ErrorKind::NotFound)?.to_owned()))
    }

    /// Opens a regular file in it.
    pub(in super::super) fn file(&self, name: &[u8]) -> io::Result<OpenFile> {
        let place = self.place(name)?;
        if fs::symlink_metadata(&place)?.is_file() {
            return File::open(place).map(OpenFile);
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// What stands in it, sorted.
    pub(in super::super) fn names(&self) -> Names {
        let (mut names, mut failure) = (Vec::new(), None);
        match fs::read_dir(&self.0) {
            Ok(entries) => {
                for entry in entries {
                    match entry.map(|entry| entry.file_name().into_string()) {
                        Ok(Ok(name)) => names.push(name.into_bytes()),
                        Ok(Err(_)) => failure = Some(io::ErrorKind::InvalidData.into()),
                        Err(error) => failure = Some(error),
                    }
                }
            }
            Err(error) => failure = Some(error),
        }
        names.sort_unstable();
        Names { names, failure }
    }

    /// Looks at something in it.
    pub(in super::super) fn look(&self, name: &[u8]) -> io::Result<Look> {
        Ok(look_of(&fs::symlink_metadata(self.place(name)?)?))
    }

    /// Looks at the directory itself.
    pub(in super::super) fn look_at_itself(&self) -> io::Result<Look> {
        Ok(look_of(&fs::metadata(&self.0)?))
    }

    /// Where a symbolic link in it points.
    pub(in super::super) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        let target = fs::read_link(self.place(name)?)?.into_os_string();
        target.into_string().map(String::into_bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// None are known here.
    pub(in super::super) fn attributes(&self) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }

    /// None are known here.
    pub(in super::super) fn attributes_of(&self, _: &[u8]) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }
}

/// An open file.
#[derive(Debug)]
pub(in super::super) struct OpenFile(File);

impl OpenFile {
    /// What is known of it now.
    pub(in super::super) fn look(&self) -> io::Result<Look> {
        Ok(look_of(&self.0.metadata()?))
    }

    /// None are known here.
    pub(in super::super) fn attributes(&self) -> io::Result<Vec<Attribute>> {
        Ok(Vec::new())
    }

    /// Continues to read from there.
    pub(in super::super) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    /// All of it.
    pub(in super::super) fn segments(&self, size: u64) -> Vec<Segment> {
        if size == 0 { Vec::new() } else { vec![Segment { start: 0, length: size }] }
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Nobody owns anything here.
#[derive(Debug, Default)]
pub(in super::super) struct Owners;

impl Owners {
    /// The user with this number.
    pub(in super::super) fn user(&self, id: u32) -> Owner {
        Owner { id, name: Vec::new() }
    }

    /// The group with this number.
    pub(in super::super) fn group(&self, id: u32) -> Owner {
        Owner { id, name: Vec::new() }
    }
}

fn look_of(metadata: &Metadata) -> Look {
    let (kind, mode) = if metadata.is_dir() {
        (LookKind::Directory, 0o755)
    } else if metadata.is_file() {
        (LookKind::File, if metadata.permissions().readonly() { 0o444 } else { 0o644 })
    } else if metadata.is_symlink() {
        (LookKind::Symlink, 0o777)
    } else {
        (LookKind::Other, 0)
    };
    let since =
        metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
    Look {
        kind,
        mode,
        owner: 0,
        group: 0,
        size: metadata.len(),
        modified: FileTime { seconds, nanos: since.subsec_nanos() },
        changed: None,
        identity: (0, 0),
        links: 1,
        may_have_holes: false,
    }
}
