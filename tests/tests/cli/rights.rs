//! Trees whose rights matter: lists of who may what come back, and what may not be read is told.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use holdfast_tests::{Output, binary};
use rustix::fs::XattrFlags;

use crate::world::World;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// A list as Linux keeps it: version 2, then tag, rights and id of each of its lines.
fn list(named_user: u32) -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let lines: [(u16, u16, u32); 5] =
        [(0x01, 6, NOBODY), (0x02, 4, named_user), (0x04, 4, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in lines {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn set(place: &Path, name: &str, value: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::setxattr(place, name, value, XattrFlags::empty())
}

/// A list of a file or folder; nothing when it has none.
fn get(place: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let length = rustix::fs::getxattr(place, name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

#[test]
fn access_lists_come_back_and_folders_that_hand_theirs_on_add_none() -> Result<()> {
    let world = World::new()?;
    let (tree, back) = (world.home.path().join("tree"), world.home.path().join("back"));
    fs::create_dir_all(tree.join("shared/below"))?;
    fs::write(tree.join("shared/plain"), "plain")?;
    fs::write(tree.join("shared/below/plain"), "plain")?;
    fs::write(tree.join("listed"), "listed")?;
    if set(&tree.join("listed"), ACCESS, &list(1234)).is_err() {
        // The file system of this machine's temporary folder has none.
        return Ok(());
    }
    // Only what is made from now on would take it over.
    set(&tree.join("shared"), DEFAULT, &list(4321))?;
    world.good("snapshot shop/data@1 tree")?;
    world.good("restore shop/data@1 --to back")?;
    let is_right = || {
        assert_eq!(get(&back.join("listed"), ACCESS), Some(list(1234)));
        assert_eq!(fs::metadata(back.join("listed"))?.permissions().mode() & 0o7777, 0o640);
        assert_eq!(get(&back.join("shared"), DEFAULT), Some(list(4321)));
        for (place, name) in
            [("shared/plain", ACCESS), ("shared/below", DEFAULT), ("shared/below/plain", ACCESS)]
        {
            assert_eq!(get(&back.join(place), name), None, "{place}");
        }
        anyhow::Ok(())
    };
    is_right()?;
    // What is made again in a folder that has its list already takes over nothing of it, and a wrong list is mended.
    fs::remove_file(back.join("shared/plain"))?;
    fs::remove_dir_all(back.join("shared/below"))?;
    set(&back.join("listed"), ACCESS, &list(99))?;
    world.good("restore shop/data@1 --to back --in-place")?;
    is_right()?;
    Ok(())
}

/// Runs the command as somebody from whom rights to a file can be taken: not as the administrator, who may read all.
fn run_without_privilege(world: &World, words: &str) -> Result<Output> {
    let home = world.home.path();
    let is_administrator = rustix::process::geteuid().is_root();
    let mut command = Command::new(if is_administrator { OsStr::new("setpriv") } else { OsStr::new("env") });
    if is_administrator {
        command.arg("--bounding-set=-dac_override,-dac_read_search");
    }
    command.arg(binary("holdfast")?).args(words.split_whitespace());
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    command.current_dir(home).env_clear().env("HOLDFAST_HOME", home).env("PATH", path);
    let ended = command.stdin(Stdio::null()).output()?;
    Ok(Output {
        exit: ended.status.code(),
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
    })
}

#[test]
fn what_may_not_be_read_is_told_and_all_else_is_stored() -> Result<()> {
    let world = World::new()?;
    let tree = world.home.path().join("tree");
    fs::create_dir_all(tree.join("closed"))?;
    for name in ["open", "secret", "closed/inside"] {
        fs::write(tree.join(name), name)?;
    }
    let allow = |place: &str, mode| fs::set_permissions(tree.join(place), fs::Permissions::from_mode(mode));
    allow("secret", 0)?;
    allow("closed", 0)?;
    let told = run_without_privilege(&world, "snapshot shop/data@1 tree")?;
    allow("secret", 0o600)?;
    allow("closed", 0o700)?;
    assert_eq!(told.exit, Some(11), "{told:?}");
    for name in ["secret", "closed"] {
        assert!(told.stderr.contains(name) && told.stderr.contains("ermission denied"), "{told:?}");
    }
    world.good("restore shop/data@1 --to back")?;
    assert_eq!(fs::read(world.home.path().join("back/open"))?, b"open");
    assert!(!world.home.path().join("back/secret").exists());
    // The next one that may read all of it is whole, whatever its parent lacks.
    world.good("snapshot shop/data@2 tree")?;
    world.good("restore shop/data@2 --to whole")?;
    for name in ["open", "secret", "closed/inside"] {
        assert_eq!(fs::read(world.home.path().join("whole").join(name))?, name.as_bytes());
    }
    Ok(())
}
