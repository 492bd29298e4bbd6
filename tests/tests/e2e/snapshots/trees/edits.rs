//! Random trees, changed at random: a snapshot that builds upon another says the same as one that read everything.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use holdfast_client::{CatalogFile, ParentChoice};
use holdfast_formats::catalog::{Entry, Node};
use holdfast_tests::{Folder, Person, of};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use super::found::{in_snapshot, on_disk};
use super::{noise, request, world};

/// A change of a tree.
#[derive(Debug, Clone)]
enum Edit {
    Write { name: u8, size: usize, seed: u64 },
    Remove(u8),
    Move(u8, u8),
    Mode(u8, u32),
    Append(u8),
    Symlink(u8, u8),
    HardLink(u8, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let size = prop_oneof![4 => 0..200_000_usize, 1 => Just(0), 1 => 1_000_000..2_500_000_usize];
    let name = 0..60_u8;
    prop_oneof![
        8 => (name.clone(), size, 0..50_u64).prop_map(|(name, size, seed)| Edit::Write { name, size, seed }),
        2 => name.clone().prop_map(Edit::Remove),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => (name.clone(), 0..0o1000_u32).prop_map(|(name, mode)| Edit::Mode(name, mode | 0o400)),
        1 => name.clone().prop_map(Edit::Append),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Edit::Symlink(from, to)),
        1 => (name.clone(), name).prop_map(|(from, to)| Edit::HardLink(from, to)),
    ]
}

/// Names in a few directories, some of them odd, some sorting around the slash.
fn place(root: &Path, name: u8) -> PathBuf {
    let file: &[u8] = match name % 6 {
        0 => b"plain",
        1 => b"new\nline",
        2 => b"\xff\xfe",
        3 => b"sub!",
        4 => b"sub.",
        _ => b"~",
    };
    let directory =
        ["", "a", "a/sub", "a/sub/b", "a!", "b", "c/d", "c", "sub", "z"][usize::from(name / 6) % 10];
    root.join(directory).join(OsStr::from_bytes(file))
}

fn apply(root: &Path, edit: &Edit) -> Result<()> {
    let target = match edit {
        Edit::Write { name, .. } | Edit::Remove(name) | Edit::Mode(name, _) | Edit::Append(name) => *name,
        Edit::Move(_, to) | Edit::Symlink(_, to) | Edit::HardLink(_, to) => *to,
    };
    let target = place(root, target);
    fs::create_dir_all(target.parent().unwrap_or(root))?;
    let is_file = |place: &Path| fs::symlink_metadata(place).is_ok_and(|metadata| metadata.is_file());
    let clear = |place: &Path| fs::remove_file(place).is_ok();
    match edit {
        Edit::Write { size, seed, .. } => {
            clear(&target);
            fs::write(&target, noise(*seed, *size))?;
        }
        Edit::Remove(_) => drop(clear(&target)),
        Edit::Mode(_, mode) if is_file(&target) => {
            fs::set_permissions(&target, fs::Permissions::from_mode(*mode))?;
        }
        Edit::Append(_) if is_file(&target) => {
            let mut bytes = fs::read(&target)?;
            bytes.extend_from_slice(b"more");
            fs::write(&target, bytes)?;
        }
        Edit::Move(from, _) if is_file(&place(root, *from)) => fs::rename(place(root, *from), &target)?,
        Edit::Symlink(from, _) => {
            clear(&target);
            symlink(place(root, *from), &target)?;
        }
        Edit::HardLink(from, to) if from != to && is_file(&place(root, *from)) => {
            clear(&target);
            fs::hard_link(place(root, *from), &target)?;
        }
        Edit::Mode(..) | Edit::Append(_) | Edit::Move(..) | Edit::HardLink(..) => {}
    }
    Ok(())
}

/// Entries without what may differ: where in chunks files lie, and by what they are known again.
fn bare(catalog: &CatalogFile) -> Result<BTreeMap<Vec<u8>, Entry>> {
    let mut entries = BTreeMap::new();
    for entry in catalog.entries()? {
        let mut entry = entry?;
        if let Node::File(_, content) = &mut entry.node {
            content.parts.clear();
        }
        entries.insert(entry.path.as_bytes().to_vec(), entry);
    }
    Ok(entries)
}

async fn check(ana: &Person, root: &Path, name: &str, steps: &[Vec<Edit>]) -> Result<()> {
    for (at, edits) in steps.iter().enumerate() {
        for edit in edits {
            apply(root, edit)?;
        }
        let (changed, whole) = (format!("{name}@{at}"), format!("{name}-whole@{at}"));
        let made = ana.registry().snapshot_tree(&request(&changed, root, |_| {})).await?;
        anyhow::ensure!(made.is_complete(), "{:?} {:?}", made.unread, made.changing);
        let full = request(&whole, root, |request| request.parent = ParentChoice::None);
        ana.registry().snapshot_tree(&full).await?;
        let disk = on_disk(root)?;
        anyhow::ensure!(
            in_snapshot(ana, &changed).await? == disk,
            "step {at}: it is not what is on the disk"
        );
        let mut catalogs = Vec::new();
        for artifact in [&changed, &whole] {
            let record = ana.registry().artifact(&of(artifact)).await?;
            catalogs.push(bare(&ana.registry().catalog(&record).await?)?);
        }
        anyhow::ensure!(catalogs[0] == catalogs[1], "step {at}: it is not what a full snapshot says");
        // What is edited next has other times than what was just stored.
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_edits_of_random_trees_are_stored_as_a_full_snapshot_stores_them() -> Result<()> {
    let (_registry, ana) = world().await?;
    let mut runner = TestRunner::new(Config { cases: 5, max_shrink_iters: 20, ..Config::default() });
    let steps = (vec(edit(), 20..60), vec(vec(edit(), 0..12), 2..4)).prop_map(|(first, mut more)| {
        more.insert(0, first);
        more
    });
    let number = std::cell::Cell::new(0);
    let outcome = runner.run(&steps, |steps| {
        number.set(number.get() + 1);
        let name = format!("shop/tree{}", number.get());
        let folder = Folder::empty().map_err(|e| TestCaseError::fail(e.to_string()))?;
        let checked = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(check(&ana, folder.path(), &name, &steps))
        });
        checked.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, steps)) => anyhow::bail!("{why}: {steps:?}"),
        Err(other) => anyhow::bail!("{other}"),
    }
}
