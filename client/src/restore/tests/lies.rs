//! A registry that lies about chunks.

use std::sync::Mutex;

use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::wire::v1::ExitCode;

use super::*;

fn tree() -> Tree {
    Tree::new().folder("d").text("d/file", &"right ".repeat(1000)).text("other", "other")
}

/// Restores from a registry that answers for the chunk of `d/file` with this object.
async fn answered_with(object: Vec<u8>) -> (ClientError, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree();
    let mut stored = tree.stored();
    stored.insert(Blake3Digest::of("right ".repeat(1000).as_bytes()).to_string(), object);
    let (_server, source) = tree.served_with(stored).await;
    let error = source.restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap_err();
    (error, listed(folder.path()))
}

fn object(codec: Codec, length: u32, stored: &[u8]) -> Vec<u8> {
    [&ChunkHeader { codec, length }.encode(), stored].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_chunks_of_other_bytes_are_never_written() {
    let bomb = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
    let wrong = "wrong ".repeat(1000);
    for object in [
        object(Codec::Raw, 6000, wrong.as_bytes()),
        object(Codec::Zstd, 6000, &zstd::bulk::compress(wrong.as_bytes(), 3).unwrap()),
        object(Codec::Zstd, 6000, &bomb),
        object(Codec::Zstd, 4 * 1024 * 1024, &bomb),
        object(Codec::Raw, 6001, &[b'r'; 6001]),
        object(Codec::Zstd, 6000, &zstd::bulk::compress(&wrong.as_bytes()[..5999], 3).unwrap()),
        vec![0; 100],
        Vec::new(),
        vec![b'H'; 100_000],
    ] {
        let (error, found) = answered_with(object).await;
        assert_eq!(error.exit(), ExitCode::Integrity, "{error}");
        assert!(!found.iter().any(|name| name.contains("d/file") || name.contains(".part")), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_says_another_digest_than_its_chunks_make_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree().change("d/file", |node| {
        let Node::File(_, content) = node else { panic!("it is a file") };
        content.blake3 = Blake3Digest::of(b"another");
    });
    let error = tree.restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap_err();
    assert!(matches!(error, ClientError::Digest { .. }), "{error}");
    assert!(!folder.path().join("d/file").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree();
    let stored = tree.stored();
    let cut = Mutex::new(HashSet::new());
    let server = TestServer::start(move |asked| {
        let digest = asked.line.split(' ').nth(1).and_then(|p| p.rsplit('/').next()).unwrap_or_default();
        let answer = Answer::new(200, "", &stored[digest]);
        if cut.lock().unwrap().insert(digest.to_owned()) { answer.cut(3) } else { answer }
    })
    .await;
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    let fetcher = Fetcher { transport, artifact: "shop/data@1".parse().unwrap() };
    let source = Source { catalog: tree.catalog(), fetcher, progress: Arc::new(Quiet) };
    let restored = source.restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    assert_eq!((restored.files, server.asked().len()), (2, 4));
}
