//! Leaf and node hashes, and the spellings that hashes, indices and sizes refuse.

use proptest::prelude::*;

use super::*;

#[test]
fn the_root_of_one_entry_is_its_leaf_hash() {
    assert_eq!(TreeHash::leaf(b"entry-0").to_string(), "QHZrIDNCkCb1PVRQJnmoOXBrR0H43K86i7pfQbX/4HU=");
}

#[test]
fn the_root_of_three_entries_is_two_nodes_above_the_leaves() {
    let [a, b, c] = [b"entry-0", b"entry-1", b"entry-2"].map(|entry| TreeHash::leaf(entry));
    let root = TreeHash::node(&TreeHash::node(&a, &b), &c);
    assert_eq!(root.to_string(), "pkvybgkSj2/i/m+LLYyAHhZrV8BHp82bK4Ceepai8cs=");
}

#[test]
fn the_empty_tree_is_the_hash_of_nothing() {
    assert_eq!(TreeHash::empty().to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

#[test]
fn a_leaf_that_spells_a_node_hashes_differently() {
    let (left, right) = (TreeHash::leaf(b"a"), TreeHash::leaf(b"b"));
    let spelled: Vec<u8> = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(TreeHash::leaf(&spelled), TreeHash::node(&left, &right));
}

#[test]
fn a_hash_in_another_spelling_is_refused() {
    let good = TreeHash::empty().to_string();
    let trailing_bits = good.replace("FU=", "FV=");
    let url_safe = good.replace('+', "-").replace('/', "_");
    let unpadded = good.trim_end_matches('=').to_owned();
    for bad in ["", "AAAA", &trailing_bits, &url_safe, &unpadded, &format!("{good}\n"), &format!(" {good}")] {
        assert_eq!(bad.parse::<TreeHash>(), Err(TreeError::BadHash { length: bad.len() }), "{bad:?}");
    }
}

#[test]
fn a_hash_is_a_string_in_json() {
    let json = serde_json::to_string(&TreeHash::empty()).unwrap();
    assert_eq!(json, "\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"");
    assert_eq!(serde_json::from_str::<TreeHash>(&json).unwrap(), TreeHash::empty());
    assert!(serde_json::from_str::<TreeHash>("\"47DE\"").is_err());
}

#[test]
fn numbers_end_where_json_stops_being_exact() {
    assert_eq!(TreeSize::new(INTEGER_MAX).map(TreeSize::get), Ok(9_007_199_254_740_991));
    assert!(TreeSize::new(INTEGER_MAX + 1).is_err());
    assert!(serde_json::from_str::<LeafIndex>("9007199254740992").is_err());
    assert!(TreeSize::new(INTEGER_MAX).unwrap().checked_add(1).is_err());
    assert!(LeafIndex::new(1).unwrap().checked_add(u64::MAX).is_err());
    assert!(LeafIndex::new(INTEGER_MAX).unwrap().size_through().is_err());
}

#[test]
fn numbers_are_json_integers_and_nothing_else() {
    assert_eq!(serde_json::to_string(&LeafIndex::new(70_000).unwrap()).unwrap(), "70000");
    for bad in ["\"7\"", "7.0", "7e0", "-1", "18446744073709551616", "null"] {
        assert!(serde_json::from_str::<TreeSize>(bad).is_err(), "{bad}");
    }
}

#[test]
fn numbers_with_sign_space_or_leading_zero_are_refused() {
    assert_eq!("0".parse::<TreeSize>(), Ok(TreeSize::ZERO));
    for bad in ["", "00", "07", "+7", "-7", " 7", "7 ", "7\n", "٧", "0x7", "1_000"] {
        assert_eq!(bad.parse::<TreeSize>(), Err(TreeError::NotDecimal { what: "a tree size" }), "{bad:?}");
    }
    assert_eq!("99999999999999999999".parse::<LeafIndex>(), Err(TreeError::TooBig { what: "a leaf index" }));
}

#[test]
fn a_tree_contains_the_leaves_below_its_size() {
    let size = TreeSize::new(7).unwrap();
    assert!(size.contains(LeafIndex::new(6).unwrap()));
    assert!(!size.contains(size.next_index()));
    assert_eq!(LeafIndex::new(6).unwrap().size_through(), Ok(size));
}

proptest! {
    #[test]
    fn every_hash_and_number_survives_its_text(bytes: [u8; 32], number in 0..=INTEGER_MAX) {
        let hash = TreeHash::from_bytes(bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        let size = TreeSize::new(number).unwrap();
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }
}
