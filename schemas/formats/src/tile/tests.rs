//! Paths, shapes and bytes of tiles against the examples of C2SP tlog-tiles and against their own inverse.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::tree::vectors;

fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

fn level(level: u8) -> TileKind {
    TileKind::Hashes(TileLevel::new(level).unwrap())
}

fn paths(tiles: impl Iterator<Item = TilePath>) -> Vec<String> {
    tiles.map(|tile| tile.to_string()).collect()
}

#[test]
fn a_tile_index_is_written_in_groups_of_three_digits() {
    let path = TilePath::new(level(0), 1_234_067, TILE_WIDTH).unwrap();
    assert_eq!(path.to_string(), "tile/0/x001/x234/067");
    assert_eq!(TilePath::new(level(63), 0, 1).unwrap().to_string(), "tile/63/000.p/1");
    assert_eq!(
        TilePath::new(TileKind::Entries, 1000, 255).unwrap().to_string(),
        "tile/entries/x001/000.p/255"
    );
}

#[test]
fn golden_tile_paths_are_accepted_and_rejected() {
    for case in vectors::cases("tile-paths") {
        let text = String::from_utf8(case.bytes).unwrap();
        assert!(text.lines().count() > 3, "{}", case.file);
        for line in text.lines() {
            let read = line.parse::<TilePath>();
            assert_eq!(read.is_ok(), case.accept, "{line:?}");
            assert!(read.is_err() || read.unwrap().to_string() == line);
        }
    }
}

#[test]
fn golden_entry_bundles_are_accepted_and_rejected() {
    for case in vectors::cases("bundle-of-3") {
        let bytes = data_encoding::HEXLOWER.decode(case.bytes.trim_ascii_end()).unwrap();
        let read = decode_bundle(&bytes, 3);
        assert_eq!(read.is_ok(), case.accept, "{}: {}", case.file, case.why);
        assert!(read.is_err() || encode_bundle(&read.unwrap()).unwrap() == bytes);
    }
}

#[test]
fn a_tree_of_seventy_thousand_leaves_has_the_tiles_of_the_specification() {
    let all: BTreeSet<TilePath> = tiles(size(70_000)).collect();
    let count = |kind, partial| all.iter().filter(|t| t.kind() == kind && t.is_partial() == partial).count();
    assert_eq!([count(level(0), false), count(level(1), false), count(level(2), false)], [273, 1, 0]);
    assert_eq!(
        paths(partial_tiles(size(70_000))),
        ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    );
}

#[test]
fn a_tree_that_ends_with_a_tile_has_no_empty_partial_one() {
    assert_eq!(paths(tiles(size(256))), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(partial_tiles(size(65_536))), ["tile/2/000.p/1"]);
    assert_eq!(tiles(TreeSize::ZERO).count(), 0);
}

#[test]
fn growing_writes_only_the_tiles_that_changed() {
    assert_eq!(
        paths(new_tiles(size(300), size(600))),
        ["tile/entries/001", "tile/entries/002.p/88", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]
    );
    assert_eq!(paths(new_tiles(size(300), size(301))), ["tile/entries/001.p/45", "tile/0/001.p/45"]);
    assert_eq!(new_tiles(size(300), size(300)).count() + new_tiles(size(300), size(7)).count(), 0);
}

#[test]
fn a_tile_outside_the_tree_does_not_exist() {
    assert_eq!(tile_at(level(0), 1, size(257)).unwrap().width(), 1);
    assert_eq!(tile_at(level(0), 1, size(256)), None);
    assert_eq!(tile_at(level(63), u64::MAX, size(INTEGER_MAX)), None);
}

#[test]
fn levels_indices_and_widths_out_of_range_are_refused() {
    assert_eq!(TileLevel::new(64), Err(TileError::BadLevel { level: 64 }));
    assert_eq!(TilePath::new(level(0), 0, 0), Err(TileError::BadWidth { width: 0 }));
    assert_eq!(TilePath::new(level(0), 0, 257), Err(TileError::BadWidth { width: 257 }));
    assert!(TilePath::new(level(0), INTEGER_MAX + 1, 1).is_err());
}

#[test]
fn a_hash_tile_of_another_length_is_refused() {
    let hashes = [TreeHash::leaf(b"a"), TreeHash::leaf(b"b")];
    let bytes = encode_hashes(&hashes).unwrap();
    assert_eq!(decode_hashes(&bytes, 2).unwrap(), hashes);
    for (cut, width) in [(&bytes[..63], 2), (&bytes[..32], 2), (&bytes[..], 1), (&[][..], 1)] {
        assert_eq!(decode_hashes(cut, width), Err(TileError::WrongLength { width, actual: cut.len() }));
    }
    assert!(encode_hashes(&[]).is_err() && encode_hashes(&[hashes[0]; 257]).is_err());
}

#[test]
fn an_entry_longer_than_its_prefix_can_say_is_refused() {
    assert_eq!(encode_bundle(&[vec![0; ENTRY_BYTES_MAX]]).map(|bytes| bytes.len()), Ok(2 + ENTRY_BYTES_MAX));
    assert_eq!(
        encode_bundle(&[vec![0; ENTRY_BYTES_MAX + 1]]),
        Err(TileError::EntryTooLong { length: ENTRY_BYTES_MAX + 1 })
    );
}

proptest! {
    #[test]
    fn every_path_survives_its_text(kind in 0..=64_u8, index in 0..=INTEGER_MAX, width in 1..=256_u16) {
        let kind = TileLevel::new(kind).map_or(TileKind::Entries, TileKind::Hashes);
        let path = TilePath::new(kind, index, width).unwrap();
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn every_bundle_survives_its_bytes(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256)) {
        let bytes = encode_bundle(&entries).unwrap();
        let width = u16::try_from(entries.len()).unwrap();
        prop_assert_eq!(decode_bundle(&bytes, width).unwrap(), entries);
    }

    #[test]
    fn growing_step_by_step_writes_what_growing_at_once_does(old in 0..200_000_u64, mid in 0..2_000_u64, more in 0..2_000_u64) {
        let (old, mid, new) = (size(old), size(old + mid), size(old + mid + more));
        let at_once: BTreeSet<TilePath> = new_tiles(old, new).collect();
        let stepwise: BTreeSet<TilePath> = new_tiles(old, mid).chain(new_tiles(mid, new)).collect();
        prop_assert!(at_once.is_subset(&stepwise));
        prop_assert!(stepwise.difference(&at_once).all(TilePath::is_partial));
    }
}
