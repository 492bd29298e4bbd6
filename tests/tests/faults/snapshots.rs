//! T6, T8, T10, T26 for snapshots of trees, on the registry's side.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::join_all;
use holdfast_client::ClientError;
use holdfast_formats::catalog::{Attribute, Node, TRAILER_BYTES};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::wire::v1::{ExitCode, MissingAnswer, ProblemCode};
use holdfast_tests::{
    Backing, Disk, Http, Index, Person, Server, TestClock, TestRegistry, Tree, TreeDraft, metadata, of,
    raw_chunk,
};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use reqwest::Method;

use crate::bombs::peak_mib;
use crate::disks::{SMALL, anywhere, noise};

/// A tree of files that are one chunk each.
fn tree_of(chunks: &[Vec<u8>]) -> Tree {
    let mut draft = TreeDraft::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let part = draft.chunk(chunk);
        draft.file(&format!("{at:04}"), Blake3Digest::of(chunk), vec![part]);
    }
    draft.finish()
}

fn code(refused: &ClientError) -> Option<ProblemCode> {
    refused.problem().map(|problem| problem.code)
}

fn chunk_path(reference: &str, chunk: &Blake3Digest) -> String {
    format!("/v1/artifacts/{reference}/chunks/{chunk}")
}

/// Which chunks of a tree the registry asks for.
async fn missing(ana: &Person, tree: &Tree) -> Result<Vec<Blake3Digest>> {
    let chunks: Vec<_> = tree.chunks.iter().map(|chunk| Blake3Digest::of(chunk)).collect();
    let body = serde_json::to_vec(&serde_json::json!({ "chunks": chunks }))?;
    let answer = ana.http()?.send(Method::POST, "/v1/namespaces/shop/chunks/missing", body).await?;
    let answer: MissingAnswer = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
    Ok(answer.missing)
}

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_snapshot_that_does_not_fit_is_refused_and_goes_on_when_there_is_room() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let server = Server::start_on_disk(folder.path(), anywhere(), &[], SMALL)?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let small = tree_of(&[noise(0, 100_000)]);
    let before = ana.publish_tree("shop/db@1", &small).await?.artifact;
    ana.pin("shop/prod", &before).await?;

    let tree = tree_of(&(1..30).map(|seed| noise(seed, 1_000_000)).collect::<Vec<_>>());
    let full = ana.send_chunks("shop", &tree.chunks).await.expect_err("the disk is small");
    assert!(full.to_string().contains("507"), "{full}");
    assert_eq!(ana.list().await?, ["shop/db@1"]);
    // What is there is answered to the last byte.
    assert_eq!(ana.answer("shop/prod").await?, ["shop/db@1"]);
    let http = ana.http()?;
    let chunk = http.get(&chunk_path("shop/db@1", &small.digest(0))).await?.error_for_status()?;
    assert_eq!(chunk.bytes().await?, raw_chunk(&small.chunks[0]));

    Disk::free(folder.path())?;
    let mut waited = 0;
    while let Err(full) = ana.send_chunks("shop", &tree.chunks).await {
        waited += 1;
        assert!(waited < 100, "the room was given back: {full}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = ana.publish_catalog("shop/db@2", &tree).await?.artifact;
    ana.pin("shop/prod", &after).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/db@2"]);
    assert_eq!(ana.audit().await?.findings, []);
    Ok(())
}

/// A registry in memory with a published snapshot.
async fn published(tree: &Tree) -> Result<(TestRegistry, Person, Arc<dyn ObjectStore>)> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish_tree("shop/db@1", tree).await?;
    let objects = registry.objects()?;
    Ok((registry, ana, objects))
}

