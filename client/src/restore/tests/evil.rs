//! T25: nothing outside the target, whatever the catalog says and whatever stands there.

use super::*;

/// A folder with the target and, beside it, what must stay as it is.
fn world() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (target, outside) = (folder.path().join("target"), folder.path().join("outside"));
    std::fs::create_dir(&target).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), b"secret").unwrap();
    (folder, target, outside)
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_a_link_at_the_target_is_replaced_and_never_followed() {
    let (_folder, target, outside) = world();
    let before = listed(&outside);
    std::os::unix::fs::symlink(&outside, target.join("d")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), target.join("file")).unwrap();
    std::os::unix::fs::symlink(outside.join("new"), target.join("other")).unwrap();
    let tree = Tree::new().folder("d").text("d/secret", "evil").text("file", "evil").text("other", "evil");
    let restored = tree.restore(&into_existing(&target, true, true)).await.unwrap();
    assert_eq!((restored.files, restored.failed), (3, 0));
    assert_eq!(listed(&outside), before);
    assert!(!std::fs::symlink_metadata(target.join("d")).unwrap().is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_links_of_the_snapshot_are_made_and_nothing_goes_through_them() {
    let (_folder, target, outside) = world();
    let before = listed(&outside);
    let tree = Tree::new()
        .symlink("a", "../outside")
        .symlink("b", "../outside/secret")
        .link("c", "b")
        .with("d", Node::Symlink(metadata(0o777), outside.as_os_str().as_encoded_bytes().to_vec()));
    for _ in 0..2 {
        let restored = tree.restore(&into_existing(&target, true, true)).await.unwrap();
        assert_eq!((restored.links, restored.failed), (4, 0), "{restored:?}");
    }
    assert_eq!(listed(&outside), before);
    assert!(std::fs::symlink_metadata(target.join("c")).unwrap().is_symlink());
}

#[test]
fn t25_a_file_below_a_link_is_no_catalog() {
    let tree = Tree::new().symlink("a", "../outside").text("a/secret", "evil");
    let mut encoder = Encoder::new();
    for (digest, bytes) in &tree.chunks {
        encoder.chunk(*digest, bytes.len().try_into().unwrap());
    }
    let taken: Result<Vec<()>, _> = tree.entries.iter().map(|entry| encoder.entry(entry)).collect();
    assert!(taken.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_a_hard_link_leads_only_to_a_file_of_the_snapshot() {
    let (_folder, target, _) = world();
    std::fs::write(target.join("a"), b"not of the snapshot").unwrap();
    for tree in [
        Tree::new().link("b", "a"),
        Tree::new().folder("a").link("b", "a"),
        Tree::new().text("0", "x").link("a", "0").link("b", "a"),
        Tree::new().link("b", "a/../../outside/secret".replace("..", "x").as_str()),
    ] {
        let refused = tree.restore(&into_existing(&target, false, false)).await.unwrap_err();
        assert_eq!(refused.exit(), holdfast_formats::wire::v1::ExitCode::Integrity, "{refused}");
    }
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_metadata_is_never_set_through_a_name_that_somebody_else_has() {
    let (_folder, target, outside) = world();
    let secret = outside.join("secret");
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789);
    std::fs::File::options().append(true).open(&secret).unwrap().set_modified(time).unwrap();
    std::fs::hard_link(&secret, target.join("file")).unwrap();
    let mode = std::fs::metadata(&secret).unwrap().mode();
    let tree = Tree::new().text("file", "secret");
    let restored = tree.restore(&into_existing(&target, false, false)).await.unwrap();
    assert_eq!((restored.kept, restored.failed), (0, 0));
    let found = std::fs::metadata(&secret).unwrap();
    assert_eq!((found.mode(), found.nlink()), (mode, 1));
    assert_eq!(std::fs::metadata(target.join("file")).unwrap().mode() & 0o7777, 0o640);
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_what_is_deleted_is_deleted_below_the_target_only() {
    let (_folder, target, outside) = world();
    let before = listed(&outside);
    std::fs::create_dir(target.join("more")).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("more/link")).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("link")).unwrap();
    let restored = Tree::new().restore(&into_existing(&target, true, false)).await.unwrap();
    assert_eq!((restored.removed, std::fs::read_dir(&target).unwrap().count()), (2, 0));
    assert_eq!(listed(&outside), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_devices_are_left_out_without_the_flag() {
    let (_folder, target, _) = world();
    let device = holdfast_formats::catalog::Device { major: 1, minor: 3 };
    let tree = Tree::new().with("null", Node::CharacterDevice(metadata(0o666), device));
    let restored = tree.restore(&RestoreRequest::all_into(target.clone())).await.unwrap();
    assert_eq!((restored.special_left_out, std::fs::read_dir(&target).unwrap().count()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_system_does_not_take_are_told_and_the_rest_is_restored() {
    let (_folder, target, _) = world();
    let long = "n".repeat(1000);
    let tree = Tree::new()
        .text(&long, "x")
        .folder("d")
        .folder(&format!("d/{long}"))
        .text(&format!("d/{long}/in"), "y")
        .text("ok", "z");
    let restored = tree.restore(&RestoreRequest::all_into(target.clone())).await.unwrap();
    assert_eq!((restored.files, restored.failed, restored.is_complete()), (1, 3, false));
    assert_eq!(std::fs::read(target.join("ok")).unwrap(), b"z");
}

#[tokio::test(flavor = "multi_thread")]
async fn t25_a_path_far_deeper_than_the_system_takes_at_once_comes_back() {
    let (_folder, target, _) = world();
    let mut tree = Tree::new();
    let mut at = String::new();
    for _ in 0..2500 {
        at = if at.is_empty() { "dd".to_owned() } else { format!("{at}/dd") };
        tree.entries.push(Entry { path: path(&at), node: Node::Directory(metadata(0o755)) });
    }
    let tree = tree.text(&format!("{at}/file"), "deep");
    let restored = tree.restore(&RestoreRequest::all_into(target.clone())).await.unwrap();
    assert_eq!(
        (restored.files, restored.folders, restored.failed),
        (1, 2500, 0),
        "{:?}",
        restored.failures.first()
    );
    let emptied = Tree::new().restore(&into_existing(&target, true, false)).await.unwrap();
    assert_eq!((emptied.removed, emptied.failed), (1, 0), "{:?}", emptied.failures.first());
}
