//! Folders on unix.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use holdfast_formats::catalog::{Attribute, FileTime, Metadata};
use rustix::fs::{
    self, AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, Uid,
    XattrFlags,
};
use rustix::io::Errno;

use super::{Kind, Names, Standing, Undone};

const FOLDER_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What the longest list of names of attributes may take on Linux.
const LIST_BYTES_MAX: usize = 64 * 1024;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// The root; links in its path are followed.
    pub(crate) fn root(path: &Path) -> io::Result<Self> {
        Ok(Self(fs::openat(CWD, path, FOLDER_FLAGS.difference(OFlags::NOFOLLOW), Mode::empty())?))
    }

    /// Keeps it for this process as long as the handle is there; false when another has it.
    pub(crate) fn lock(&self) -> bool {
        // Where a file system has no locks, nobody is kept away.
        !matches!(fs::flock(&self.0, fs::FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK))
    }

    /// A folder in this one.
    pub(crate) fn enter(&self, name: &[u8]) -> io::Result<Self> {
        Ok(Self(fs::openat(&self.0, name, FOLDER_FLAGS, Mode::empty())?))
    }

    /// Makes a folder for its owner only.
    pub(crate) fn make(&self, name: &[u8]) -> io::Result<()> {
        Ok(fs::mkdirat(&self.0, name, Mode::RWXU)?)
    }

    /// What stands there.
    pub(crate) fn look(&self, name: &[u8]) -> io::Result<Option<Standing>> {
        match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(standing(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The folder itself.
    pub(crate) fn look_at_itself(&self) -> io::Result<Standing> {
        Ok(standing(&fs::fstat(&self.0)?))
    }

    /// Makes a new file for its owner only.
    pub(crate) fn create(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Opens a file to read. Whatever else stands there is not waited for.
    pub(crate) fn open(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Gives something another name here; what has it is replaced.
    pub(crate) fn rename(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        Ok(fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Gives something another name here, unless something has it.
    pub(crate) fn rename_new(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        match fs::renameat_with(&self.0, from, &self.0, to, fs::RenameFlags::NOREPLACE) {
            // Some file systems cannot; then nothing but the check before is left.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match self.look(to)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => self.rename(from, to),
            },
            renamed => Ok(renamed?),
        }
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
        Ok(fs::symlinkat(target, &self.0, name)?)
    }

    /// Where a symbolic link leads.
    pub(crate) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(fs::readlinkat(&self.0, name, Vec::new())?.into_bytes())
    }

    /// Gives what stands in a folder another name here.
    pub(crate) fn link(&self, from: &Self, old: &[u8], new: &[u8]) -> io::Result<()> {
        Ok(fs::linkat(&from.0, old, &self.0, new, AtFlags::empty())?)
    }

    /// Makes a FIFO, device or socket for its owner only.
    #[cfg(not(target_vendor = "apple"))]
    pub(crate) fn special(&self, kind: Kind, name: &[u8]) -> io::Result<()> {
        let (file_type, device) = match kind {
            Kind::Fifo => (FileType::Fifo, 0),
            Kind::Socket => (FileType::Socket, 0),
            Kind::Character(device) => (FileType::CharacterDevice, fs::makedev(device.major, device.minor)),
            Kind::Block(device) => (FileType::BlockDevice, fs::makedev(device.major, device.minor)),
            Kind::Folder | Kind::File | Kind::Symlink | Kind::Other => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        };
        Ok(fs::mknodat(&self.0, name, file_type, Mode::RUSR | Mode::WUSR, device)?)
    }

    /// Not known here.
    #[cfg(target_vendor = "apple")]
    pub(crate) fn special(&self, _: Kind, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes what is no folder.
    pub(crate) fn remove(&self, name: &[u8]) -> io::Result<()> {
        gone(fs::unlinkat(&self.0, name, AtFlags::empty()))
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(&self, name: &[u8]) -> io::Result<()> {
        gone(fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR))
    }

    /// What stands in it, in no order.
    pub(crate) fn names(&self) -> io::Result<Names> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
        }
        Ok(names)
    }

    /// Lets its owner work in it until its own metadata is set.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        let standing = self.look_at_itself()?;
        let is_ours = rustix::process::geteuid().as_raw() == standing.owner;
        if standing.mode & 0o700 == 0o700 || !is_ours {
            return Ok(());
        }
        Ok(fs::fchmod(&self.0, Mode::from_raw_mode(standing.mode.into()) | Mode::RWXU)?)
    }

    /// Sets the folder's own metadata.
    pub(crate) fn dress(&self, wanted: &Metadata) -> io::Result<Undone> {
        dress(&self.0, wanted)
    }

    /// Whether the folder's own metadata is like that.
    pub(crate) fn is_dressed(&self, wanted: &Metadata) -> io::Result<bool> {
        is_dressed(&self.0, &self.look_at_itself()?, wanted)
    }

    /// Sets the metadata of a link or special file that was just made here.
    pub(crate) fn dress_name(&self, name: &[u8], wanted: &Metadata, kind: Kind) -> io::Result<Undone> {
        let privileged = u32::try_from(wanted.attributes.len()).unwrap_or(u32::MAX);
        let mut undone = Undone { privileged, ..Undone::default() };
        let (owner, group) = (Uid::from_raw(wanted.owner.id), Gid::from_raw(wanted.group.id));
        match fs::chownat(&self.0, name, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::PERM | Errno::INVAL) => undone.owner = true,
            done => done?,
        }
        if kind != Kind::Symlink {
            let mode = if undone.owner { wanted.mode & 0o1777 } else { wanted.mode };
            fs::chmodat(&self.0, name, Mode::from_raw_mode(mode.into()), AtFlags::empty())?;
        }
        fs::utimensat(&self.0, name, &times(wanted.modified), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(undone)
    }

    /// Whether a link or special file has such metadata.
    pub(crate) fn is_name_dressed(standing: &Standing, wanted: &Metadata) -> bool {
        let mode = standing.kind == Kind::Symlink || standing.mode == wanted.mode;
        mode && is_owned(standing, wanted) && standing.modified == wanted.modified
    }

    /// Makes everything on its file system durable.
    #[cfg(target_os = "linux")]
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(fs::syncfs(&self.0)?)
    }

    /// Makes its names durable.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.0)?)
    }
}

