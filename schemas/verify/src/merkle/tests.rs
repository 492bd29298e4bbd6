//! The growing tree, its tiles and its proofs against the recursive model, the golden vectors and another crate.

use std::collections::{BTreeMap, BTreeSet};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use holdfast_formats::limits::INTEGER_MAX;
use holdfast_formats::tile::{TilePath, tiles};
use holdfast_formats::tree::TreeHash;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::Sha256;

use super::model::{self, index, leaves, place, size};
use super::*;

/// What a log has stored once it published: every hash tile of one size.
type Stored = BTreeMap<TilePath, Vec<TreeHash>>;

/// Grows a tree and stores its tiles as a log does.
fn grown(leaves: &[TreeHash]) -> (Edge, Stored) {
    let (mut edge, mut stored) = (Edge::empty(), Stored::new());
    edge.push_many(leaves.iter().copied(), &mut |path, hashes| {
        assert!(stored.insert(path, hashes.to_vec()).is_none(), "{path} twice");
    })
    .unwrap();
    stored.extend(edge.partial_tiles().map(|(path, hashes)| (path, hashes.to_vec())));
    (edge, stored)
}

/// Answers for nodes from stored tiles of `size` only.
fn source(stored: &Stored, size: TreeSize) -> impl Fn(NodeAddress) -> Result<TreeHash, MerkleError> {
    move |node| {
        let tile = node.tile_in(size).expect("a plan asks for complete nodes only");
        node.hash_from_tile(&stored[&tile])
    }
}

#[derive(Deserialize)]
struct KnownRoot {
    size: u64,
    root: TreeHash,
}

#[test]
fn known_roots_are_reached_leaf_by_leaf() {
    let known = model::vectors::<KnownRoot>("accept/roots.json");
    for case in &known {
        let leaves = leaves(case.size);
        assert_eq!(grown(&leaves).0.root(), case.root, "{}", case.size);
        assert_eq!(model::root(&leaves), case.root, "{}", case.size);
    }
    for (size, root) in [
        (1, "QHZrIDNCkCb1PVRQJnmoOXBrR0H43K86i7pfQbX/4HU="),
        (3, "pkvybgkSj2/i/m+LLYyAHhZrV8BHp82bK4Ceepai8cs="),
        (7, "kTlgHMHKirKnoMLBNMBIRfKxulSag9bIRc/NpDnMWF0="),
        (256, "+F9OrTQIBxC00egIMBVDqquBqgTeuIWZNQ3Cak8vWN4="),
        (257, "kYsc7GTzF8duPPVcBTaEHAOe/wZ3LruIKM58F2Aotaw="),
        (600, "fw7HciyvSO/Y8D+Z1XRXP3pHqOl81IAgW5hI0ARuH+Y="),
    ] {
        assert!(known.iter().any(|case| case.size == size && case.root.to_string() == root), "{size}");
    }
}

#[test]
fn every_proof_of_every_small_tree_is_the_models() {
    for count in 0..=130 {
        let leaves = leaves(count);
        let (edge, stored) = grown(&leaves);
        let nodes = source(&stored, size(count));
        assert_eq!(edge.root(), model::root(&leaves));
        assert_eq!(tree_root(size(count), &nodes).unwrap(), edge.root());
        for at in 0..count {
            let path = inclusion_proof(index(at), size(count), &nodes).unwrap();
            assert_eq!(path, model::path(place(at), &leaves), "{at} of {count}");
        }
        for old in 0..=count {
            let proof = consistency_proof(size(old), size(count), &nodes).unwrap();
            assert_eq!(proof, model::proof(place(old), &leaves), "{old} to {count}");
        }
    }
}

#[test]
fn another_implementation_has_the_same_root_and_proofs() {
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for at in 0..300_u64 {
        other.push(format!("entry-{at}").into_bytes());
        if at % 37 != 0 {
            continue;
        }
        let count = at + 1;
        let (edge, stored) = grown(&leaves(count));
        let nodes = source(&stored, size(count));
        assert_eq!(other.root().as_bytes().as_slice(), edge.root().as_bytes());
        for leaf in 0..count {
            let path = inclusion_proof(index(leaf), size(count), &nodes).unwrap();
            assert_eq!(other.prove_inclusion(place(leaf)).as_bytes(), flat(&path), "{leaf} of {count}");
        }
        for old in 1..=count {
            let proof = consistency_proof(size(old), size(count), &nodes).unwrap();
            let theirs = other.prove_consistency(place(count - old));
            assert_eq!(theirs.as_bytes(), flat(&proof), "{old} to {count}");
        }
    }
}

fn flat(hashes: &[TreeHash]) -> Vec<u8> {
    hashes.iter().flat_map(TreeHash::as_bytes).copied().collect()
}

