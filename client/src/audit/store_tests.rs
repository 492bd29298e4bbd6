//! Audits of a store that a registry left: written here as it writes them, then edited as its operator could.

use std::fs;
use std::path::PathBuf;

use holdfast_formats::commit::{Commit, CommitHeader};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::tile::{TileKind, TilePath, encode_bundle, encode_hashes};
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_verify::merkle::Edge;

use super::source::commit_key;
use super::*;
use crate::places::Places;
use crate::session::OpenOptions;
use crate::test_log::TestLog;

/// Entries of a commit.
const PER_COMMIT: usize = 7;

/// A store, and somebody who trusts its log.
struct Left {
    folder: tempfile::TempDir,
    home: tempfile::TempDir,
    log: TestLog,
}

impl Left {
    fn of(entries: usize) -> Self {
        let mut log = TestLog::new();
        log.grow_to(entries);
        let left = Self { folder: tempfile::tempdir().unwrap(), home: tempfile::tempdir().unwrap(), log };
        left.places().write_trust(&left.log.trust("http://127.0.0.1:1")).unwrap();
        left.write();
        left
    }

    fn places(&self) -> Places {
        Places::under(self.home.path())
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        fs::create_dir_all(self.file(key).parent().unwrap()).unwrap();
        fs::write(self.file(key), bytes).unwrap();
    }

    /// Commits, tiles and checkpoint, as the registry would have them.
    fn write(&self) {
        let leaves: Vec<Vec<u8>> = self.log.entries().into_iter().map(|logged| logged.entry.0).collect();
        let writer = SigningKey::from_seed([3; 32]);
        let (mut edge, mut previous) = (Edge::empty(), Sha256Digest::from_bytes([0; 32]));
        let mut tiles = Vec::new();
        for (number, entries) in (0..).zip(leaves.chunks(PER_COMMIT)) {
            let previous_size = edge.size();
            for leaf in entries {
                edge.push(TreeHash::leaf(leaf), &mut |path, hashes| tiles.push((path, hashes.to_vec())))
                    .unwrap();
            }
            let header = CommitHeader {
                origin: "example/log".parse().unwrap(),
                number,
                previous,
                previous_size,
                count: entries.len() as u64,
                root: edge.root(),
                writer: writer.public().id(),
                nonce: RandomId::from_bytes([4; 16]),
            };
            let (bytes, hash) = header.encode(&writer, entries).unwrap();
            self.put(&commit_key(number), &bytes);
            previous = hash;
        }
        tiles.extend(edge.partial_tiles().map(|(path, hashes)| (path, hashes.to_vec())));
        for (path, hashes) in tiles {
            self.put(&format!("log/{path}"), &encode_hashes(&hashes).unwrap());
        }
        for (index, entries) in (0..).zip(leaves.chunks(256)) {
            let path =
                TilePath::new(TileKind::Entries, index, u16::try_from(entries.len()).unwrap()).unwrap();
            self.put(&format!("log/{path}"), &encode_bundle(entries).unwrap());
        }
        self.put("log/checkpoint", self.log.checkpoint(leaves.len()).as_bytes());
    }

    async fn audit(&self, change: impl FnOnce(&mut AuditRequest)) -> AuditReport {
        let location = self.folder.path().to_str().unwrap();
        let mut request = AuditRequest { offline: true, ..AuditRequest::of_store(location) };
        change(&mut request);
        let registry = Registry::open(&self.places(), OpenOptions::new()).unwrap();
        registry.audit(&request).await.unwrap()
    }

    async fn kinds(&self) -> Vec<FindingKind> {
        self.audit(|_| ()).await.findings.iter().map(|finding| finding.kind).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_read_to_its_end_and_the_next_audit_goes_on_there() {
    let mut left = Left::of(600);
    let first = left.audit(|_| ()).await;
    assert_eq!((first.findings, first.size.get(), first.resumed_from.get()), (vec![], 600, 0));
    left.log.grow_to(700);
    left.write();
    // The commit that ended with entry 600 was the last, and short: it is another now, and so is the log.
    let forked = left.audit(|_| ()).await;
    assert_eq!(forked.findings.first().map(|finding| finding.kind), Some(FindingKind::Fork));
    let fresh = left.audit(|request| request.fresh = true).await;
    assert_eq!((fresh.findings, fresh.size.get()), (vec![], 700));
    left.log.grow_to(1_400);
    left.write();
    let second = left.audit(|_| ()).await;
    assert_eq!((second.findings, second.size.get(), second.resumed_from.get()), (vec![], 1_400, 700));
    let from = left.audit(|request| request.from = Some(TreeSize::new(700).unwrap())).await;
    assert_eq!((from.findings, from.root), (vec![], second.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn t7_a_torn_commit_ends_the_log_and_is_found_once() {
    let left = Left::of(100);
    let file = left.file(&commit_key(4));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    // The checkpoint is ahead of what can be read.
    for _ in 0..2 {
        assert_eq!(left.kinds().await, [FindingKind::CommitMalformed, FindingKind::CommitMissing]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_gap_is_found_and_not_forgotten_when_the_commit_comes_back() {
    let left = Left::of(100);
    let file = left.file(&commit_key(4));
    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(left.kinds().await, [FindingKind::CommitMissing, FindingKind::CommitMissing]);
    fs::write(&file, whole).unwrap();
    assert_eq!(left.kinds().await, [FindingKind::CommitMissing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_commit_by_another_writer_or_out_of_its_chain_is_found() {
    let left = Left::of(100);
    let file = left.file(&commit_key(4));
    let commit = Commit::parse(&fs::read(&file).unwrap()).unwrap();
    let stranger = SigningKey::from_seed([66; 32]);
    let header = CommitHeader { writer: stranger.public().id(), ..commit.header };
    fs::write(&file, header.encode(&stranger, &commit.entries).unwrap().0).unwrap();
    // The next one names the hash of the one that was there.
    assert_eq!(left.kinds().await, [FindingKind::CommitWriter, FindingKind::CommitChain]);
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_altered_and_missing_tiles_are_found_full_and_partial_ones() {
    for key in ["log/tile/0/000", "log/tile/entries/001", "log/tile/0/002.p/88", "log/tile/1/000.p/2"] {
        let left = Left::of(600);
        let mut bytes = fs::read(left.file(key)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        left.put(key, &bytes);
        assert_eq!(left.kinds().await, [FindingKind::Tile], "{key} altered");
        let left = Left::of(600);
        fs::remove_file(left.file(key)).unwrap();
        assert_eq!(left.kinds().await, [FindingKind::Tile], "{key} missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_checkpoint_that_goes_back_or_is_over_another_root_is_found() {
    let left = Left::of(100);
    let other = Left::of(100);
    assert_eq!(left.kinds().await, []);
    left.put("log/checkpoint", left.log.checkpoint(50).as_bytes());
    assert_eq!(left.kinds().await, [FindingKind::Checkpoint]);
    left.put("log/checkpoint", other.log.checkpoint(100).as_bytes());
    assert_eq!(left.kinds().await, [FindingKind::Checkpoint]);
    fs::remove_file(left.file("log/checkpoint")).unwrap();
    assert_eq!(left.kinds().await, [FindingKind::Checkpoint]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_the_trusted_policy_is_not_the_trusted_log() {
    let left = Left::of(20);
    left.places().write_trust(&Left::of(20).log.trust("http://127.0.0.1:1")).unwrap();
    assert!(left.kinds().await.contains(&FindingKind::Policy));
}
