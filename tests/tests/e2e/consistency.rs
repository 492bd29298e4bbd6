//! Consistency proofs between any two sizes that the log ever had, not only to the newest.

use std::convert::Infallible;

use anyhow::{Context as _, Result};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::note::Note;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{Consistency, LogEntries, ProblemCode, Receipt};
use holdfast_tests::{Http, Index, TestRegistry};
use holdfast_verify::consistency::verify_consistency;
use holdfast_verify::inclusion::verify_inclusion;
use holdfast_verify::merkle::{NodeAddress, consistency_proof, tree_root};

/// More than one full tile.
const ENTRIES: u64 = 300;

fn size(entries: u64) -> Result<TreeSize> {
    Ok(TreeSize::new(entries)?)
}

/// The hash of a complete subtree, from the leaves.
fn node(leaves: &[TreeHash], node: NodeAddress) -> TreeHash {
    let width = 1_usize << node.level();
    let start = usize::try_from(node.index()).unwrap_or(usize::MAX) * width;
    let mut hashes = leaves[start..start + width].to_vec();
    while hashes.len() > 1 {
        hashes = hashes.chunks(2).map(|pair| TreeHash::node(&pair[0], &pair[1])).collect();
    }
    hashes[0]
}

/// Every pair of the sizes where something changes, and some others.
fn pairs(newest: u64) -> Vec<(u64, u64)> {
    let edges = [0, 1, 2, 3, 7, 8, 128, 255, 256, 257, 280, newest - 1, newest];
    let mut pairs: Vec<_> = edges.iter().flat_map(|from| edges.map(|to| (*from, to))).collect();
    let mut state = 0x9e37_79b9_u64;
    for _ in 0..60 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = ((state >> 20) % (newest + 1), (state >> 40) % (newest + 1));
        pairs.push((a, b));
    }
    pairs.retain(|(from, to)| from <= to);
    pairs
}

#[tokio::test(flavor = "multi_thread")]
async fn any_two_sizes_are_proven_to_be_one_log_and_every_entry_to_be_in_it() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let freeze = |_| async { ana.freeze("shop/prod").await.map(drop) };
    stream::iter(0..ENTRIES).map(freeze).buffer_unordered(32).try_collect::<()>().await?;
    let http = ana.http()?;
    let page: LogEntries = http.read("/v1/log/entries?from=0&limit=1000").await?;
    let leaves: Vec<TreeHash> = page.entries.iter().map(|entry| TreeHash::leaf(&entry.entry.0)).collect();
    let newest = page.size.get();
    assert!(newest > ENTRIES && leaves.len() as u64 == newest);
    let root = |entries| -> Result<TreeHash> {
        let Ok(root) = tree_root::<Infallible>(size(entries)?, &|at| Ok(node(&leaves, at)));
        Ok(root)
    };
    for (from, to) in pairs(newest) {
        let path = format!("/v1/log/consistency?from={from}&to={to}");
        let answer: Consistency = http.read(&path).await?;
        let model = consistency_proof(size(from)?, size(to)?, &|at| {
            Ok::<_, holdfast_verify::merkle::MerkleError>(node(&leaves, at))
        })?;
        assert_eq!((answer.from.get(), answer.to.get(), &answer.hashes), (from, to, &model), "{path}");
        verify_consistency(size(from)?, size(to)?, &root(from)?, &root(to)?, &answer.hashes)
            .with_context(|| path.clone())?;
        let note = Note::parse(answer.checkpoint.as_bytes())?;
        assert_eq!(Checkpoint::from_body(note.unverified_text())?.size().get(), newest, "{path}");
    }
    every_entry_is_proven(&http, &page).await?;
    registry.restart(Index::Kept).await?;
    // First read from the store, the second time from what is kept in memory.
    let http = ana.http()?;
    every_entry_is_proven(&http, &page).await?;
    every_entry_is_proven(&http, &page).await
}

async fn every_entry_is_proven(http: &Http, page: &LogEntries) -> Result<()> {
    for logged in &page.entries {
        let index = logged.index;
        let receipt: Receipt = http.read(&format!("/v1/log/proof/{index}")).await?;
        assert_eq!((receipt.index, &receipt.entry), (index, &logged.entry));
        let proof: TlogProof = receipt.proof.parse()?;
        let note = Note::parse(proof.checkpoint().as_bytes())?;
        let checkpoint = Checkpoint::from_body(note.unverified_text())?;
        let leaf = TreeHash::leaf(&receipt.entry.0);
        verify_inclusion(&leaf, index, checkpoint.size(), proof.hashes(), &checkpoint.root())
            .with_context(|| index.to_string())?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_the_log_never_had_in_that_order_are_refused() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let http = ana.http()?;
    for path in ["from=2&to=1", "from=9999", "from=x&to=1", "from=1&to=1&to=2"] {
        let answer = http.get(&format!("/v1/log/consistency?{path}")).await?;
        let (status, code, _) = Http::problem(answer).await?;
        assert_eq!((status, code), (400, ProblemCode::Malformed), "{path}");
    }
    // A size that the log may have soon is waited for, and then it is said that it did not come.
    let (status, code, _) = Http::problem(http.get("/v1/log/consistency?from=1&to=9999").await?).await?;
    assert_eq!((status, code), (503, ProblemCode::Unavailable));
    Ok(())
}