#[test]
fn a_grown_tree_has_stored_exactly_the_tiles_of_its_size() {
    for count in [0, 1, 255, 256, 257, 600, 65_535, 65_536, 70_000] {
        let (_, stored) = grown(&vec![TreeHash::empty(); place(count)]);
        let expected: BTreeSet<TilePath> = tiles(size(count))
            .filter(|path| path.kind() != holdfast_formats::tile::TileKind::Entries)
            .collect();
        assert_eq!(stored.keys().copied().collect::<BTreeSet<_>>(), expected, "{count}");
        assert!(stored.iter().all(|(path, hashes)| hashes.len() == usize::from(path.width())));
    }
}

#[test]
fn a_tree_taken_up_from_its_partial_tiles_grows_on_as_if_it_had_never_stopped() {
    let leaves = leaves(1_000);
    for stop in [0, 1, 255, 256, 257, 511, 512, 600] {
        let (whole, _) = grown(&leaves[..stop]);
        let partial: Vec<Vec<TreeHash>> = parts(&whole);
        let mut taken_up = Edge::from_parts(whole.size(), partial).unwrap();
        assert_eq!(taken_up, whole);
        taken_up.push_many(leaves[stop..].iter().copied(), &mut |_, _| ()).unwrap();
        assert_eq!(taken_up.root(), model::root(&leaves), "{stop}");
    }
}

/// The partial tiles of every level, empty ones included.
fn parts(edge: &Edge) -> Vec<Vec<TreeHash>> {
    let level = |level: u8| {
        let of_level = holdfast_formats::tile::TileLevel::new(level).unwrap();
        let kind = holdfast_formats::tile::TileKind::Hashes(of_level);
        edge.partial_tiles()
            .find(|(path, _)| path.kind() == kind)
            .map_or_else(Vec::new, |(_, hashes)| hashes.to_vec())
    };
    (0..7).map(level).collect()
}

#[test]
fn partial_tiles_that_do_not_fit_the_size_are_refused() {
    let hash = TreeHash::empty();
    let wrong =
        |size, level, needed, actual| Err(MerkleError::WrongPartialTile { size, level, needed, actual });
    assert_eq!(Edge::from_parts(size(3), vec![vec![hash; 2]]), wrong(size(3), 0, 3, 2));
    assert_eq!(Edge::from_parts(size(256), vec![]), wrong(size(256), 1, 1, 0));
    assert_eq!(Edge::from_parts(size(256), vec![vec![hash; 256]]), wrong(size(256), 1, 1, 0));
    let deep = [vec![vec![hash]], vec![Vec::new(); 6], vec![vec![hash]]].concat();
    assert_eq!(Edge::from_parts(size(1), deep), wrong(size(1), 7, 0, 1));
}

#[test]
fn a_full_log_refuses_the_next_leaf_and_stays_as_it_was() {
    let hash = TreeHash::empty();
    let partial = [vec![vec![hash; 255]; 6], vec![vec![hash; 31]]].concat();
    let mut edge = Edge::from_parts(size(INTEGER_MAX), partial).unwrap();
    let before = edge.clone();
    assert!(matches!(edge.push(hash, &mut |_, _| ()), Err(MerkleError::Full(_))));
    assert_eq!(edge, before);
}

#[test]
fn the_last_leaves_of_the_largest_log_are_appended() {
    let hash = TreeHash::empty();
    let partial = [vec![vec![hash; 254]], vec![vec![hash; 255]; 5], vec![vec![hash; 31]]].concat();
    let mut edge = Edge::from_parts(size(INTEGER_MAX - 1), partial).unwrap();
    assert_eq!(edge.push(hash, &mut |_, _| ()).unwrap(), index(INTEGER_MAX - 1));
    assert_eq!(edge.size(), size(INTEGER_MAX));
}

#[test]
fn a_cascade_hands_out_every_tile_that_it_fills_lowest_first() {
    let hash = TreeHash::empty();
    let mut edge = Edge::from_parts(size(65_535), vec![vec![hash; 255], vec![hash; 255]]).unwrap();
    let mut filled = Vec::new();
    edge.push(hash, &mut |path, hashes| filled.push((path.to_string(), hashes.len()))).unwrap();
    assert_eq!(filled, [("tile/0/255".to_owned(), 256), ("tile/1/000".to_owned(), 256)]);
    assert_eq!(
        edge.partial_tiles().map(|(path, _)| path.to_string()).collect::<Vec<_>>(),
        ["tile/2/000.p/1"]
    );
}

#[test]
fn proofs_about_leaves_and_sizes_that_are_not_there_are_refused() {
    let refused = ProofPlan::inclusion(index(7), size(7));
    assert_eq!(refused, Err(MerkleError::NoSuchLeaf { index: index(7), size: size(7) }));
    assert!(ProofPlan::inclusion(index(0), TreeSize::ZERO).is_err());
    let backwards = ProofPlan::consistency(size(8), size(7));
    assert_eq!(backwards, Err(MerkleError::Shrunk { old: size(8), new: size(7) }));
}

