//! Snapshots of trees, made by hand: what the registry takes, gives and reads back.

use anyhow::Result;
use holdfast_client::ClientError;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::ComponentRole;
use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::Quotas;
use holdfast_formats::wire::v1::{MissingChunk, ProblemCode};
use holdfast_tests::{
    Backing, CountingStore, Http, Index, TestRegistry, Tree, TreeDraft, held, of, raw_chunk, release_of,
};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

fn code(refused: &ClientError) -> Option<ProblemCode> {
    refused.problem().map(|problem| problem.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_published_when_its_chunks_are_there_and_gives_them_one_by_one() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let tree = Tree::of_files(&[("a", &[b"one", b"two"]), ("b", &[b"two"]), ("c", &[])]);
    let refused = ana.publish_catalog("shop/db@1", &tree).await.unwrap_err();
    assert_eq!(code(&refused), Some(ProblemCode::ContentMissing), "{refused}");
    let missing = refused.problem().and_then(|problem| problem.missing.clone()).unwrap_or_default();
    let mut wanted: Vec<_> = [b"one", b"two"]
        .map(|chunk| MissingChunk { chunk: Blake3Digest::of(chunk), offset: 0, length: 3 })
        .to_vec();
    wanted.sort_by_key(|missing| missing.chunk);
    assert_eq!(missing, wanted);

    let pushed = ana.publish_tree("shop/db@1", &tree).await?;
    let http = ana.http()?;
    let artifact = pushed.artifact.r#ref.to_string();
    for chunk in [b"one", b"two"] {
        let answer =
            http.get(&format!("/v1/artifacts/{artifact}/chunks/{}", Blake3Digest::of(chunk))).await?;
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.error_for_status()?.bytes().await?, raw_chunk(chunk));
    }
    // What is there and no part of the snapshot is not given: a chunk of another artifact, the catalog's own.
    ana.publish("shop/web@1", "secret").await?;
    for other in [Blake3Digest::of(b"secret"), Blake3Digest::of(&tree.catalog), Blake3Digest::of(b"nothing")]
    {
        let answer =
            Http::problem(http.get(&format!("/v1/artifacts/{artifact}/chunks/{other}")).await?).await?;
        assert_eq!((answer.0, answer.1), (404, ProblemCode::NotFound));
    }
    let web = format!("/v1/artifacts/shop/web@1/chunks/{}", Blake3Digest::of(b"secret"));
    assert_eq!(Http::problem(http.get(&web).await?).await?.0, 404, "it is no snapshot of a tree");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_catalog_or_another_than_the_manifest_says_is_not_published() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let honest = Tree::of_files(&[("a", &[b"one"])]);
    ana.send_chunks("shop", &honest.chunks).await?;
    let cut = honest.catalog.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default();
    let flipped = |at: usize| {
        let mut bytes = honest.catalog.clone();
        bytes[at] ^= 1;
        bytes
    };
    let wrong = [
        Tree { entries: honest.entries + 1, ..honest.clone() },
        Tree { size_bytes: honest.size_bytes - 1, ..honest.clone() },
        Tree { catalog: Vec::new(), ..honest.clone() },
        Tree { catalog: cut, ..honest.clone() },
        Tree { catalog: flipped(0), ..honest.clone() },
        Tree { catalog: flipped(7), ..honest.clone() },
        Tree { catalog: flipped(honest.catalog.len() - 1), ..honest.clone() },
    ];
    for (at, tree) in wrong.iter().enumerate() {
        let refused = ana.publish_catalog("shop/db@1", tree).await.unwrap_err();
        assert_eq!(code(&refused), Some(ProblemCode::Malformed), "{at}: {refused}");
    }
    ana.publish_catalog("shop/db@1", &honest).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_what_the_parent_lists_is_looked_for_and_not_read_again() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let chunks: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; 100_000]).collect();
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let before = Tree::of_files(&[("a", &slices)]);
    ana.publish_tree("shop/db@1", &before).await?;
    registry.restart(Index::Kept).await?;
    let ana = ana.again()?;
    // Whether a chunk was read shows when it has rotted: that is what scrubs are for.
    std::fs::write(find(registry.home(), &format!("{}.0", before.digest(7)))?, b"rot")?;
    let after = Tree::of_files(&[("a", &slices), ("b", &[b"new"])]).after("shop/db@1");
    ana.send_chunks("shop", &[b"new".to_vec()]).await?;
    ana.publish_catalog("shop/db@2", &after).await?;
    // Without the parent it is read; and once it was found bad, no parent vouches for it.
    registry.restart(Index::Kept).await?;
    let unvouched = Tree::of_files(&[("a", &slices), ("c", &[b"new"])]);
    for tree in [unvouched.clone(), unvouched.after("shop/db@1")] {
        let refused = ana.publish_catalog("shop/db@3", &tree).await.unwrap_err();
        assert_eq!(code(&refused), Some(ProblemCode::ContentMissing), "{refused}");
    }
    Ok(())
}