fn place_of(chunk: &Blake3Digest) -> Path {
    let hex = chunk.to_string();
    Path::from(format!("chunks/shop/{}/{hex}.0", &hex[..2]))
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_chunk_of_a_snapshot_with_any_bit_flipped_is_an_error_and_keeps_it_from_being_pinned()
-> Result<()> {
    let tree = tree_of(&[noise(1, 3000), noise(2, 3000)]);
    let (mut registry, ana, objects) = published(&tree).await?;
    let artifact = ana.registry().resolve(&of("shop/db@1")).await?;
    let catalog = Blake3Digest::of(&tree.catalog);
    for (digest, is_listed) in [(tree.digest(1), true), (catalog, false)] {
        let place = place_of(&digest);
        let whole = objects.get(&place).await?.bytes().await?.to_vec();
        for at in (0..whole.len()).step_by((whole.len() / 5).max(1)) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            objects.put(&place, damaged.into()).await?;
            registry.restart(Index::Kept).await?;
            let asked = ana.http()?.get(&chunk_path("shop/db@1", &digest)).await?;
            let (status, problem, _) = Http::problem(asked).await?;
            // Without its catalog nothing is known of it: that is damage, too, and neither is data.
            assert_eq!((status, problem), (500, ProblemCode::Corrupt), "byte {at}, listed: {is_listed}");
            let refused = ana.pin("shop/prod", &artifact).await.unwrap_err();
            assert!(refused.to_string().contains("scrub"), "{refused}");
        }
        objects.put(&place, whole.into()).await?;
    }
    // The scrubs are in the log, with the chunk's name.
    registry.restart(Index::Kept).await?;
    let view = ana.registry().artifact(&of("shop/db@1")).await?;
    assert_eq!(view.artifact(), &artifact);
    ana.send_chunks("shop", &tree.chunks).await?;
    assert_eq!(missing(&ana, &tree).await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_damaged_chunk_is_asked_for_again_and_a_push_of_it_heals_the_snapshot() -> Result<()> {
    let tree = tree_of(&[noise(1, 3000), noise(2, 3000)]);
    let (_registry, ana, objects) = published(&tree).await?;
    let artifact = ana.registry().resolve(&of("shop/db@1")).await?;
    objects.put(&place_of(&tree.digest(0)), raw_chunk(b"rot").into()).await?;
    let asked = ana.http()?.get(&chunk_path("shop/db@1", &tree.digest(0))).await?;
    assert_eq!(Http::problem(asked).await?.1, ProblemCode::Corrupt);
    assert_eq!(missing(&ana, &tree).await?, [tree.digest(0)]);
    let refused = ana.publish_catalog("shop/db@2", &tree.clone().after("shop/db@1")).await.unwrap_err();
    assert_eq!(code(&refused), Some(ProblemCode::ContentMissing), "{refused}");
    ana.send_chunks("shop", &tree.chunks).await?;
    ana.publish_catalog("shop/db@2", &tree.clone().after("shop/db@1")).await?;
    ana.pin("shop/prod", &artifact).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/db@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_a_server_that_is_killed_again_and_again_during_an_upload_shows_nothing_and_loses_nothing()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(folder.path())?;
    let address = server.address();
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let kept = tree_of(&[noise(1000, 50_000)]);
    ana.publish_tree("shop/db@0", &kept).await?;
    let tree = tree_of(&(0..200).map(|seed| noise(seed, 20_000)).collect::<Vec<_>>());
    for round in 0..8_u64 {
        let upload = async {
            drop(ana.send_chunks("shop", &tree.chunks).await);
            drop(ana.publish_catalog("shop/db@half", &tree_of(&[vec![1], noise(9999, 10)])).await);
            std::future::pending::<()>().await;
        };
        let killer = tokio::time::sleep(Duration::from_millis(3 + 7 * round));
        tokio::select! {
            () = upload => {}
            () = killer => {}
        }
        server.kill()?;
        server = Server::start_on(folder.path(), address, &[])?;
        assert_eq!(ana.list().await?, ["shop/db@0"], "nothing half-uploaded is visible");
        for chunk in [tree.digest(0), tree.digest(199)] {
            let asked = ana.http()?.get(&chunk_path("shop/db@0", &chunk)).await?;
            assert_eq!(asked.status(), 404, "it is no part of what is published");
        }
    }
    // The next run sends what is not there and no more.
    let wanted = missing(&ana, &tree).await?;
    let rest: Vec<_> =
        tree.chunks.iter().filter(|chunk| wanted.contains(&Blake3Digest::of(chunk))).cloned().collect();
    ana.send_chunks("shop", &rest).await?;
    for (reference, tree) in [("shop/db@0", &kept), ("shop/db@1", &tree)] {
        let artifact = match reference {
            "shop/db@0" => ana.registry().resolve(&of(reference)).await?,
            _ => ana.publish_catalog(reference, tree).await?.artifact,
        };
        ana.pin("shop/prod", &artifact).await?;
    }
    assert_eq!(ana.answer("shop/prod").await?, ["shop/db@1"]);
    assert_eq!(ana.audit().await?.findings, []);
    Ok(())
}

/// Files with as much metadata as a megabyte holds.
fn heavy(seed: u8, files: usize) -> Tree {
    let mut draft = TreeDraft::new();
    let value = vec![seed; 65_536];
    let attributes: Vec<_> = (b'a'..=b'o')
        .map(|name| Attribute { name: vec![b'u', b's', b'e', b'r', b'.', name], value: value.clone() })
        .collect();
    for at in 0..files {
        let metadata = holdfast_formats::catalog::Metadata { attributes: attributes.clone(), ..metadata() };
        draft.entry(&format!("{at:04}"), Node::Fifo(metadata));
    }
    draft.finish()
}

/// A catalog with some of its bytes overwritten, and what its manifest says.
fn overwritten(honest: &Tree, at: usize, value: &[u8]) -> Tree {
    let mut tree = honest.clone();
    tree.catalog[at..at + value.len()].copy_from_slice(value);
    tree
}

/// Catalogs that say what cannot be.
fn claims(honest: &Tree) -> Vec<Tree> {
    let length = |at: usize| {
        let bytes = honest.catalog[at..].first_chunk().expect("it is longer");
        u32::from_be_bytes(*bytes) as usize
    };
    let trailer = honest.catalog.len() - TRAILER_BYTES;
    let first = 8 + length(4);
    // A path twice.
    let mut twice = honest.clone();
    let file = honest.catalog[first..first + 4 + length(first)].to_vec();
    let at = trailer + file.len();
    twice.catalog.splice(first..first, file);
    (twice.entries, twice.size_bytes) = (honest.entries + 1, honest.size_bytes + 3);
    let counts = [twice.entries.to_be_bytes(), twice.size_bytes.to_be_bytes()].concat();
    vec![
        overwritten(&twice, at, &counts),
        // As many chunks as the format allows, and more; more entries and bytes than there are.
        overwritten(honest, trailer + 16, &(1_u32 << 22).to_be_bytes()),
        overwritten(honest, trailer + 16, &u32::MAX.to_be_bytes()),
        overwritten(honest, trailer, &u64::MAX.to_be_bytes()),
        overwritten(honest, trailer + 8, &((1_u64 << 53) - 1).to_be_bytes()),
        // Entries of 64 MiB, of more, of nothing.
        overwritten(honest, first, &(64_u32 << 20).to_be_bytes()),
        overwritten(honest, first, &u32::MAX.to_be_bytes()),
        overwritten(honest, 4, &0_u32.to_be_bytes()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_catalogs_that_claim_or_hold_too_much_cost_bounded_memory() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let honest = tree_of(&[b"one".to_vec(), b"two".to_vec()]);
    ana.send_chunks("shop", &honest.chunks).await?;
    for (at, tree) in claims(&honest).iter().enumerate() {
        let refused = ana.publish_catalog("shop/db@1", tree).await.unwrap_err();
        let expected = [Some(ProblemCode::Malformed), Some(ProblemCode::TooLarge)];
        assert!(expected.contains(&code(&refused)), "{at}: {refused}");
    }
    // An entry that fits the format and no registry of this size.
    let mut draft = TreeDraft::new();
    let part = draft.chunk(b"one");
    draft.file("large", Blake3Digest::of(b"any"), vec![part; 200_000]);
    let refused = ana.publish_catalog("shop/db@1", &draft.finish()).await.unwrap_err();
    assert_eq!(code(&refused), Some(ProblemCode::TooLarge), "{refused}");
    assert!(refused.to_string().contains("--memory-mib"), "{refused}");
    // More chunks than are in memory at a time; none of them is there.
    let mut draft = TreeDraft::new();
    for n in 0..30_000_u32 {
        let digest = Blake3Digest::of(&n.to_be_bytes());
        let part = draft.absent(digest, 1);
        draft.file(&format!("{n:08}"), digest, vec![part]);
    }
    let refused = ana.publish_catalog("shop/db@1", &draft.finish()).await.unwrap_err();
    assert_eq!(code(&refused), Some(ProblemCode::ContentMissing), "{refused}");
    assert!(peak_mib(server.process())? < 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn large_catalogs_that_are_published_at_once_stay_within_the_memory_of_the_registry() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    // One large entry after the other, in each of them.
    let trees: Vec<Tree> = (1..=4).map(|seed| heavy(seed, 25)).collect();
    let names: Vec<String> = (1..=4).map(|n| format!("shop/db@{n}")).collect();
    let published = join_all(trees.iter().zip(&names).map(|(tree, name)| ana.publish_catalog(name, tree)));
    for published in published.await {
        ana.pin("shop/prod", &published?.artifact).await?;
    }
    let peak = peak_mib(server.process())?;
    assert!(peak < 200, "the server had {peak} MiB");
    let sizes = trees.iter().map(|tree| tree.catalog.len()).sum::<usize>() >> 20;
    assert!(sizes > 90, "the catalogs had {sizes} MiB");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_holes_without_end_are_published_and_never_read_back() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let mut draft = TreeDraft::new();
    let hole = holdfast_formats::catalog::Part::Hole(1 << 52);
    draft.file("hole", Blake3Digest::of(b"nobody hashes that"), vec![hole]);
    let artifact = ana.publish_tree("shop/db@1", &draft.finish()).await?.artifact;
    let refused = ana.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(code(&refused), Some(ProblemCode::TooLarge), "{refused}");
    let nothing = ana.answer("shop/prod").await.err().context("nothing is pinned")?;
    assert_eq!(nothing.exit(), ExitCode::NotFound, "{nothing}");
    Ok(())
}
