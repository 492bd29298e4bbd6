//! T6 and disks that take no writes: real servers on real small and read-only disks.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use holdfast_client::ClientError;
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Disk, Folder, Person, Server, TestClock, of};

/// A disk that a few pushes fill.
pub(crate) const SMALL: Disk = Disk::Small { mib: 64, taken_mib: 40 };

pub(crate) fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

async fn push_noise(ana: &Person, version: u64, length: usize) -> Result<(), ClientError> {
    let folder = Folder::with("noise", noise(version, length)).expect("the test's own folder is writable");
    ana.push(&format!("shop/noise@{version}"), &folder).await.map(drop)
}

/// Whether a write was refused because nothing fits any more: into the store, or into the index that follows the log.
fn is_full(refused: &ClientError) -> bool {
    let code = refused.problem().map(|problem| problem.code);
    matches!(code, Some(ProblemCode::NoSpace | ProblemCode::Unavailable))
}

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_full_disk_refuses_writes_and_answers_on_until_there_is_room_again() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let server = Server::start_on_disk(folder.path(), anywhere(), &[], SMALL)?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let artifact = ana.publish_and_pin("shop/prod", "shop/web@1").await?;

    // Large content is refused as soon as it does not fit, and small until nothing does.
    let refused = push_noise(&ana, 0, 20_000_000).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::NoSpace), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Unreachable);
    let mut pushed = 0;
    let refused = loop {
        match push_noise(&ana, 1 + pushed, 65_536).await {
            Ok(()) => pushed += 1,
            Err(refused) => break refused,
        }
        assert!(pushed < 1000, "the disk is small");
    };
    assert!(is_full(&refused), "{refused}");

    // What is there is answered, from the log to the last byte.
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(record.artifact(), &artifact);
    assert_eq!(ana.registry().verify_artifact(&record).await?.files, 1);
    assert_eq!(ana.audit().await?.findings, []);

    Disk::free(folder.path())?;
    let mut waited = 0;
    while let Err(refused) = push_noise(&ana, 5000, 65_536).await {
        assert!(is_full(&refused), "{refused}");
        waited += 1;
        assert!(waited < 100, "the room was given back: {refused}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    assert_eq!(ana.audit().await?.findings, []);
    assert_ne!(artifact, two);
    let (status, _) = tokio::task::block_in_place(|| server.terminate(Duration::from_secs(20)))?;
    assert!(status.success(), "it lived through all of it: {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_on_a_read_only_disk_is_refused_with_what_to_do() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let address = server.address();
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    tokio::task::block_in_place(|| server.terminate(Duration::from_secs(20)))?;
    let refused = Server::refuse_on_disk(folder.path(), address, &[], Disk::ReadOnly)?;
    assert_eq!(refused.exit, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cannot be used") && refused.stderr.contains("Read-only"), "{refused:?}");
    // Nothing was harmed.
    let _server = Server::start_on(folder.path(), address, &[])?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_for_a_first_start_says_so() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let full = Disk::Small { mib: 4, taken_mib: 4 };
    let refused = Server::refuse_on_disk(folder.path(), anywhere(), &[], full)?;
    assert!(refused.exit.is_some_and(|exit| exit != 0), "{refused:?}");
    let words = refused.stderr.to_lowercase();
    assert!(words.contains("no space") || words.contains("disk is full"), "{refused:?}");
    Ok(())
}
