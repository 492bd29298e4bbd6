//! T6: a disk on which nothing fits any more still takes the sweep that makes room.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use holdfast_client::{About, ClientError, PushRequest, Pushed};
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_registry::log::Ending;
use holdfast_tests::{Disk, Person, TestRegistry, of};

use super::disks::noise;
use super::generations::{delete, objects_of_bytes};

/// Says to a process that it is on a disk of its own.
const ON_SMALL_DISK: &str = "HOLDFAST_TEST_ON_SMALL_DISK";
/// A disk of this machine that the test leaves as it is.
const ELSEWHERE: &str = "/dev/shm";
const FILES: u64 = 80;
const NAME: &str = "reserve::t06_a_sweep_is_logged_on_a_disk_that_takes_nothing_more";

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_sweep_is_logged_on_a_disk_that_takes_nothing_more() -> Result<()> {
    if std::env::var_os(ON_SMALL_DISK).is_some() {
        return sweeps_on_a_full_disk().await;
    }
    if !Disk::can_be_made()? {
        return Ok(());
    }
    // The same test once more, where all its files are on a disk that only it sees.
    let folder = tempfile::tempdir()?;
    let script =
        "mount -t tmpfs -o size=64m none \"$1\" && TMPDIR=\"$1\" exec \"$0\" --exact \"$2\" --nocapture";
    let mut confined = Command::new("unshare");
    confined.args(["-rm", "sh", "-c", script]).arg(std::env::current_exe()?).arg(folder.path()).arg(NAME);
    let output = tokio::task::block_in_place(|| confined.env(ON_SMALL_DISK, "1").output())?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn sweeps_on_a_full_disk() -> Result<()> {
    let registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    // Each file is one chunk, and together they take more than is kept for sweeps.
    let files: Vec<Vec<u8>> = (0..FILES).map(|seed| noise(seed, 250_000)).collect();
    let ended = push(&ana, "shop/large@1", &files).await?.artifact;
    ana.publish("shop/kept@1", "kept").await?;
    delete(&ana, &ended).await?;
    let node = registry.node()?;
    let mut objects = Vec::new();
    for file in &files {
        objects.extend(objects_of_bytes(node, file).await?);
    }
    objects.sort_by_key(ToString::to_string);
    let disk = std::env::temp_dir();
    let taken = disk.join("taken");
    fill(&taken)?;
    assert_eq!(push_code(&ana, 1002).await?, Some(ProblemCode::NoSpace));
    assert!(reserve(&registry).exists(), "uploads leave it alone");

    let condemning = node.blobs().condemn(objects.clone()).context("nothing else is condemned")?;
    node.log().publishes_settled().await;
    let ending = Ending { artifacts: Vec::new(), intends: None, objects: objects.clone(), bytes: 1 };
    let check = condemning.check(node.log().head().size());
    let sweep = node.log().end_sweep(&ending, check).await?;
    assert!(!reserve(&registry).exists(), "it was needed");
    assert_eq!(push_code(&ana, 1003).await?, Some(ProblemCode::NoSpace), "the room is the sweep's");
    drop(condemning);
    node.blobs().delete_swept(&objects).await?;
    node.log().log_swept(sweep).await?;
    assert!(reserve(&registry).exists(), "there is room for the next one");

    std::fs::remove_file(&taken)?;
    assert_eq!(push_code(&ana, 1004).await?, None);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

fn reserve(registry: &TestRegistry) -> PathBuf {
    registry.home().join("objects/.reserve")
}

/// How a small push is refused; `None` when it is not.
async fn push_code(ana: &Person, seed: u64) -> Result<Option<ProblemCode>> {
    match push(ana, &format!("shop/small@{seed}"), &[noise(seed, 200_000)]).await {
        Ok(_) => Ok(None),
        Err(refused) => Ok(Some(refused.problem().map(|problem| problem.code).context(refused.to_string())?)),
    }
}

/// Pushes files that lie on another disk than the registry's.
async fn push(ana: &Person, reference: &str, files: &[Vec<u8>]) -> Result<Pushed, ClientError> {
    let folder = tempfile::tempdir_in(ELSEWHERE).expect("that disk has room");
    for (number, file) in files.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), file).expect("that disk has room");
    }
    let (source, body) = (folder.path().to_owned(), Body::None(Kind::Build));
    ana.registry().push(&PushRequest { artifact: of(reference), source, body, about: About::nothing() }).await
}

/// Takes all that is left of a disk.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    for block in [1024 * 1024, 4096, 1] {
        let zeros = vec![0; block];
        loop {
            match file.write_all(&zeros) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(other) => return Err(other.into()),
            }
        }
    }
    Ok(())
}