/// What an open file is.
pub(crate) fn look_at(file: &File) -> io::Result<Standing> {
    Ok(standing(&fs::fstat(file)?))
}

/// Sets the metadata of an open file.
pub(crate) fn dress_file(file: &File, wanted: &Metadata) -> io::Result<Undone> {
    dress(file, wanted)
}

/// Whether an open file has such metadata.
pub(crate) fn is_file_dressed(file: &File, standing: &Standing, wanted: &Metadata) -> io::Result<bool> {
    is_dressed(file, standing, wanted)
}

/// A changed owner ends set-user-id and capabilities, so it comes first; a file that is not to be written takes no
/// attributes, so its mode comes after them; time comes last.
fn dress(file: impl AsFd + Copy, wanted: &Metadata) -> io::Result<Undone> {
    let mut undone = Undone::default();
    match fs::fchown(file, Some(Uid::from_raw(wanted.owner.id)), Some(Gid::from_raw(wanted.group.id))) {
        Err(Errno::PERM | Errno::INVAL) => undone.owner = true,
        done => done?,
    }
    set_attributes(file, &wanted.attributes, &mut undone)?;
    // Nobody's program may get the rights of whoever restores it.
    let mode = if undone.owner { wanted.mode & 0o1777 } else { wanted.mode };
    fs::fchmod(file, Mode::from_raw_mode(mode.into()))?;
    fs::futimens(file, &times(wanted.modified))?;
    Ok(undone)
}

