use std::fs;
use std::path::Path;

use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{
    Encoder, Entry, FileContent, FileTime, Metadata, Node, Owner, Part, TreePath,
};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::ExitCode;

use super::*;
use crate::progress::Quiet;
use crate::test_server::{Answer, TestServer};
use crate::transport::{Address, Transport};

fn metadata() -> Metadata {
    let owner = Owner { id: 0, name: Vec::new() };
    let modified = FileTime { seconds: 1, nanos: 2 };
    Metadata { mode: 0o755, owner: owner.clone(), group: owner, modified, attributes: Vec::new() }
}

/// A root with so many files in it, and the catalog of that.
fn tree(files: u32) -> (Vec<Entry>, Vec<u8>) {
    let mut entries = vec![Entry { path: TreePath::root(), node: Node::Directory(metadata()) }];
    let mut encoder = Encoder::new();
    for number in 0..files {
        let bytes = number.to_be_bytes();
        let chunk = Blake3Digest::of(&bytes);
        encoder.chunk(chunk, 4);
        let parts = vec![Part::Data(Extent { chunk, offset: 0, length: 4 })];
        let node = Node::File(metadata(), FileContent { size: 4, blake3: chunk, seen: None, parts });
        let path = TreePath::root().join(format!("{number:05}").as_bytes()).unwrap();
        entries.push(Entry { path, node });
    }
    for entry in &entries {
        encoder.entry(entry).unwrap();
    }
    let mut bytes = encoder.take();
    bytes.extend(encoder.finish().unwrap().0);
    (entries, bytes)
}

fn manifest(catalog: &[u8], entries: u64, size: u64) -> Manifest {
    let digest = serde_json::json!(Digests::of(catalog));
    let body = serde_json::json!({
        "source": { "system_id": "s", "engine": "tree", "version": "1", "dataset": "d" },
        "data_as_of": { "not_before": "2026-11-21T06:00:00.000Z", "not_after": "2026-11-21T06:00:00.000Z" },
        "consistency": "crash", "tool": "holdfast",
        "catalog": { "digest": digest, "entries": entries, "size_bytes": size },
    });
    let document = serde_json::json!({
        "schema": "urn:holdfast:manifest:snapshot:v1", "labels": {}, "links": [], "body": body,
        "files": [{ "path": "catalog", "size": catalog.len(), "digests": digest }],
    });
    Manifest::parse(document.to_string().as_bytes()).unwrap()
}

async fn ask(server: &TestServer, cache: &Cache, manifest: &Manifest) -> Result<CatalogFile, ClientError> {
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    let artifact = "shop/data@1".parse().unwrap();
    let download = Download { transport: &transport, progress: &Quiet, artifact: &artifact };
    fetch(&download, cache.clone(), manifest).await
}

fn cache(folder: &Path, bytes_max: u64) -> Cache {
    Cache::at(folder.join("catalogs"), bytes_max, Timestamp::from_ms(1_800_000_000_000))
}

async fn serving(bytes: Vec<u8>) -> TestServer {
    TestServer::start(move |_| Answer::new(200, "", &bytes)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_is_fetched_once_and_read_as_often_as_wanted() {
    let (entries, bytes) = tree(20_000);
    let (folder, manifest) = (tempfile::tempdir().unwrap(), manifest(&bytes, 20_001, 80_000));
    let (server, cache) = (serving(bytes).await, cache(folder.path(), u64::MAX));
    for _ in 0..2 {
        let catalog = ask(&server, &cache, &manifest).await.unwrap();
        assert_eq!((catalog.index().chunks().len(), catalog.trailer().entries), (20_000, 20_001));
        let read: Result<Vec<Entry>, _> = catalog.entries().unwrap().collect();
        assert!(read.unwrap() == entries);
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_damaged_kept_catalog_is_noticed_and_fetched_again() {
    let (_, bytes) = tree(3);
    let (folder, manifest) = (tempfile::tempdir().unwrap(), manifest(&bytes, 4, 12));
    let (server, cache) = (serving(bytes).await, cache(folder.path(), u64::MAX));
    ask(&server, &cache, &manifest).await.unwrap();
    let kept = fs::read_dir(folder.path().join("catalogs")).unwrap().next().unwrap().unwrap().path();
    let mut wrong = fs::read(&kept).unwrap();
    wrong[20] ^= 1;
    fs::write(&kept, wrong).unwrap();
    let catalog = ask(&server, &cache, &manifest).await.unwrap();
    assert!(catalog.entries().unwrap().all(|entry| entry.is_ok()));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_of_other_bytes_or_of_another_size_than_published_is_refused_and_not_kept() {
    let ((_, bytes), (_, other)) = (tree(3), tree(4));
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), u64::MAX);
    for (served, manifest) in [
        (other, manifest(&bytes, 4, 12)),
        (bytes[..bytes.len() - 1].to_vec(), manifest(&bytes[..bytes.len() - 1], 4, 12)),
        (bytes.clone(), manifest(&bytes, 5, 12)),
        (bytes.clone(), manifest(&bytes, 4, 13)),
    ] {
        let error = ask(&serving(served).await, &cache, &manifest).await.unwrap_err();
        assert_eq!(error.exit(), ExitCode::Integrity, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_that_were_not_used_for_longest_make_room_for_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for files in 1..=3 {
        let (_, bytes) = tree(files);
        let manifest = manifest(&bytes, u64::from(files) + 1, u64::from(files) * 4);
        let name = manifest.files[0].digests.blake3.to_string();
        ask(&serving(bytes).await, &cache(folder.path(), 400), &manifest).await.unwrap();
        let place = folder.path().join("catalogs").join(name);
        let file = fs::File::options().append(true).open(&place).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(files.into()))
            .unwrap();
        kept.push(place);
    }
    assert!(!kept[0].exists() && kept[2].exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_without_a_catalog_has_none_to_show() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::of_files(Vec::new(), Body::None(Kind::Build));
    let error = ask(&serving(Vec::new()).await, &cache(folder.path(), 1), &manifest).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
}
