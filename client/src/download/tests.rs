use super::*;
use crate::progress::Quiet;
use crate::test_server::{Answer, Asked, TestServer};
use crate::transport::Address;
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::{ExitCode, Problem, ProblemCode};

fn file(path: &str, bytes: &[u8]) -> File {
    let path = path.parse().unwrap();
    File {
        path,
        size: ByteSize::of(bytes),
        digests: Digests::of(bytes),
        mode: None,
        media_type: None,
        stored: None,
    }
}

fn manifest(files: Vec<File>) -> Manifest {
    Manifest::of_files(files, Body::None(Kind::Build))
}

async fn pull(
    server: &TestServer,
    manifest: &Manifest,
    target: &std::path::Path,
) -> Result<Pulled, ClientError> {
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    let artifact = "shop/web@1".parse().unwrap();
    let target = Arc::new(Target::open(target).unwrap());
    Download { transport: &transport, progress: &Quiet, artifact: &artifact }.pull(manifest, &target).await
}

/// Where the request wants to begin.
fn from(asked: &Asked) -> usize {
    let range = asked.header.lines().find_map(|line| line.strip_prefix("range: bytes="));
    range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
}

fn serve(asked: &Asked, bytes: &[u8]) -> Answer {
    let at = from(asked);
    Answer::new(if at == 0 { 200 } else { 206 }, "", &bytes[at..])
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_stopped() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_be_bytes()[2]).collect();
    let (body, manifest) = (bytes.clone(), manifest(vec![file("a/b", &bytes)]));
    let server = TestServer::start(move |asked| {
        let answer = serve(asked, &body);
        if from(asked) == 0 { answer.cut(1_000_000) } else { answer }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    pull(&server, &manifest, folder.path()).await.unwrap();
    assert!(std::fs::read(folder.path().join("a/b")).unwrap() == bytes);
    let starts: Vec<usize> = server.asked().iter().map(from).collect();
    assert_eq!(starts, [0, 2_000_000]);
}

#[tokio::test]
async fn t8_bytes_that_do_not_hash_to_the_manifest_are_never_put_in_place() {
    let server = TestServer::start(|asked| serve(asked, b"evil")).await;
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&server, &manifest(vec![file("run", b"good")]), folder.path()).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Integrity);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn more_bytes_than_the_file_has_are_refused() {
    let server = TestServer::start(|asked| serve(asked, b"good and more")).await;
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&server, &manifest(vec![file("run", b"good")]), folder.path()).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Integrity);
    assert!(!folder.path().join("run").exists());
}

#[tokio::test]
async fn a_chunk_that_the_registry_finds_corrupt_ends_the_pull_with_integrity() {
    let body = serde_json::to_vec(&Problem::new(ProblemCode::Corrupt, "chunk")).unwrap();
    let server = TestServer::start(move |_| Answer::new(500, "", &body)).await;
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&server, &manifest(vec![file("run", b"good")]), folder.path()).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Integrity);
}

#[tokio::test]
async fn what_is_there_and_right_is_kept_without_asking() {
    let server = TestServer::start(|asked| serve(asked, b"two")).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one"), b"one").unwrap();
    std::fs::write(folder.path().join("two"), b"old").unwrap();
    let manifest = manifest(vec![file("empty", b""), file("one", b"one"), file("two", b"two")]);
    let pulled = pull(&server, &manifest, folder.path()).await.unwrap();
    assert_eq!(pulled, Pulled { files: 3, bytes: 6, kept: 1 });
    assert_eq!(std::fs::read(folder.path().join("two")).unwrap(), b"two");
    assert_eq!(server.asked().len(), 1);
}
