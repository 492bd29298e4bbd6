//! Folders where there is no unix: names are Unicode, and of metadata only the time is set.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use holdfast_formats::catalog::{FileTime, Metadata};

use super::{Kind, Names, Standing, Undone};

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(Dir);

impl Folder {
    /// The root; links in its path are followed.
    pub(crate) fn root(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    /// Nobody is kept away.
    pub(crate) fn lock(&self) -> bool {
        true
    }

    /// A folder in this one.
    pub(crate) fn enter(&self, name: &[u8]) -> io::Result<Self> {
        let name = text(name)?;
        if self.0.symlink_metadata(name)?.is_dir() {
            return self.0.open_dir(name).map(Self);
        }
        Err(io::ErrorKind::NotADirectory.into())
    }

    /// Makes a folder.
    pub(crate) fn make(&self, name: &[u8]) -> io::Result<()> {
        self.0.create_dir(text(name)?)
    }

    /// What stands there.
    pub(crate) fn look(&self, name: &[u8]) -> io::Result<Option<Standing>> {
        match self.0.symlink_metadata(text(name)?) {
            Ok(metadata) => Ok(Some(standing(&metadata))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Makes a new file.
    pub(crate) fn create(&self, name: &[u8]) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        self.0.open_with(text(name)?, &options).map(cap_std::fs::File::into_std)
    }

    /// Opens a file to read.
    pub(crate) fn open(&self, name: &[u8]) -> io::Result<File> {
        let name = text(name)?;
        if self.0.symlink_metadata(name)?.is_file() {
            return self.0.open(name).map(cap_std::fs::File::into_std);
        }
        Err(io::ErrorKind::InvalidInput.into())
    }

    /// Gives something another name here; what has it is replaced.
    pub(crate) fn rename(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        self.0.rename(text(from)?, &self.0, text(to)?)
    }

    /// Gives something another name here, unless something has it.
    pub(crate) fn rename_new(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        match self.look(to)? {
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            None => self.rename(from, to),
        }
    }

    /// Symbolic links need rights and a kind that a catalog does not know.
    pub(crate) fn symlink(&self, _: &[u8], _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Where a symbolic link leads.
    pub(crate) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        let target = self.0.read_link_contents(text(name)?)?.into_os_string();
        target.into_string().map(String::into_bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Gives what stands in a folder another name here.
    pub(crate) fn link(&self, from: &Self, old: &[u8], new: &[u8]) -> io::Result<()> {
        from.0.hard_link(text(old)?, &self.0, text(new)?)
    }

    /// Not known here.
    pub(crate) fn special(&self, _: Kind, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes what is no folder.
    pub(crate) fn remove(&self, name: &[u8]) -> io::Result<()> {
        self.0.remove_file(text(name)?)
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(&self, name: &[u8]) -> io::Result<()> {
        self.0.remove_dir(text(name)?)
    }

    /// What stands in it, in no order.
    pub(crate) fn names(&self) -> io::Result<Names> {
        let name = |entry: io::Result<cap_std::fs::DirEntry>| {
            let name = entry?.file_name().into_string();
            name.map(String::into_bytes).map_err(|_| io::ErrorKind::InvalidData.into())
        };
        self.0.entries()?.map(name).collect()
    }

    /// There is nothing to unlock.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing of a folder's own is set.
    pub(crate) fn dress(&self, _: &Metadata) -> io::Result<Undone> {
        Ok(Undone { owner: true, ..Undone::default() })
    }

    /// Nothing of it counts.
    pub(crate) fn is_dressed(&self, _: &Metadata) -> io::Result<bool> {
        Ok(true)
    }

    /// Nothing of a link is set.
    pub(crate) fn dress_name(&self, _: &[u8], _: &Metadata, _: Kind) -> io::Result<Undone> {
        Ok(Undone { owner: true, ..Undone::default() })
    }

    /// Nothing of it counts.
    pub(crate) fn is_name_dressed(_: &Standing, _: &Metadata) -> bool {
        true
    }

    /// The system does so in its own time.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What an open file is.
pub(crate) fn look_at(file: &File) -> io::Result<Standing> {
    let metadata = cap_std::fs::File::from_std(file.try_clone()?).metadata()?;
    Ok(standing(&metadata))
}

/// Sets the time of an open file.
pub(crate) fn dress_file(file: &File, wanted: &Metadata) -> io::Result<Undone> {
    let FileTime { seconds, nanos } = wanted.modified;
    let time = Duration::new(u64::try_from(seconds).unwrap_or(0), nanos);
    file.set_modified(SystemTime::UNIX_EPOCH + time)?;
    Ok(Undone { owner: true, ..Undone::default() })
}

/// Whether an open file has such metadata, as far as there is any.
pub(crate) fn is_file_dressed(_: &File, standing: &Standing, wanted: &Metadata) -> io::Result<bool> {
    Ok(standing.modified == wanted.modified)
}

fn text(name: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.contains(['\\', ':', '<', '>', '"', '|', '?', '*']))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidFilename, "this system has no such names"))
}

fn standing(metadata: &cap_std::fs::Metadata) -> Standing {
    let kind = match metadata {
        m if m.is_dir() => Kind::Folder,
        m if m.is_file() => Kind::File,
        m if m.is_symlink() => Kind::Symlink,
        _ => Kind::Other,
    };
    let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
    let since = modified.and_then(|m| m.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    let modified =
        FileTime { seconds: i64::try_from(since.as_secs()).unwrap_or(0), nanos: since.subsec_nanos() };
    Standing { kind, size: metadata.len(), mode: 0, owner: 0, group: 0, modified, links: 1, identity: (0, 0) }
}