fn find(folder: &std::path::Path, name: &str) -> Result<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Ok(found) = find(&path, name) {
                return Ok(found);
            }
        } else if path.file_name().is_some_and(|file| file == name) {
            return Ok(path);
        }
    }
    anyhow::bail!("there is no {name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_a_catalog_that_names_chunks_of_another_namespace_learns_nothing_of_them() -> Result<()> {
    let store = CountingStore::new();
    let registry = TestRegistry::on(Backing::Objects(store.clone())).await?;
    let ana = registry.login().await?;
    let theirs = Tree::of_files(&[("a", &[b"the bank's own"])]);
    ana.publish_tree("bank/db@1", &theirs).await?;
    let mut answers = Vec::new();
    for content in [&b"the bank's own"[..], b"nobody's at al"] {
        let digest = Blake3Digest::of(content);
        let mut draft = TreeDraft::new();
        let part = draft.absent(digest, 14);
        draft.file("a", digest, vec![part]);
        let tree = draft.finish().after("bank/db@1");
        store.take_asked();
        let refused = ana.publish_catalog("shop/db@1", &tree).await.unwrap_err();
        assert_eq!(code(&refused), Some(ProblemCode::ContentMissing), "{refused}");
        let problem = serde_json::to_string(&refused.problem())?.replace(&digest.to_string(), "the chunk");
        answers.push((problem, store.take_asked()));
    }
    assert_eq!(answers[0], answers[1], "the answers, and how often the store was asked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_whose_catalog_lies_about_a_file_is_never_pinned() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let mut draft = TreeDraft::new();
    let part = draft.chunk(b"what is there");
    draft.file("a", Blake3Digest::of(b"what is said"), vec![part]);
    let liar = draft.finish();
    let lie = ana.publish_tree("shop/db@1", &liar).await?.artifact;
    for _ in 0..2 {
        let refused = ana.pin("shop/prod", &lie).await.unwrap_err();
        assert!(refused.to_string().contains("scrub"), "{refused}");
    }
    let view = ana.registry().artifact(&of("shop/db@1")).await?;
    assert_eq!(view.artifact(), &lie);
    let truth = Tree::of_files(&[("a", &[b"what is there"])]).after("shop/db@1");
    let truth = ana.publish_tree("shop/db@2", &truth).await?.artifact;
    ana.pin("shop/prod", &truth).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/db@2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_answers_with_the_snapshot_that_belongs_to_it_and_its_size_is_that_of_the_tree()
-> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.amend(|policy| policy.channels[0].follows = Some(of("shop/release"))).await?;
    let tree = Tree::of_files(&[("a", &[b"rows"]), ("b", &[b"rows", b"more"])]);
    let data = ana.publish_tree("shop/db@1", &tree).await?.artifact;
    ana.publish("shop/web@1", "code").await?;
    let components = vec![
        held("web", ComponentRole::Code, "shop/web@1", 2),
        held("db", ComponentRole::Data, "shop/db@1", 1),
    ];
    let release = ana.release("shop/release@1", release_of(components)).await?.artifact;
    ana.pin("shop/prod", &release).await?;
    let lookup = ana.known_good("shop/prod").await?;
    let closure = &lookup.answer.get().closure;
    let part = closure.iter().find(|part| part.artifact == data).expect("the data belongs to it");
    assert_eq!(part.manifest.size_bytes(), 12 + tree.catalog.len() as u64);
    assert!(part.scrub > part.published.index, "it was read back");
    for chunk in [b"rows", b"more"] {
        let path = format!("/v1/artifacts/{}/chunks/{}", part.artifact.r#ref, Blake3Digest::of(chunk));
        assert_eq!(ana.http()?.get(&path).await?.error_for_status()?.bytes().await?, raw_chunk(chunk));
    }
    // One chunk less, and what contains it is not complete.
    let next = Tree::of_files(&[("a", &[b"rotten"])]);
    ana.publish_tree("shop/db@2", &next).await?;
    let components = vec![held("db", ComponentRole::Data, "shop/db@2", 1)];
    let broken = ana.release("shop/release@2", release_of(components)).await?.artifact;
    let hex = next.digest(0).to_string();
    let place = Path::from(format!("chunks/shop/{}/{hex}.0", &hex[..2]));
    registry.objects()?.put(&place, raw_chunk(b"rot").into()).await?;
    let refused = ana.pin("shop/prod", &broken).await.unwrap_err();
    assert!(refused.to_string().contains("scrub"), "{refused}");
    assert_eq!(ana.answer("shop/prod").await?, ["shop/release@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_a_published_snapshot_no_longer_count_against_the_quota() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let change = |grant: &mut holdfast_client::GrantDraft| {
        let bytes_unpublished = Some(ByteSize::new(300_000).expect("it is small"));
        grant.quotas = Some(Quotas { bytes_unpublished, entries_per_day: None });
    };
    let (token, _) = ana.grant(change).await?;
    let ci = ana.without_memory(registry.clock().clone())?.with_token(token)?;
    let tree = |seed: u8| {
        let chunks = [vec![seed; 100_000], vec![seed + 100; 100_000]];
        Tree::of_files(&[("a", &[&chunks[0], &chunks[1]])])
    };
    for seed in 1..=4 {
        ci.publish_tree(&format!("shop/db@{seed}"), &tree(seed)).await?;
    }
    ci.send_chunks("shop", &tree(5).chunks).await?;
    let full = ci.send_chunks("shop", &tree(6).chunks).await.unwrap_err();
    assert!(full.to_string().contains("403") || full.to_string().contains("429"), "{full}");
    // Somebody else publishes what waits: that gives room, too.
    ana.publish_catalog("shop/db@5", &tree(5)).await?;
    ci.send_chunks("shop", &tree(6).chunks).await?;
    Ok(())
}
