//! Faults in the middle: files that change or may not be read, servers that die, chunks that are gone.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};
use futures::TryStreamExt as _;
use holdfast_client::ParentChoice;
use holdfast_formats::catalog::TreePath;
use holdfast_tests::{Backing, Folder, Index, Person, TestRegistry, of};
use object_store::ObjectStoreExt as _;

use super::found::{Found, in_snapshot, on_disk, summary};
use super::{noise, ready, request, snapshot, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_keeps_changing_is_stored_as_it_was_read_last_and_told() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("calm", "x")?.file("busy", noise(1, 24_000_000))?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (stop, place) = (Arc::clone(&stop), folder.join("busy"));
        move || -> std::io::Result<()> {
            let mut file = fs::File::options().write(true).open(place)?;
            while !stop.load(Ordering::Relaxed) {
                file.write_all(b"other bytes")?;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Ok(())
        }
    });
    let made = snapshot(&ana, "shop/data@1", folder.path()).await;
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("it does not panic")?;
    let made = made?;
    assert!(!made.is_complete());
    let changing: Vec<_> = made.changing.iter().map(|path| path.as_bytes().to_vec()).collect();
    assert_eq!(changing, [b"busy".to_vec()]);
    // What is stored is whole in itself: this hashes every file.
    assert_eq!(in_snapshot(&ana, "shop/data@1").await?.len(), 3);
    let again = snapshot(&ana, "shop/data@2", folder.path()).await?;
    assert!(again.is_complete() && again.stats.read_files == 1);
    assert_eq!(in_snapshot(&ana, "shop/data@2").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_truncated_again_and_again_is_never_torn_silently() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("log", noise(1, 16_000_000))?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (stop, place) = (Arc::clone(&stop), folder.join("log"));
        move || -> std::io::Result<()> {
            let file = fs::File::options().write(true).open(place)?;
            while !stop.load(Ordering::Relaxed) {
                for size in [1_000_000, 9_000_000, 16_000_000] {
                    file.set_len(size)?;
                }
            }
            Ok(())
        }
    });
    // Once it is cut, the rest of it is zeros. The writer may be kept waiting for a while, and is met sooner or later.
    let mut shapes = vec![summary(&noise(1, 16_000_000))];
    for size in [1_000_000, 9_000_000, 16_000_000] {
        let mut shape = noise(1, 1_000_000);
        shape.resize(size, 0);
        shapes.push(summary(&shape));
    }
    let log = TreePath::new(b"log".to_vec())?;
    let mut outcome = Ok(0);
    for version in 1..=50 {
        outcome = met(&ana, &format!("shop/data@{version}"), &folder, &log, &shapes).await;
        if !matches!(outcome, Ok(0)) {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("it does not panic")?;
    assert_eq!(outcome?, 1, "it was met while it was read");
    Ok(())
}

/// How many files a snapshot met while they were read. One that it did not is stored in one of its shapes.
async fn met(
    ana: &Person,
    artifact: &str,
    folder: &Folder,
    path: &TreePath,
    shapes: &[Vec<u8>],
) -> Result<usize> {
    let made = snapshot(ana, artifact, folder.path()).await?;
    // What is stored is whole in itself in any case: this hashes every file.
    let stored = in_snapshot(ana, artifact).await?;
    let Some(Found::Node { what, .. }) = stored.get(path) else { bail!("it is there: {stored:?}") };
    ensure!(!made.changing.is_empty() || shapes.contains(what), "torn, and nobody told: {stored:?}");
    Ok(made.changing.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_go_while_they_are_walked_leave_a_snapshot_of_what_stayed() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("a/calm", "x")?.file("z/calm", "y")?;
    let stop = Arc::new(AtomicBool::new(false));
    let place = |at: u64| folder.join(&format!("m/{}/{at}", at % 8));
    let fill = |at: u64, place: &Path| -> std::io::Result<()> {
        fs::create_dir_all(place.join("deep/er"))?;
        fs::write(place.join("deep/er/file"), noise(at, 500))
    };
    (0..200).try_for_each(|at| fill(at, &place(at)))?;
    let mut versions = 0;
    std::thread::scope(|scope| -> Result<()> {
        let goer = scope.spawn(|| -> std::io::Result<()> {
            for at in (0..200).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if place(at).exists() {
                    fs::remove_dir_all(place(at))?;
                } else {
                    fill(at, &place(at))?;
                }
            }
            Ok(())
        });
        let walked = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for _ in 0..4 {
                    versions += 1;
                    let artifact = format!("shop/data@{versions}");
                    let made = snapshot(&ana, &artifact, folder.path()).await?;
                    ensure!(made.unread.is_empty(), "what is gone is no failure: {:?}", made.unread);
                    let stored = in_snapshot(&ana, &artifact).await?;
                    for calm in [b"a/calm", b"z/calm"] {
                        ensure!(stored.contains_key(&TreePath::new(calm.to_vec())?), "{stored:?}");
                    }
                }
                Ok(())
            })
        });
        stop.store(true, Ordering::Relaxed);
        goer.join().expect("it does not panic")?;
        walked
    })?;
    let made = snapshot(&ana, "shop/data@last", folder.path()).await?;
    assert!(made.is_complete(), "{:?}", made.unread);
    assert_eq!(in_snapshot(&ana, "shop/data@last").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_given_up_is_invisible_and_what_was_sent_is_not_sent_again() -> Result<()> {
    let (mut registry, ana) = world().await?;
    let folder = Folder::with("a", noise(1, 20_000_000))?.file("b/c", noise(2, 300_000))?;
    let wanted = request("shop/data@1", folder.path(), |_| {});
    let mut patience = std::time::Duration::from_millis(20);
    while tokio::time::timeout(patience, ana.registry().stage_tree(&wanted)).await.is_err() {
        patience = patience.saturating_mul(2);
        assert!(patience.as_secs() < 60, "uploads end");
    }
    assert!(ana.list().await?.is_empty(), "nothing half-made is visible");
    registry.restart(Index::Kept).await?;
    let made = ana.registry().snapshot_tree(&wanted).await?;
    assert_eq!((made.stats.read_files, made.stats.new_bytes), (2, 0), "everything was there already");
    assert_eq!(in_snapshot(&ana, "shop/data@1").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_chunks_of_the_parent_that_are_gone_are_read_and_sent_again() -> Result<()> {
    let (mut registry, ana) = ready(TestRegistry::on(Backing::memory()).await?).await?;
    let mut folder = Folder::with("large", noise(1, 5_000_000))?;
    for at in 0..60 {
        folder = folder.file(&format!("small/{at}"), noise(100 + at, 30_000))?;
    }
    snapshot(&ana, "shop/data@1", folder.path()).await?;
    let objects = registry.objects()?;
    let record = ana.registry().artifact(&of("shop/data@1")).await?;
    let catalog = ana.registry().catalog(&record).await?;
    let gone: Vec<String> =
        catalog.index().chunks().iter().step_by(2).map(|c| c.digest.to_string()).collect();
    let stored: Vec<_> = objects.list(Some(&"chunks".into())).try_collect().await?;
    for object in
        stored.iter().filter(|object| gone.iter().any(|digest| object.location.as_ref().contains(digest)))
    {
        objects.delete(&object.location).await?;
    }
    registry.restart(Index::Kept).await?;
    fs::write(folder.join("new"), "something new")?;
    let made = snapshot(&ana, "shop/data@2", folder.path()).await?;
    assert!(made.is_complete(), "{:?}", made.unread);
    assert!(made.stats.read_files > 1, "{:?}", made.stats);
    assert_eq!(in_snapshot(&ana, "shop/data@2").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_a_million_bytes_of_tiny_files_are_few_chunks() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::empty()?;
    for directory in 0..20 {
        fs::create_dir(folder.join(&format!("{directory}")))?;
        for file in 0..100 {
            fs::write(folder.join(&format!("{directory}/{file}")), noise(directory * 100 + file, 500))?;
        }
    }
    let full = request("shop/data@1", folder.path(), |request| request.parent = ParentChoice::None);
    let made = ana.registry().snapshot_tree(&full).await?;
    assert_eq!((made.stats.files, made.stats.new_bytes), (2_000, 1_000_000));
    let record = ana.registry().artifact(&of("shop/data@1")).await?;
    assert!(ana.registry().catalog(&record).await?.index().chunks().len() <= 2);
    assert_eq!(in_snapshot(&ana, "shop/data@1").await?, on_disk(folder.path())?);
    Ok(())
}
