//! The texts of `add-checkpoint`, as the specification has them, and as no witness should send them.

use holdfast_formats::tree::{TreeHash, TreeSize};

use super::answer::{latest, request};

#[test]
fn a_request_is_the_old_size_the_proof_an_empty_line_and_the_checkpoint() {
    let hash = TreeHash::leaf(b"entry-0");
    let size = |n| TreeSize::new(n).expect("it is small");
    assert_eq!(request(size(0), &[], "a\n1\nr\n\n— a x\n"), "old 0\n\na\n1\nr\n\n— a x\n");
    assert_eq!(request(size(7), &[hash, hash], "note\n"), format!("old 7\n{hash}\n{hash}\n\nnote\n"));
}

#[test]
fn the_size_of_a_409_is_one_decimal_line_and_nothing_else() {
    assert_eq!(latest(b"70000\n").map(TreeSize::get).ok(), Some(70_000));
    for wrong in [&b""[..], b"7", b"07\n", b"-1\n", b"7\n8\n", b" 7\n", b"\xff\n", b"99999999999999999999\n"]
    {
        assert!(latest(wrong).is_err(), "{wrong:?}");
    }
}
