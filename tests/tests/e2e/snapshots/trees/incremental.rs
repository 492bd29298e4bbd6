//! What did not change is neither read nor sent again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::Result;
use holdfast_client::ParentChoice;
use holdfast_formats::manifest::Body;
use holdfast_tests::{Folder, of};

use super::found::{in_snapshot, on_disk};
use super::{noise, request, snapshot, world};

fn tree() -> Result<Folder> {
    let mut folder = Folder::empty()?.file("large", noise(1, 6_000_000))?.file("empty", "")?;
    for at in 0..100 {
        folder = folder.file(&format!("small/{at}"), noise(100 + at, 20_000))?;
    }
    Ok(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_stored_as_it_is_and_an_unchanged_one_is_not_read_again() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = tree()?;
    let first = snapshot(&ana, "shop/data@1", folder.path()).await?;
    assert!(first.is_complete() && first.parent.is_none());
    assert_eq!((first.stats.files, first.stats.directories, first.stats.bytes), (102, 2, 8_000_000));
    assert_eq!((first.stats.read_files, first.stats.new_bytes), (102, 8_000_000));
    assert_eq!(first.stats.waste_bytes, 0);
    assert_eq!(in_snapshot(&ana, "shop/data@1").await?, on_disk(folder.path())?);

    let second = snapshot(&ana, "shop/data@2", folder.path()).await?;
    assert_eq!(second.parent, Some(of("shop/data@1")));
    assert_eq!((second.stats.files, second.stats.read_files, second.stats.new_bytes), (102, 0, 0));
    assert!(second.stats.sent_bytes < 10_000, "no more than a small catalog: {:?}", second.stats);
    let record = |version: &str| of(&format!("shop/data@{version}"));
    let one = ana.registry().artifact(&record("1")).await?;
    let two = ana.registry().artifact(&record("2")).await?;
    assert_eq!(one.manifest().files, two.manifest().files, "the same tree has the same catalog");
    let Body::Snapshot(body) = &two.manifest().body else { unreachable!("it is a snapshot") };
    assert_eq!(body.parent, Some(of("shop/data@1")));
    assert_eq!((body.source.engine.as_str(), body.source.system_id.as_str()), ("tree", "test-machine"));

    let forced = request("shop/data@3", folder.path(), |request| request.force_read = true);
    let forced = ana.registry().snapshot_tree(&forced).await?;
    assert_eq!((forced.stats.read_files, forced.stats.new_bytes), (102, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_costs_its_own_bytes_and_chunks_that_are_mostly_dead_are_left() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = tree()?;
    snapshot(&ana, "shop/data@1", folder.path()).await?;
    let mut large = noise(1, 6_000_000);
    large[3_000_000..3_000_008].copy_from_slice(b"changed!");
    fs::write(folder.join("large"), &large)?;
    fs::write(folder.join("small/7"), noise(7, 20_000))?;
    let changed = snapshot(&ana, "shop/data@2", folder.path()).await?;
    assert_eq!(changed.stats.read_files, 2);
    assert!(changed.stats.new_bytes < 4_300_000, "{:?}", changed.stats);
    assert_eq!(changed.stats.waste_bytes, 20_000, "the file that was there before");
    assert_eq!(in_snapshot(&ana, "shop/data@2").await?, on_disk(folder.path())?);

    for at in 0..80 {
        fs::remove_file(folder.join(&format!("small/{at}")))?;
    }
    let shrunk = snapshot(&ana, "shop/data@3", folder.path()).await?;
    assert!(shrunk.stats.waste_bytes <= shrunk.stats.bytes, "{:?}", shrunk.stats);
    assert!(shrunk.stats.read_files > 0 && shrunk.stats.read_files <= 20, "{:?}", shrunk.stats);
    assert_eq!(in_snapshot(&ana, "shop/data@3").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_too_fresh_to_tell_apart_is_read_again() -> Result<()> {
    let registry = holdfast_tests::TestRegistry::start().await?;
    let ana = registry.login().await?;
    let folder = Folder::with("now", "just written")?;
    snapshot(&ana, "shop/data@1", folder.path()).await?;
    registry.advance(Duration::from_mins(1)).await?;
    assert_eq!(snapshot(&ana, "shop/data@2", folder.path()).await?.stats.read_files, 1);
    assert_eq!(snapshot(&ana, "shop/data@3", folder.path()).await?.stats.read_files, 0);
    // Another mode does not change the content, but the inode.
    fs::set_permissions(folder.join("now"), fs::Permissions::from_mode(0o600))?;
    assert_eq!(snapshot(&ana, "shop/data@4", folder.path()).await?.stats.read_files, 1);
    assert_eq!(in_snapshot(&ana, "shop/data@4").await?, on_disk(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parent_is_the_newest_snapshot_of_the_name_that_has_a_catalog_or_the_one_named() -> Result<()> {
    let (_registry, ana) = world().await?;
    let folder = Folder::with("a", noise(1, 100_000))?;
    snapshot(&ana, "shop/data@2", folder.path()).await?;
    snapshot(&ana, "shop/data@10", folder.path()).await?;
    snapshot(&ana, "shop/data-2@99", folder.path()).await?;
    assert_eq!(snapshot(&ana, "shop/data@1", folder.path()).await?.parent, Some(of("shop/data@10")));
    let named = |parent| request("shop/data@11", folder.path(), |request| request.parent = parent);
    let other = named(ParentChoice::Named(of("shop/data-2@99")));
    let staged = ana.registry().stage_tree(&other).await?;
    assert_eq!((staged.parent, staged.stats.read_files), (Some(of("shop/data-2@99")), 0));
    let staged = ana.registry().stage_tree(&named(ParentChoice::None)).await?;
    assert_eq!((staged.parent, staged.stats.read_files), (None, 1));
    ana.publish("shop/build@1", "no snapshot").await?;
    for missing in ["shop/data@absent", "shop/build@1"] {
        assert!(ana.registry().stage_tree(&named(ParentChoice::Named(of(missing)))).await.is_err());
    }
    Ok(())
}
