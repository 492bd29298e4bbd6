//! What stands at the target already.

use super::*;

fn tree() -> Tree {
    Tree::new().folder("d").text("d/file", "right").text("same", "same").symlink("link", "same")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_empty_is_refused_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), b"mine").unwrap();
    let refused = tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap_err();
    assert!(matches!(refused, ClientError::Tree(TreeError::NotEmpty { .. })), "{refused}");
    assert_eq!(listed(folder.path()).len(), 2);
    let restored = tree().restore(&into_existing(folder.path(), false, false)).await.unwrap();
    assert_eq!((restored.removed, restored.failed), (0, 0));
    assert!(folder.path().join("mine").exists());
    let restored = tree().restore(&into_existing(folder.path(), true, false)).await.unwrap();
    assert_eq!((restored.removed, restored.kept), (1, 2));
    assert!(!folder.path().join("mine").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_real_run_then_does_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("d/file"), b"wrong").unwrap();
    std::fs::create_dir(place("more")).unwrap();
    std::fs::write(place("more/inner"), b"").unwrap();
    std::fs::remove_file(place("link")).unwrap();
    std::fs::set_permissions(place("same"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let before = listed(folder.path());
    let request = into_existing(folder.path(), true, false);
    let dry = tree().restore(&RestoreRequest { dry_run: true, ..request.clone() }).await.unwrap();
    let changes: Vec<(String, ChangeKind)> =
        dry.changes.iter().map(|c| (c.path.as_bytes().escape_ascii().to_string(), c.kind)).collect();
    let wanted = [
        ("d/file", ChangeKind::Replace),
        ("link", ChangeKind::Create),
        ("more", ChangeKind::Remove),
        ("same", ChangeKind::Metadata),
    ];
    assert_eq!(changes, wanted.map(|(path, kind)| (path.to_owned(), kind)));
    assert_eq!(listed(folder.path()), before);
    let done = tree().restore(&request).await.unwrap();
    assert_eq!((done.removed, done.kept, done.failed), (1, 1, 0));
    let fresh = tempfile::tempdir().unwrap();
    tree().restore(&RestoreRequest::all_into(fresh.path().to_owned())).await.unwrap();
    assert_eq!(listed(folder.path()), listed(fresh.path()));
    let again = tree().restore(&RestoreRequest { dry_run: true, ..request }).await.unwrap();
    assert_eq!(again.changes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_right_size_and_time_is_caught_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    let place = folder.path().join("d/file");
    let time = std::fs::metadata(&place).unwrap().modified().unwrap();
    std::fs::write(&place, b"wrong").unwrap();
    std::fs::File::options().append(true).open(&place).unwrap().set_modified(time).unwrap();
    let kept = tree().restore(&into_existing(folder.path(), false, false)).await.unwrap();
    assert_eq!((kept.kept, std::fs::read(&place).unwrap()), (2, b"wrong".to_vec()));
    let caught = tree().restore(&into_existing(folder.path(), false, true)).await.unwrap();
    assert_eq!((caught.kept, std::fs::read(&place).unwrap()), (1, b"right".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_is_cleared_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    let left = folder.path().join("d/.holdfast-0123456789abcdef-7.part");
    let other = folder.path().join("d/.holdfast-note");
    std::fs::write(&left, b"half").unwrap();
    std::fs::write(&other, b"mine").unwrap();
    tree().restore(&into_existing(folder.path(), false, false)).await.unwrap();
    assert!(!left.exists() && other.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restores_do_not_meet_in_one_target() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::root(folder.path()).unwrap();
    assert!(held.lock());
    let refused = tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap_err();
    assert!(matches!(refused, ClientError::Tree(TreeError::Busy { .. })), "{refused}");
}
