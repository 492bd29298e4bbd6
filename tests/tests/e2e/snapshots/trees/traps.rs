//! Trees that are hard to read: odd names, deep paths, loops, holes, links, and what may not be read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use anyhow::Result;
use holdfast_client::TreeRequest;
use holdfast_formats::catalog::{Node, Part, TreePath};
use holdfast_formats::wire::v1::ExitCode;
use holdfast_tests::{Folder, of};
use rustix::fs::{CWD, Mode, OFlags, XattrFlags};

use super::found::{Found, in_snapshot, on_disk, summary};
use super::{noise, request, snapshot, world};

fn path(bytes: &[u8]) -> TreePath {
    TreePath::new(bytes.to_vec()).expect("a path")
}

#[tokio::test(flavor = "multi_thread")]
async fn names_links_pipes_and_sockets_are_kept_as_they_are_and_nothing_is_followed() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("plain", "text")?.file("sub/file", "x")?.program("run", "#!/bin/sh")?;
    for name in [b"new\nline".as_slice(), b"\x1b[31mred", b"not \xff\xfe utf-8", b"sub!", b"sub.d"] {
        fs::write(folder.path().join(OsStr::from_bytes(name)), name)?;
    }
    symlink("..", folder.join("sub/loop"))?;
    symlink("/etc", folder.join("outside"))?;
    symlink("nowhere\n", folder.join("dangling"))?;
    fs::hard_link(folder.join("plain"), folder.join("another"))?;
    fs::hard_link(folder.join("plain"), folder.join("sub/third"))?;
    rustix::fs::mknodat(CWD, folder.join("pipe"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o640), 0)?;
    let _listening = UnixListener::bind(folder.join("socket"))?;
    fs::set_permissions(folder.join("sub/file"), fs::Permissions::from_mode(0o6751))?;

    let made = snapshot(&ana, "shop/data@1", folder.path()).await?;
    assert!(made.is_complete(), "{:?}", made.unread);
    let found = in_snapshot(&ana, "shop/data@1").await?;
    assert_eq!(found, on_disk(folder.path())?);
    assert_eq!(found[&path(b"plain")], Found::Link(path(b"another")));
    assert_eq!(snapshot(&ana, "shop/data@2", folder.path()).await?.stats.read_files, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_deeper_than_any_limit_of_the_system_are_walked() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::empty()?;
    // 100 levels with names of 80 bytes, more than twice what a path may have.
    let name = "d".repeat(80);
    let mut directory = File::open(folder.path())?;
    for level in 0..100 {
        rustix::fs::mkdirat(&directory, &name, Mode::from_raw_mode(0o755))?;
        for file in ["a", "z"] {
            let flags = OFlags::CREATE | OFlags::WRONLY;
            let opened = rustix::fs::openat(&directory, file, flags, Mode::from_raw_mode(0o644))?;
            File::from(opened).write_all(format!("{level}").as_bytes())?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        directory = File::from(rustix::fs::openat(&directory, &name, flags, Mode::empty())?);
    }
    let made = snapshot(&ana, "shop/data@1", folder.path()).await?;
    assert!(made.is_complete(), "{:?}", made.unread);
    assert_eq!((made.stats.files, made.stats.directories), (200, 101));
    let found = in_snapshot(&ana, "shop/data@1").await?;
    let deepest = found.keys().map(|path| path.as_bytes().len()).max();
    assert_eq!(deepest, Some(100 * 81 - 1));
    let last = format!("{}z", format!("{name}/").repeat(99));
    let Found::Node { what, .. } = &found[&path(last.as_bytes())] else { unreachable!("it is a file") };
    assert_eq!(*what, summary(b"99"));
    assert_eq!(snapshot(&ana, "shop/data@2", folder.path()).await?.stats.read_files, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_are_kept_as_holes() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::empty()?;
    for (name, size, at) in [("small", 900_000, 409_600), ("large", 30_000_000, 20_480_000)] {
        let mut file = File::create(folder.join(name))?;
        file.write_all(&noise(1, 8192))?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&noise(2, 8192))?;
        file.set_len(size)?;
    }
    File::create(folder.join("nothing"))?.set_len(1 << 20)?;
    let made = snapshot(&ana, "shop/data@1", folder.path()).await?;
    assert_eq!(made.stats.new_bytes, 2 * 8192, "what was written, and is the same in both");
    assert_eq!(in_snapshot(&ana, "shop/data@1").await?, on_disk(folder.path())?);
    let record = ana.registry().artifact(&of("shop/data@1")).await?;
    for entry in ana.registry().catalog(&record).await?.entries()? {
        if let Node::File(_, content) = entry?.node {
            let holes = content.parts.iter().filter(|part| matches!(part, Part::Hole(_))).count();
            assert!(holes >= 1, "{content:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn extended_attributes_of_files_directories_and_the_root_are_kept() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("sub/file", "x")?;
    let set = |place: &str, name: &str, value: &[u8]| {
        rustix::fs::setxattr(folder.join(place), name, value, XattrFlags::empty())
    };
    if set("sub/file", "user.note", &[0, 1, 255]).is_err() {
        // The file system of this machine's temporary folder has none.
        return Ok(());
    }
    set("sub/file", "user.empty", b"")?;
    set("sub", "user.kind", b"directory")?;
    snapshot(&ana, "shop/data@1", folder.path()).await?;
    snapshot(&ana, "shop/data@2", folder.path()).await?;
    for version in ["shop/data@1", "shop/data@2"] {
        let record = ana.registry().artifact(&of(version)).await?;
        let mut found = Vec::new();
        for entry in ana.registry().catalog(&record).await?.entries()? {
            for attribute in entry?.node.metadata().map(|m| m.attributes.clone()).unwrap_or_default() {
                found.push((attribute.name, attribute.value));
            }
        }
        let wanted = [
            (b"user.kind".to_vec(), b"directory".to_vec()),
            (b"user.empty".to_vec(), Vec::new()),
            (b"user.note".to_vec(), vec![0, 1, 255]),
        ];
        found.retain(|(name, _)| name.starts_with(b"user."));
        assert_eq!(found, wanted, "{version}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pattern_names_is_left_out_and_a_wrong_one_is_refused() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("keep", "x")?.file("a.tmp", "x")?.file("sub/b.tmp", "x")?;
    let folder =
        folder.file("build/out", "x")?.file("sub/build", "a file")?.file("sub/top", "x")?.file("top", "x")?;
    let with = |patterns: &[&str]| {
        let exclude = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        request("shop/data@1", folder.path(), |request: &mut TreeRequest| request.exclude = exclude)
    };
    let made = ana.registry().snapshot_tree(&with(&["*.tmp", "build/", "/top"])).await?;
    assert!(made.is_complete());
    let found: Vec<_> = in_snapshot(&ana, "shop/data@1").await?.into_keys().collect();
    assert_eq!(found, [b"".as_slice(), b"keep", b"sub", b"sub/build", b"sub/top"].map(path));
    let refused = ana.registry().stage_tree(&with(&["[x"])).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Usage, "{refused}");
    for root in [folder.join("keep"), folder.join("absent")] {
        let request = request("shop/data@2", &root, |_| {});
        assert_eq!(ana.registry().stage_tree(&request).await.unwrap_err().exit(), ExitCode::Usage);
    }
    Ok(())
}
