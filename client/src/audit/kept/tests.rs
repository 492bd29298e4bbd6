use holdfast_formats::tree::TreeHash;

use super::super::finding::FindingKind;
use super::*;

/// A state with so many leaves and one finding.
fn made(path: &Path, leaves: u32) -> Position {
    let opened = Kept::open(path).unwrap();
    let mut position = opened.position;
    for at in 0..leaves {
        position.edge.push(TreeHash::leaf(&at.to_be_bytes()), &mut |_, _| ()).unwrap();
    }
    position.findings = 1;
    let finding = Finding::new(FindingKind::Refused, "x");
    opened.kept.change(true, |transaction| transaction.put(&position, 0, &[finding])).unwrap();
    position
}

#[test]
fn a_state_is_taken_up_as_it_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log/audit");
    let position = made(&path, 300);
    let opened = Kept::open(&path).unwrap();
    assert_eq!((opened.position, opened.findings.len(), opened.discarded), (position, 1, None));
}

#[test]
fn two_audits_never_share_a_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    made(&path, 3);
    let held = Kept::open(&path).unwrap();
    for second in [Kept::open(&path), Kept::fresh(&path)] {
        assert!(matches!(second, Err(ClientError::Audit(AuditError::Running { .. }))));
    }
    drop(held);
    assert_eq!(Kept::fresh(&path).unwrap().position, Position::start());
}

#[test]
fn what_was_not_made_durable_is_gone_and_what_was_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let position = made(&path, 3);
    let opened = Kept::open(&path).unwrap();
    let later = Position { slot: 9, ..position.clone() };
    opened.kept.change(false, |transaction| transaction.put(&later, 1, &[])).unwrap();
    // As if the process had been killed: the file as it is now, opened by another.
    let copy = folder.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    let taken_up = Kept::open(&copy).unwrap();
    assert_eq!(taken_up.discarded, None);
    assert!([&position, &later].contains(&&taken_up.position));
}

#[test]
fn t7_a_torn_or_altered_state_is_begun_anew_and_never_trusted_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let position = made(&path, 5_000);
    let whole = fs::read(&path).unwrap();
    let other = folder.path().join("other");
    let begun_anew = |bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        let opened = Kept::open(&other).unwrap();
        let anew = opened.discarded.is_some() && opened.position == Position::start();
        assert!(
            anew || (opened.discarded.is_none() && opened.position == position),
            "neither whole nor anew"
        );
        anew
    };
    for cut in [0, 1, 4096, whole.len() / 2, whole.len() - 1] {
        assert!(begun_anew(&whole[..cut]), "cut at {cut} of {}", whole.len());
    }
    // Not every byte of a file is used; those that are decide.
    let step = whole.len() / 97;
    let flipped = (0..whole.len()).step_by(step).filter(|at| {
        let mut bytes = whole.clone();
        bytes[*at] ^= 0x10;
        begun_anew(&bytes)
    });
    assert!(flipped.count() > 0);
    let text = b"\"anchored\":false";
    let at = whole.windows(text.len()).position(|window| window == text).expect("it is JSON");
    let mut forged = whole.clone();
    forged[at..at + text.len()].copy_from_slice(b"\"anchored\":true ");
    assert!(begun_anew(&forged), "what the state says of itself is covered by its checksums");
}
