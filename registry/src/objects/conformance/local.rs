//! What only a local directory promises: its lock, its directories, no leftovers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::clock::ManualClock;

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory is readable") {
        let path = entry.expect("its entries are readable").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn staging_files_below(directory: &Path) -> Vec<PathBuf> {
    files_below(directory).into_iter().filter(|path| path.to_string_lossy().contains('#')).collect()
}

#[tokio::test]
async fn second_server_on_a_directory_is_told_who_has_it_until_the_first_is_gone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = open_directory(&directory).await;
    let location = StoreLocation::Directory(directory.path().to_owned());
    let refused = Store::open(&location, host()).await.expect_err("the first server holds the lock");
    let message = refused.to_string();
    let root = directory.path().canonicalize().expect("the directory exists");
    assert!(message.contains(&root.display().to_string()), "{message}");
    assert!(message.contains(&std::process::id().to_string()), "{message}");
    drop(first);
    Store::open(&location, host()).await.expect("the lock went with its holder");
}

#[tokio::test]
async fn store_below_missing_directories_is_made_with_its_lock_and_reserve() -> Result<(), ObjectError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().join("holdfast-data/objects");
    let store = open(root.to_str().expect("temporary paths are UTF-8")).await;
    assert_eq!(root.join(".reserve").metadata().map(|reserve| reserve.len()).ok(), Some(16 * 1024 * 1024));
    store.create(&ObjectKey::chunk("shop", DIGEST, 0)?, Bytes::from_static(b"x")).await?;
    for fan in
        ["chunks/shop/00", "chunks/shop/ff", "blobs/shop/7f", "aliases/shop/sha256", "aliases/shop/sha512"]
    {
        assert!(root.join(fan).is_dir(), "{fan}");
    }
    Ok(())
}

#[tokio::test]
async fn neither_success_nor_failure_leaves_a_staging_file() -> Result<(), ObjectError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = open_directory(&directory).await;
    let key = ObjectKey::commit(1);
    store.create_durable(&key, Bytes::from_static(b"first")).await?;
    store.create_durable(&key, Bytes::from_static(b"second")).await?;
    // A directory in the way makes the last step fail, after the bytes were staged.
    std::fs::create_dir_all(directory.path().join("log/checkpoint/in-the-way"))
        .expect("the directory is made");
    let blocked = store.replace(&ObjectKey::checkpoint(), Bytes::from_static(b"x")).await;
    assert!(matches!(blocked, Err(ObjectError::Io { .. })), "{blocked:?}");
    assert_eq!(staging_files_below(directory.path()), Vec::<PathBuf>::new());
    Ok(())
}

#[tokio::test]
async fn sweep_of_staging_files_goes_by_age_and_spares_objects() -> Result<(), ObjectError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock = ManualClock::new(SystemClock::shared().now_ms());
    let location = StoreLocation::Directory(directory.path().to_owned());
    let store =
        Store::open(&location, Host { clock: clock.clone(), ..host() }).await.expect("the store opens");
    let key = ObjectKey::commit(7);
    store.create_durable(&key, Bytes::from_static(b"kept")).await?;
    let left = directory.path().join("log/commits/0/00000000000000000008#3");
    std::fs::write(&left, b"torn").expect("the leftover is written");

    assert_eq!(store.sweep_staging(Duration::from_hours(1)).await?, 0);
    clock.advance(3_700_000);
    assert_eq!(store.sweep_staging(Duration::from_hours(1)).await?, 1);
    assert!(!left.exists());
    assert_eq!(store.get(&key).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn leftover_staging_file_of_the_same_number_is_stepped_over() -> Result<(), ObjectError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = open_directory(&directory).await;
    for n in 1..=3 {
        std::fs::write(directory.path().join(format!("log/checkpoint#{n}")), b"torn")
            .expect("the leftover is written");
    }
    store.replace(&ObjectKey::checkpoint(), Bytes::from_static(b"whole")).await?;
    assert_eq!(store.get(&ObjectKey::checkpoint()).await?, "whole");
    Ok(())
}

#[tokio::test]
async fn t6_while_the_reserve_is_in_use_the_log_goes_on_and_new_content_is_refused() -> Result<(), ObjectError>
{
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = open_directory(&directory).await;
    let reserve = directory.path().join(".reserve");
    let chunk = ObjectKey::chunk("shop", DIGEST, 0)?;
    let bytes = || Bytes::from_static(b"x");
    assert!(store.release_reserve().await?, "there was some");
    assert!(!reserve.exists());
    let refused = store.create(&chunk, bytes()).await;
    assert!(matches!(refused, Err(ObjectError::NoSpace { .. })), "{refused:?}");
    store.create_durable(&ObjectKey::attachment(DIGEST)?, bytes()).await?;
    store.create_durable(&ObjectKey::commit(0), bytes()).await?;
    assert!(!store.release_reserve().await?, "there is no more");
    store.keep_reserve().await?;
    assert_eq!(reserve.metadata().map(|kept| kept.len()).ok(), Some(16 * 1024 * 1024));
    assert_eq!(store.create(&chunk, bytes()).await?, Created::New);
    Ok(())
}