fn is_dressed(file: impl AsFd + Copy, standing: &Standing, wanted: &Metadata) -> io::Result<bool> {
    let plain =
        standing.mode == wanted.mode && is_owned(standing, wanted) && standing.modified == wanted.modified;
    Ok(plain && attributes(file)? == wanted.attributes)
}

const fn is_owned(standing: &Standing, wanted: &Metadata) -> bool {
    standing.owner == wanted.owner.id && standing.group == wanted.group.id
}

/// Makes the attributes those: others go, too, as far as the file's owner may decide that.
fn set_attributes(file: impl AsFd + Copy, wanted: &[Attribute], undone: &mut Undone) -> io::Result<()> {
    for name in attribute_names(file)? {
        if !wanted.iter().any(|a| a.name == name) && !is_privileged(&name) {
            // What is not there any more, or part of the mode, is as good as removed.
            let _ = fs::fremovexattr(file, name.as_slice());
        }
    }
    for attribute in wanted {
        if fs::fsetxattr(file, attribute.name.as_slice(), &attribute.value, XattrFlags::empty()).is_err() {
            let held = value(file, &attribute.name).is_ok_and(|held| held == attribute.value);
            match (held, is_privileged(&attribute.name)) {
                (true, _) => {}
                (false, true) => undone.privileged += 1,
                (false, false) => undone.attributes += 1,
            }
        }
    }
    Ok(())
}

/// Only an administrator may set these.
fn is_privileged(name: &[u8]) -> bool {
    name.starts_with(b"security.") || name.starts_with(b"trusted.")
}

fn attributes(file: impl AsFd + Copy) -> io::Result<Vec<Attribute>> {
    let mut names = attribute_names(file)?;
    names.sort_unstable();
    names.into_iter().map(|name| Ok(Attribute { value: value(file, &name)?, name })).collect()
}

fn attribute_names(file: impl AsFd) -> io::Result<Names> {
    let mut buffer = [0_u8; 512];
    let list = match fs::flistxattr(&file, &mut buffer[..]) {
        Ok(length) => buffer.get(..length).unwrap_or_default().to_vec(),
        Err(Errno::NOTSUP) => Vec::new(),
        Err(Errno::RANGE) => {
            let mut large = vec![0_u8; LIST_BYTES_MAX];
            let length = fs::flistxattr(&file, large.as_mut_slice())?;
            large.truncate(length);
            large
        }
        Err(error) => return Err(error.into()),
    };
    Ok(list.split(|b| *b == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
}

fn value(file: impl AsFd, name: &[u8]) -> io::Result<Vec<u8>> {
    let mut value = vec![0_u8; holdfast_formats::limits::TREE_ATTRIBUTE_BYTES_MAX];
    let length = fs::fgetxattr(file, name, value.as_mut_slice())?;
    value.truncate(length);
    Ok(value)
}

/// The time of the last read stays.
fn times(modified: FileTime) -> Timestamps {
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let last_modification = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanos.into() };
    Timestamps { last_access, last_modification }
}

fn gone(removed: Result<(), Errno>) -> io::Result<()> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "other systems have other widths")
)]
fn standing(stat: &Stat) -> Standing {
    let device = || holdfast_formats::catalog::Device {
        major: fs::major(stat.st_rdev),
        minor: fs::minor(stat.st_rdev),
    };
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Folder,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::Character(device()),
        FileType::BlockDevice => Kind::Block(device()),
        FileType::Socket => Kind::Socket,
        FileType::Unknown => Kind::Other,
    };
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Standing {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: u16::try_from(stat.st_mode & 0o7777).unwrap_or(0),
        owner: stat.st_uid,
        group: stat.st_gid,
        modified: FileTime { seconds: stat.st_mtime, nanos },
        links: u64::from(stat.st_nlink),
        identity: (u64::from(stat.st_dev), stat.st_ino),
    }
}
