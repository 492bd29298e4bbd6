//! Catalogs are checked and looked into in bounded memory, and a tree is read back as it was.

use futures::future;
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{
    Encoder, Entry, FileContent, FileTime, Metadata, Node, Owner, Part, TRAILER_BYTES, TreePath,
};
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::statement::{ObjectClass, ScrubOutcome};
use holdfast_formats::wire::v1::MissingChunk;

use super::super::{CatalogBlob, Manner, ScrubFinding, TreeListing};
use super::*;

const MIB: usize = 1024 * 1024;
/// With it a part of a catalog's chunks has some 200 of them.
const SMALL_BUDGET: usize = MIB;

/// A file: its digest, and its parts.
type File = (Blake3Digest, Vec<Part>);

fn metadata() -> Metadata {
    let owner = || Owner { id: 0, name: Vec::new() };
    let modified = FileTime { seconds: 0, nanos: 0 };
    Metadata { mode: 0o644, owner: owner(), group: owner(), modified, attributes: Vec::new() }
}

/// The bytes of a catalog of files named by their number, and what it lists.
fn catalog(files: &[File], chunks: &[(Blake3Digest, u32)]) -> (Vec<u8>, TreeListing) {
    let mut encoder = Encoder::new();
    for (chunk, length) in chunks {
        encoder.chunk(*chunk, *length);
    }
    let root = Entry { path: TreePath::root(), node: Node::Directory(metadata()) };
    encoder.entry(&root).expect("the root");
    for (at, (blake3, parts)) in files.iter().enumerate() {
        let path = TreePath::new(format!("{at:08}").into_bytes()).expect("a path");
        let size = parts.iter().map(Part::length).sum();
        let content = FileContent { size, blake3: *blake3, seen: None, parts: parts.clone() };
        encoder.entry(&Entry { path, node: Node::File(metadata(), content) }).expect("a file");
    }
    let mut bytes = encoder.take();
    let (rest, _, trailer) = encoder.finish().expect("a tree");
    bytes.extend(rest);
    (bytes, TreeListing { entries: trailer.entries, size_bytes: trailer.size })
}

fn part(chunk: &[u8], offset: u32, length: u32) -> Part {
    Part::Data(Extent { chunk: Blake3Digest::of(chunk), offset, length })
}

fn whole(chunk: &[u8]) -> Part {
    part(chunk, 0, length(chunk))
}

fn length(chunk: &[u8]) -> u32 {
    u32::try_from(chunk.len()).expect("a chunk is small")
}

fn known(chunks: &[&[u8]]) -> Vec<(Blake3Digest, u32)> {
    chunks.iter().map(|chunk| (Blake3Digest::of(chunk), length(chunk))).collect()
}

/// A catalog of so many files, each one chunk of its own, and their contents.
pub(super) fn many(files: u32) -> (Vec<u8>, TreeListing, Vec<[u8; 4]>) {
    let contents: Vec<[u8; 4]> = (0..files).map(u32::to_be_bytes).collect();
    let listed: Vec<File> = contents.iter().map(|c| (Blake3Digest::of(c), vec![whole(c)])).collect();
    let slices: Vec<&[u8]> = contents.iter().map(<[u8; 4]>::as_slice).collect();
    let (bytes, listing) = catalog(&listed, &known(&slices));
    (bytes, listing, contents)
}

impl World {
    /// Stores a blob in chunks of 300,000 bytes.
    pub(super) async fn push_catalog(&self, bytes: &[u8]) -> (CatalogBlob, BlobRecord) {
        let record = self.push(&bytes.chunks(300_000).collect::<Vec<_>>()).await;
        (CatalogBlob { digest: record.digests.blake3, size_bytes: record.size }, record)
    }

    async fn check(&self, bytes: &[u8], listing: TreeListing) -> Result<(), BlobError> {
        let (catalog, _) = self.push_catalog(bytes).await;
        self.blobs.require_catalog(&self.namespace, &catalog, listing, None).await
    }

    async fn scrub_files(&self, files: &[File], chunks: &[&[u8]]) -> Result<ScrubFinding, BlobError> {
        let (_, record) = self.push_catalog(&catalog(files, &known(chunks)).0).await;
        self.blobs.scrub_tree(&self.namespace, &record.digests, record.size, &Manner::Alone).await
    }
}