#[test]
fn a_missing_node_ends_the_building_with_its_error() {
    let lost = |node: NodeAddress| Err(MerkleError::NoSuchNode { level: node.level(), index: node.index() });
    assert_eq!(
        inclusion_proof(index(4), size(7), &lost),
        Err(MerkleError::NoSuchNode { level: 0, index: 5 })
    );
}

#[test]
fn a_node_names_its_tile_and_its_place_there() {
    let node = |level, at| NodeAddress::new(level, at).unwrap();
    let place =
        |node: NodeAddress, count| (node.tile_in(size(count)).map(|path| path.to_string()), node.positions());
    assert_eq!(place(node(0, 257), 600), (Some("tile/0/001".to_owned()), 1..2));
    assert_eq!(place(node(3, 65), 600), (Some("tile/0/002.p/88".to_owned()), 8..16));
    assert_eq!(place(node(7, 1), 600), (Some("tile/0/000".to_owned()), 128..256));
    assert_eq!(place(node(8, 1), 600), (Some("tile/1/000.p/2".to_owned()), 1..2));
    assert_eq!(place(node(9, 0), 600), (Some("tile/1/000.p/2".to_owned()), 0..2));
    assert_eq!(node(8, 2).tile_in(size(600)), None);
    assert_eq!(
        node(8, 2).hash_from_tile(&[TreeHash::empty(); 2]),
        Err(MerkleError::ShortTile { needed: 3, actual: 2 })
    );
}

#[test]
fn nodes_beyond_the_largest_tree_do_not_exist() {
    assert!(NodeAddress::new(52, 0).is_ok());
    for (level, at) in
        [(0, INTEGER_MAX), (52, 1), (53, 0), (63, 0), (64, 0), (255, 0), (0, u64::MAX), (63, u64::MAX)]
    {
        assert_eq!(NodeAddress::new(level, at), Err(MerkleError::NoSuchNode { level, index: at }));
    }
}

#[test]
fn the_edge_knows_the_nodes_of_its_partial_tiles_and_no_others() {
    let (edge, stored) = grown(&leaves(600));
    let node = |level, at| NodeAddress::new(level, at).unwrap();
    for known in [node(0, 512), node(0, 599), node(4, 32), node(6, 8), node(8, 1), node(9, 0)] {
        assert_eq!(edge.node(known), Some(source(&stored, size(600))(known).unwrap()), "{known:?}");
    }
    for unknown in [node(0, 0), node(0, 511), node(7, 3), node(0, 600), node(7, 4), node(10, 0)] {
        assert_eq!(edge.node(unknown), None, "{unknown:?}");
    }
}

#[test]
fn the_subtrees_of_a_tile_are_what_its_hashes_give() {
    for width in [1, 2, 3, 128, 255, 256] {
        let tile = leaves(width);
        let subtrees = Subtrees::of(tile.clone());
        assert_eq!(subtrees.tile(), tile);
        for (level, at) in (0..8).flat_map(|level| (0..256_u64 >> level).map(move |at| (level, at))) {
            // The fourth tile of a level, and the same of the level of tiles above.
            for node in [(level, at + (768 >> level)), (level + 8, at + (768 >> level))] {
                let node = NodeAddress::new(node.0, node.1).unwrap();
                assert_eq!(subtrees.node(node), node.hash_from_tile(&tile).ok(), "{node:?} of {width}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_of_larger_trees_are_the_models(count in 131..9_000_u64, a: u64, b: u64) {
        let leaves = leaves(count);
        let (edge, stored) = grown(&leaves);
        let (at, old) = (a % count, b % (count + 1));
        let nodes = source(&stored, size(count));
        prop_assert_eq!(edge.root(), model::root(&leaves));
        prop_assert_eq!(inclusion_proof(index(at), size(count), &nodes).unwrap(), model::path(place(at), &leaves));
        prop_assert_eq!(consistency_proof(size(old), size(count), &nodes).unwrap(), model::proof(place(old), &leaves));
        prop_assert_eq!(tree_root(size(old), &nodes).unwrap(), model::root(&leaves[..place(old)]));
    }

    #[test]
    fn a_plan_names_only_tiles_that_exist_and_all_that_it_needs(count in 1..=INTEGER_MAX, a: u64, b: u64) {
        let (at, old) = (a % count, b % (count + 1));
        let inclusion = ProofPlan::inclusion(index(at), size(count)).unwrap();
        let consistency = ProofPlan::consistency(size(old), size(count)).unwrap();
        for plan in [inclusion, consistency] {
            prop_assert!(plan.nodes().all(|node| node.tile_in(size(count)).is_some()));
            prop_assert!(plan.tiles(size(count)).len() <= 14);
            prop_assert!(plan.build::<MerkleError>(&|_| Ok(TreeHash::empty())).unwrap().len() <= 54);
        }
    }
}
