//! Trees that come back by the command: bit for bit, in place, after a crash, and not onto a full disk.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use holdfast_tests::{Disk, Output, binary};

use crate::world::World;

/// Everything below a folder: name, kind, mode, owner, time, names and content.
fn listed(root: &Path) -> Result<Vec<String>> {
    let (mut found, mut waiting) = (Vec::new(), vec![root.to_owned()]);
    while let Some(place) = waiting.pop() {
        let metadata = std::fs::symlink_metadata(&place)?;
        let name = place.strip_prefix(root)?.as_os_str().as_bytes().escape_ascii().to_string();
        let content = if metadata.is_file() {
            blake3::hash(&std::fs::read(&place)?).to_string()
        } else if metadata.is_symlink() {
            std::fs::read_link(&place)?.as_os_str().as_bytes().escape_ascii().to_string()
        } else {
            String::new()
        };
        let links = if metadata.is_dir() { 0 } else { metadata.nlink() };
        let time = (metadata.mtime(), metadata.mtime_nsec());
        let owner = (metadata.uid(), metadata.gid());
        found.push(format!("{name} {:o} {owner:?} {time:?} {links} {content}", metadata.mode()));
        if metadata.is_dir() {
            for entry in std::fs::read_dir(&place)? {
                waiting.push(entry?.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A tree with most of what trees have.
fn make_tree(root: &Path) -> Result<()> {
    std::fs::create_dir_all(root.join("etc/nginx"))?;
    std::fs::write(root.join("etc/nginx/nginx.conf"), "server {}\n")?;
    std::fs::write(root.join("etc/empty"), "")?;
    std::fs::write(root.join("app"), noise(3_000_000, 1))?;
    std::fs::set_permissions(root.join("app"), std::fs::Permissions::from_mode(0o751))?;
    std::fs::hard_link(root.join("app"), root.join("etc/app"))?;
    std::os::unix::fs::symlink("../app", root.join("etc/link"))?;
    let odd = std::ffi::OsStr::from_bytes(b"odd\n\x1b[2J\xff");
    std::fs::write(root.join(odd), "odd")?;
    let sparse = std::fs::File::create(root.join("sparse"))?;
    sparse.set_len(5_000_000)?;
    std::fs::set_permissions(root.join("etc"), std::fs::Permissions::from_mode(0o500))?;
    Ok(())
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn snapshot_of_tree() -> Result<(World, PathBuf)> {
    let world = World::new()?;
    let tree = world.home.path().join("tree");
    make_tree(&tree)?;
    world.good("snapshot shop/data@1 tree")?;
    Ok((world, tree))
}

#[test]
fn a_tree_is_snapshotted_listed_read_and_restored_bit_for_bit() -> Result<()> {
    let (world, tree) = snapshot_of_tree()?;
    let said = world.good("restore shop/data@1 --to back")?;
    assert!(said.contains("restored shop/data@1"), "{said}");
    assert_eq!(listed(&tree)?, listed(&world.home.path().join("back"))?);
    let sparse = std::fs::metadata(world.home.path().join("back/sparse"))?;
    assert!(sparse.blocks() * 512 < 5_000_000);

    assert_eq!(world.good("ls shop/data@1 etc")?, "app\nempty\nlink\nnginx/\n");
    let long = world.good("ls -l -R shop/data@1")?;
    assert!(long.contains("-rwxr-x--x") && long.contains("etc/app = app"), "{long}");
    assert!(long.contains("odd\\u{a}\\u{1b}[2J\\xff"), "{long}");
    let json: serde_json::Value = serde_json::from_str(&world.good("ls shop/data@1 --format json")?)?;
    assert!(json.to_string().contains("path_base64\":\"b2RkChtbMkr/"), "{json}");
    assert_eq!(world.good("cat shop/data@1 etc/nginx/nginx.conf")?, "server {}\n");
    assert_eq!(world.good("cat shop/data@1 etc/nginx/nginx.conf --range 7-9")?, "{}");
    assert_eq!(world.good("cat shop/data@1 sparse --range 4999990-")?, "\0".repeat(10));
    for words in ["ls shop/data@1 nothing", "cat shop/data@1 nothing", "restore shop/data@1 nothing --to x"] {
        let refused = world.bad(3, words)?;
        assert!(refused.contains("is not in the snapshot"), "{refused}");
    }
    world.bad(2, "cat shop/data@1 etc")?;
    world.bad(2, "ls shop/web@1 ..")?;
    world.good("verify shop/data@1")?;
    world.good("verify back --ref shop/data@1")?;
    world.good("pull shop/data@1 --to pulled")?;
    assert_eq!(listed(&tree)?, listed(&world.home.path().join("pulled"))?);
    Ok(())
}

#[test]
fn a_restore_in_place_says_first_what_it_does_and_then_does_that() -> Result<()> {
    let (world, tree) = snapshot_of_tree()?;
    let place = |name: &str| world.home.path().join(name);
    world.good("restore shop/data@1 --to back")?;
    std::fs::write(place("back/etc/nginx/nginx.conf"), "changed")?;
    std::fs::write(place("back/mine"), "mine")?;
    let refused = world.bad(2, "restore shop/data@1 --to back")?;
    assert!(refused.contains("--in-place"), "{refused}");
    world.bad(2, "restore shop/data@1 --to back --delete")?;
    let dry = world.good("restore shop/data@1 --to back --in-place --delete --dry-run")?;
    assert!(dry.contains("remove    mine") && dry.contains("replace   etc/nginx/nginx.conf"), "{dry}");
    assert!(place("back/mine").exists());
    world.bad(4, "verify back --ref shop/data@1")?;
    let done = world.good("restore shop/data@1 --to back --in-place --delete")?;
    assert!(done.contains("1 removed"), "{done}");
    assert_eq!(listed(&tree)?, listed(&place("back"))?);

    std::fs::write(place("tree/etc/nginx/nginx.conf"), "server { listen 80; }\n")?;
    std::fs::write(place("tree/new"), "new")?;
    world.good("snapshot shop/data@2 tree")?;
    let diff = world.good("diff shop/data@1 shop/data@2")?;
    assert!(diff.contains("M etc/nginx/nginx.conf\n") && diff.contains("+ new\n"), "{diff}");
    let found = world.good("find shop/data nginx.conf")?;
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(found.lines().all(|line| line.contains("* ")), "{found}");
    let found = world.good("find shop/data /etc/*ink --format json")?;
    let found: serde_json::Value = serde_json::from_str(&found)?;
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(found[1]["target"], "../app");
    world.good("restore shop/data@2 --to part new etc/nginx")?;
    assert_eq!(std::fs::read_dir(place("part"))?.count(), 2);
    Ok(())
}

/// A snapshot of so many files of 200 KB, of which no two are alike.
fn snapshot_of_many(files: u64) -> Result<(World, PathBuf)> {
    let world = World::new()?;
    let tree = world.home.path().join("tree");
    for number in 0..files {
        let folder = tree.join(format!("{}", number % 7));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{number}")), noise(200_000, number))?;
    }
    world.good("snapshot shop/data@1 tree")?;
    Ok((world, tree))
}

/// The command as a process that a test can end.
fn restoring(world: &World, more: &str) -> Result<Command> {
    let mut command = Command::new(binary("holdfast")?);
    command.args(["restore", "shop/data@1", "--to", "back"]).args(more.split_whitespace());
    command.current_dir(world.home.path()).env_clear().env("HOLDFAST_HOME", world.home.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

#[test]
fn t10_a_restore_that_is_killed_goes_on_and_leaves_nothing_of_its_own() -> Result<()> {
    let (world, tree) = snapshot_of_many(300)?;
    let back = world.home.path().join("back");
    let mut kills = 0;
    for round in 0..6 {
        let mut child = restoring(&world, if round == 0 { "" } else { "--in-place" })?.spawn()?;
        let (begun, before) = (Instant::now(), count_files(&back));
        while child.try_wait()?.is_none() && begun.elapsed() < Duration::from_secs(30) {
            if count_files(&back) > before + 20 {
                child.kill()?;
                kills += 1;
                break;
            }
        }
        child.wait()?;
        for (name, whole) in whole_files(&back)? {
            assert!(whole, "{name} has its final name and is not whole");
        }
    }
    assert!(kills > 0, "no restore was killed in its middle");
    world.good("restore shop/data@1 --to back --in-place")?;
    assert_eq!(listed(&tree)?, listed(&back)?);
    Ok(())
}

fn count_files(root: &Path) -> usize {
    let folders = std::fs::read_dir(root).into_iter().flatten().flatten();
    folders.map(|folder| std::fs::read_dir(folder.path()).map_or(0, Iterator::count)).sum()
}

/// The files under final names, and whether each is the one that the snapshot has.
fn whole_files(root: &Path) -> Result<Vec<(String, bool)>> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(root).into_iter().flatten() {
        for file in std::fs::read_dir(folder?.path())? {
            let file = file?;
            let name = file.file_name().into_string().map_err(|_| anyhow::anyhow!("a name is text"))?;
            if let Ok(number) = name.parse() {
                found.push((name, std::fs::read(file.path())? == noise(200_000, number)));
            }
        }
    }
    Ok(found)
}

#[test]
fn t6_a_full_disk_ends_a_restore_with_what_to_do_and_no_half_file() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let (world, _) = snapshot_of_many(60)?;
    let home = world.home.path();
    std::fs::create_dir(home.join("small"))?;
    let script = "mount -t tmpfs -o size=4m none small && \"$0\" restore shop/data@1 --to small; exit=$?
        mkdir kept; cp -a small/* kept/; find small -name '*.part' -exec touch left-behind ';'; exit $exit";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(binary("holdfast")?);
    command
        .current_dir(home)
        .env_clear()
        .env("HOLDFAST_HOME", home)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let ended = command.stdin(Stdio::null()).output()?;
    let output = Output {
        exit: ended.status.code(),
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
    };
    assert_eq!(output.exit, Some(1), "{output:?}");
    assert!(output.stderr.contains("no room left") && output.stderr.contains("--in-place"), "{output:?}");
    assert!(!home.join("left-behind").exists());
    let kept = whole_files(&home.join("kept"))?;
    assert!(!kept.is_empty() && kept.iter().all(|(_, whole)| *whole), "{kept:?}");
    Ok(())
}

#[test]
fn t8_a_rotten_chunk_ends_a_restore_with_integrity_and_is_never_written() -> Result<()> {
    let (world, _) = snapshot_of_many(3)?;
    let chunks = world.objects().join("chunks/shop");
    let mut rotten = 0;
    for folder in std::fs::read_dir(&chunks).context("there are chunks")? {
        for chunk in std::fs::read_dir(folder?.path())? {
            let place = chunk?.path();
            let mut bytes = std::fs::read(&place)?;
            if bytes.len() > 100_000 {
                bytes[50_000] ^= 1;
                std::fs::write(&place, bytes)?;
                rotten += 1;
            }
        }
    }
    assert!(rotten > 0);
    let output = world.run("restore shop/data@1 --to back")?;
    assert_eq!(output.exit, Some(4), "{output:?}");
    assert_eq!(whole_files(&world.home.path().join("back"))?, []);
    Ok(())
}

#[test]
fn a_channel_means_the_data_of_its_known_good_release() -> Result<()> {
    let (world, tree) = snapshot_of_tree()?;
    world.good("push shop/web@1 dist")?;
    world.good("push shop/files@1 dist --kind snapshot --source here")?;
    let component = |name: &str, role: &str, reference: &str| {
        format!(
            "[[component]]\nname = \"{name}\"\nrole = \"{role}\"\nref = \"{reference}\"\nstage = 1\n[component.undo]\nmode = \"redeploy\"\n"
        )
    };
    let web = component("web", "code", "shop/web@1");
    let data = component("data", "data", "shop/data@1");
    let files = component("files", "data", "shop/files@1");
    std::fs::write(world.home.path().join("one.toml"), format!("{web}{data}"))?;
    std::fs::write(world.home.path().join("two.toml"), format!("{web}{data}{files}"))?;
    world.good("release shop/release@1 one.toml")?;
    world.good("pin shop/prod shop/release@1 -m good")?;
    world.good("restore channel:shop/prod --to back")?;
    assert_eq!(listed(&tree)?, listed(&world.home.path().join("back"))?);
    assert_eq!(world.good("ls channel:shop/prod etc/nginx")?, "nginx.conf\n");
    world.good("release shop/release@2 two.toml")?;
    world.good("pin shop/prod shop/release@2 -m good")?;
    world.good("restore channel:shop/prod --to both")?;
    assert_eq!(listed(&tree)?, listed(&world.home.path().join("both/data"))?);
    assert_eq!(std::fs::read_to_string(world.home.path().join("both/files/app"))?, "version 1");
    world.bad(2, "ls channel:shop/prod")?;
    let refused = world.bad(3, "restore shop/web@1 --to web")?;
    assert!(refused.contains("no snapshot"), "{refused}");
    Ok(())
}