fn named(finding: &ScrubFinding) -> Vec<(ObjectClass, NamedDigest)> {
    finding.bad.iter().map(|bad| (bad.class, bad.digest)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_is_checked_in_as_many_parts_as_the_budget_wants() -> Result<(), BlobError> {
    for budget in [SMALL_BUDGET, 64 * MIB] {
        let mut world = World::in_memory().await;
        world.with_budget(budget);
        let (bytes, listing, contents) = many(1000);
        let refused = world.check(&bytes, listing).await;
        assert!(matches!(refused, Err(BlobError::Missing(missing)) if missing.len() == 1000));
        for content in contents.iter().skip(1) {
            world.put_raw(content).await?;
        }
        let refused = world.check(&bytes, listing).await;
        let wanted = MissingChunk { chunk: Blake3Digest::of(&contents[0]), offset: 0, length: 4 };
        assert!(matches!(refused, Err(BlobError::Missing(missing)) if missing == [wanted]));
        world.put_raw(&contents[0]).await?;
        world.check(&bytes, listing).await?;

        let other = TreeListing { entries: listing.entries - 1, ..listing };
        assert!(matches!(world.check(&bytes, other).await, Err(BlobError::Listing { .. })));
        // A chunk that no file needs, one that a file needs and is not listed, two that changed their places.
        let index_at = bytes.len() - TRAILER_BYTES - 36 * 1000;
        for record in [0, 1, 203, 204, 205, 500, 999] {
            for at in [0, 31] {
                let mut wrong = bytes.clone();
                wrong[index_at + 36 * record + at] ^= 1;
                assert!(matches!(world.check(&wrong, listing).await, Err(BlobError::Catalog(_))), "{record}");
            }
        }
        for record in [0, 203, 204, 998] {
            let mut wrong = bytes.clone();
            let (before, after) = wrong[index_at + 36 * record..].split_at_mut(36);
            before.swap_with_slice(&mut after[..36]);
            assert!(matches!(world.check(&wrong, listing).await, Err(BlobError::Catalog(_))), "{record}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_chunk_of_a_long_list_is_found_and_no_other() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let even = |n: u32| Blake3Digest::of(&n.to_be_bytes());
    // Whoever makes a catalog may find digests that lie close together, or say that there are some.
    let close = |n: u32| {
        let mut digest = [0; 32];
        digest[28..].copy_from_slice(&n.to_be_bytes());
        Blake3Digest::from_bytes(digest)
    };
    for digest in [&even as &dyn Fn(u32) -> Blake3Digest, &close] {
        let chunks: Vec<_> = (0..30_000).map(|n| (digest(2 * n), 1)).collect();
        let part =
            |(chunk, _): &(Blake3Digest, u32)| Part::Data(Extent { chunk: *chunk, offset: 0, length: 1 });
        let (bytes, _) = catalog(&[(even(0), chunks.iter().map(part).collect())], &chunks);
        let (catalog, _) = world.push_catalog(&bytes).await;
        for n in (0..60_000).step_by(73).chain([59_998, 59_999]) {
            let found = world.blobs.is_listed(&world.namespace, &catalog, &digest(n)).await?;
            assert_eq!(found, n % 2 == 0, "{n}");
        }
        let mut listed = Vec::new();
        world
            .blobs
            .each_listed(&world.namespace, &catalog, |some| listed.extend(some.iter().map(|c| c.digest)))
            .await?;
        let mut sorted: Vec<_> = chunks.iter().map(|(chunk, _)| *chunk).collect();
        sorted.sort_unstable();
        assert_eq!(listed, sorted);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t26_entries_larger_than_the_memory_for_them_are_refused_by_a_sentence() -> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    world.put_raw(b"x").await?;
    let parts = vec![whole(b"x"); 5000];
    let (bytes, listing) = catalog(&[(Blake3Digest::of(&[b'x'; 5000]), parts)], &known(&[b"x"]));
    world.check(&bytes, listing).await?;
    world.with_budget(SMALL_BUDGET);
    let refused = world.check(&bytes, listing).await.unwrap_err();
    assert!(matches!(&refused, BlobError::TooLarge(what) if what.contains("--memory-mib")), "{refused}");
    // An entry that only says that it is large.
    world.with_budget(64 * MIB);
    let mut claims = bytes.clone();
    claims[4..8].copy_from_slice(&(64 * 1024 * 1024_u32).to_be_bytes());
    assert!(matches!(
        world.check(&claims, listing).await,
        Err(BlobError::TooLarge(_) | BlobError::Catalog(_))
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_vouches_for_what_nobody_looked_at_since_the_start_and_not_for_what_was_found_bad()
-> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    let (bytes, listing, contents) = many(10);
    for content in &contents {
        world.put_raw(content).await?;
    }
    let (catalog, record) = world.push_catalog(&bytes).await;
    world.restart();
    // It is read by whoever reads it.
    world.overwrite(&world.chunk_key(&contents[3]), b"rot".as_slice()).await;
    let check = |parent: Option<CatalogBlob>| {
        let (blobs, namespace) = (world.blobs.clone(), world.namespace.clone());
        async move { blobs.require_catalog(&namespace, &catalog, listing, parent.as_ref()).await }
    };
    check(Some(catalog)).await?;
    let found =
        world.blobs.scrub_tree(&world.namespace, &record.digests, record.size, &Manner::Alone).await?;
    assert_eq!(found.outcome, ScrubOutcome::Bad);
    for parent in [Some(catalog), None] {
        assert!(matches!(check(parent).await, Err(BlobError::Missing(missing)) if missing.len() == 1));
    }
    assert_eq!(world.put_raw(&contents[3]).await?, Put::New);
    check(None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_chunk_that_a_crash_lost_is_missing_whoever_vouches_for_it() -> Result<(), BlobError> {
    let mut world = World::in_directory().await;
    let (bytes, listing, contents) = many(10);
    for content in &contents {
        world.put_raw(content).await?;
    }
    let (catalog, _) = world.push_catalog(&bytes).await;
    // It was linked and not yet on the disk when the power went; of another, half was.
    world.lose(&world.chunk_key(&contents[2]));
    world.restart();
    for parent in [Some(catalog), None] {
        let checked = world.blobs.require_catalog(&world.namespace, &catalog, listing, parent.as_ref()).await;
        let Err(BlobError::Missing(missing)) = checked else { panic!("a chunk is missing") };
        assert_eq!(missing, [MissingChunk { chunk: Blake3Digest::of(&contents[2]), offset: 0, length: 4 }]);
    }
    world.put_raw(&contents[2]).await?;
    world.overwrite(&world.chunk_key(&contents[5]), raw(b"fiv").slice(..33)).await;
    world.restart();
    let checked = world.blobs.require_catalog(&world.namespace, &catalog, listing, None).await;
    assert!(matches!(checked, Err(BlobError::Missing(missing)) if missing.len() == 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_read_back_and_every_file_hashed() -> Result<(), BlobError> {
    let (large, group) = (noise(1, 900_000), noise(2, 400_000));
    let chunks: [&[u8]; 2] = [&large, &group];
    let file = |content: &[u8], parts: Vec<Part>| (Blake3Digest::of(content), parts);
    let mut files = vec![
        file(&large, vec![whole(&large)]),
        file(b"", vec![]),
        file(
            &[&large[..5], &vec![0; 70_000], &group[7..9]].concat(),
            vec![part(&large, 0, 5), Part::Hole(70_000), part(&group, 7, 2)],
        ),
    ];
    for at in 0..400_u32 {
        let from = at as usize * 1000;
        files.push(file(&group[from..from + 1000], vec![part(&group, at * 1000, 1000)]));
    }
    for world in World::both().await {
        world.put_raw(&large).await?;
        world.blobs.put_chunk(&world.namespace, Blake3Digest::of(&group), compressed(&group)).await?;
        let found = world.scrub_files(&files, &chunks).await?;
        let (bytes, listing) = catalog(&files, &known(&chunks));
        let read = (bytes.len() as u64) + listing.size_bytes - 70_000;
        assert_eq!(found, ScrubFinding { outcome: ScrubOutcome::Good, bytes: read, bad: Vec::new() });
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_scrub_of_a_tree_names_its_bad_and_missing_chunks_and_a_catalog_that_lies()
-> Result<(), BlobError> {
    let world = World::in_directory().await;
    for chunk in [b"one", b"two", b"six"] {
        world.put_raw(chunk).await?;
    }
    let chunks: [&[u8]; 3] = [b"one", b"two", b"six"];
    let file = |content: &[u8], chunk: &[u8]| (Blake3Digest::of(content), vec![whole(chunk)]);
    let honest = [file(b"one", b"one"), file(b"two", b"two"), file(b"six", b"six"), file(b"two", b"two")];
    assert_eq!(world.scrub_files(&honest, &chunks).await?.outcome, ScrubOutcome::Good);

    let lies = [file(b"one", b"one"), file(b"too", b"two"), file(b"six", b"six")];
    let found = world.scrub_files(&lies, &chunks).await?;
    let itself = Blake3Digest::of(&catalog(&lies, &known(&chunks)).0);
    let catalog_itself = (ObjectClass::Blob, NamedDigest::Blake3(itself));
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![catalog_itself]));
    // A chunk is shorter than the catalog says.
    let beyond = [(Blake3Digest::of(b"one"), vec![part(b"one", 0, 5)])];
    let (bytes, _) = catalog(&beyond, &[(Blake3Digest::of(b"one"), 5)]);
    let (_, record) = world.push_catalog(&bytes).await;
    let found =
        world.blobs.scrub_tree(&world.namespace, &record.digests, record.size, &Manner::Alone).await?;
    let catalog_itself = (ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3));
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![catalog_itself]));

    let chunk = |content: &[u8]| (ObjectClass::Chunk, NamedDigest::Blake3(Blake3Digest::of(content)));
    world.overwrite(&world.chunk_key(b"two"), raw(b"rot")).await;
    let found = world.scrub_files(&honest, &chunks).await?;
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![chunk(b"two")]));
    world.lose(&world.chunk_key(b"six"));
    let found = world.scrub_files(&honest, &chunks).await?;
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Missing, vec![chunk(b"two"), chunk(b"six")]));
    for bad in [b"two", b"six"] {
        assert_eq!(world.put_raw(bad).await?, Put::New);
    }
    assert_eq!(world.scrub_files(&honest, &chunks).await?.outcome, ScrubOutcome::Good);
    // The catalog itself.
    let (bytes, _) = catalog(&honest, &known(&chunks));
    let (_, record) = world.push_catalog(&bytes).await;
    world.overwrite(&world.chunk_key(&bytes), raw(b"rot")).await;
    let found =
        world.blobs.scrub_tree(&world.namespace, &record.digests, record.size, &Manner::Alone).await?;
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![chunk(&bytes)]));
    assert_eq!(world.scrub_files(&honest, &chunks).await?.outcome, ScrubOutcome::Good, "it was put again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_and_scrubs_at_once_finish_on_small_budgets() -> Result<(), BlobError> {
    // With the second there is memory for one large entry at a time, and for one chunk.
    for (budget, parts) in [(SMALL_BUDGET, 6), (16 * MIB, 2400)] {
        let mut world = World::in_memory().await;
        world.with_budget(budget);
        let chunks: Vec<Vec<u8>> = (0..6).map(|n| noise(n, 600_000)).collect();
        let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        for chunk in &slices {
            world.put_raw(chunk).await?;
        }
        // Parts in turn, so that no chunk that was read is there when it is wanted again.
        let turn = |of: usize, at: usize| slices[at * 6 / of];
        let crumbs =
            |of: usize, from: u32| (0..of).map(|at| part(turn(of, at), from, 10)).collect::<Vec<_>>();
        let content = |of: usize, from: usize| {
            let crumbs = (0..of).flat_map(|at| turn(of, at)[from..from + 10].iter().copied());
            Blake3Digest::of(&crumbs.collect::<Vec<u8>>())
        };
        let mut files: Vec<File> =
            (0..20_u32).map(|n| (content(6, n as usize * 7), crumbs(6, n * 7))).collect();
        files.extend((0..8_u32).map(|n| (content(parts, n as usize), crumbs(parts, n))));
        let (bytes, listing) = catalog(&files, &known(&slices));
        let (catalog, record) = world.push_catalog(&bytes).await;
        let work = future::join_all((0..8).map(|n| {
            let world = &world;
            async move {
                if n % 2 == 0 {
                    let namespace = &world.namespace;
                    return world.blobs.require_catalog(namespace, &catalog, listing, Some(&catalog)).await;
                }
                let found = world
                    .blobs
                    .scrub_tree(&world.namespace, &record.digests, record.size, &Manner::Alone)
                    .await?;
                assert_eq!(found.outcome, ScrubOutcome::Good);
                Ok(())
            }
        }));
        let a_minute = std::time::Duration::from_mins(1);
        for finished in tokio::time::timeout(a_minute, work).await.expect("nobody waits for ever") {
            finished?;
        }
        let shares = &world.blobs.inner.budget;
        for share in
            [&shares.records, &shares.catalogs, &shares.entries, &shares.trees, &shares.work, &shares.pages]
        {
            assert_eq!(share.free_bytes(), share.bytes(), "all of it came back");
        }
    }
    Ok(())
}
