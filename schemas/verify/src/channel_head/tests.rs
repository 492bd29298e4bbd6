use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};

use super::*;

fn head(origin: &str) -> ChannelHead {
    ChannelHead {
        origin: origin.parse().unwrap(),
        channel: "shop/prod".parse().unwrap(),
        size: TreeSize::new(7).unwrap(),
        root: TreeHash::leaf(b"root"),
        time: Timestamp::from_ms(1_795_000_000_000),
        newest_entry: None,
        lines: Vec::new(),
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

#[test]
fn a_head_signed_by_a_head_key_is_accepted() {
    let signed = sign_head(&head("example/log"), &key(1));
    let origin = "example/log".parse().unwrap();
    let verified = verify_head(&signed, &origin, &[key(2).public(), key(1).public()]).unwrap();
    assert_eq!(verified.into_inner(), head("example/log"));
}

#[test]
fn a_head_signed_by_another_key_or_altered_afterwards_is_refused() {
    let signed = sign_head(&head("example/log"), &key(1));
    let origin = "example/log".parse().unwrap();
    assert!(matches!(verify_head(&signed, &origin, &[key(2).public()]), Err(HeadError::Note(_))));
    let altered = signed.replace("shop/prod", "shop/test");
    assert!(matches!(verify_head(&altered, &origin, &[key(1).public()]), Err(HeadError::Note(_))));
}

#[test]
fn t18_a_head_of_another_log_is_refused_even_when_the_keys_are_shared() {
    let origin: Origin = "example/log".parse().unwrap();
    let other = sign_head(&head("example/other"), &key(1));
    assert!(verify_head(&other, &origin, &[key(1).public()]).is_err());
    // The other log's text, signed under this log's name.
    let crossed = note::sign(&head("example/other").to_string(), &head_key_name(&origin), &key(1)).unwrap();
    assert!(matches!(verify_head(&crossed, &origin, &[key(1).public()]), Err(HeadError::OtherLog { .. })));
}

#[test]
fn t22_a_signed_checkpoint_is_never_taken_for_a_head_nor_the_other_way_round() {
    let origin: Origin = "example/log".parse().unwrap();
    let checkpoint =
        Checkpoint::new(origin.clone(), TreeSize::new(7).unwrap(), TreeHash::leaf(b"root")).unwrap();
    let signed = sign_checkpoint(&checkpoint, &key(1));
    assert!(verify_head(&signed, &origin, &[key(1).public()]).is_err());
    let signed = sign_head(&head("example/log"), &key(1));
    assert!(Checkpoint::from_signed(signed.as_bytes(), &origin, &[key(1).public()]).is_err());
}
