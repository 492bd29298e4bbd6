//! What a tree is, comes back.

use proptest::prelude::*;

use super::*;

fn tree() -> Tree {
    let long = "holdfast ".repeat(300_000);
    Tree::new()
        .folder("a")
        .folder("a/b")
        .text("a/b/one", "1")
        .text("a/empty", "")
        .file("a/large", &[Ok(long.as_bytes()), Err(70_000), Ok(b"end"), Err(9)])
        .text("a/two", "22")
        .link("b", "a/two")
        .symlink("c", "a/two")
        .symlink("d", "/nowhere")
        .with("e", Node::Directory(metadata(0o555)))
        .text("e/read-only", "3")
        .change("e/read-only", |node| *node = with_mode(node, 0o400))
}

fn with_mode(node: &Node, mode: u16) -> Node {
    match node.clone() {
        Node::File(metadata, content) => Node::File(Metadata { mode, ..metadata }, content),
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_comes_back_with_its_metadata_holes_and_links_and_every_chunk_is_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let (server, source) = tree().served().await;
    let restored = source.restore(&RestoreRequest::all_into(target.clone())).await.unwrap();
    assert!(restored.is_complete(), "{restored:?}");
    assert_eq!((restored.files, restored.folders, restored.links, restored.kept), (5, 3, 3, 0));
    let large = std::fs::metadata(target.join("a/large")).unwrap();
    assert_eq!(large.len(), 2_700_000 + 70_000 + 3 + 9);
    assert!(large.blocks() * 512 < large.len(), "its holes are not stored");
    let two = std::fs::metadata(target.join("a/two")).unwrap();
    assert_eq!((two.ino(), two.nlink()), (std::fs::metadata(target.join("b")).unwrap().ino(), 2));
    for (name, mode) in [("", 0o755), ("a", 0o750), ("e", 0o555), ("e/read-only", 0o400), ("c", 0o777)] {
        let found = std::fs::symlink_metadata(target.join(name)).unwrap();
        assert_eq!(
            (found.mode() & 0o7777, found.mtime(), found.mtime_nsec()),
            (mode, 1_700_000_000, 123_456_789)
        );
    }
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_restore_in_place_keeps_everything_and_asks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    let before = listed(folder.path());
    for verify in [false, true] {
        let (server, source) = tree().served().await;
        let restored = source.restore(&into_existing(folder.path(), true, verify)).await.unwrap();
        assert_eq!((restored.files, restored.kept, restored.removed, restored.failed), (5, 5, 0, 0));
        assert_eq!(server.asked().len(), 0);
        assert_eq!(listed(folder.path()), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_part_comes_alone_and_a_link_to_what_was_not_chosen_becomes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::new()
        .folder("a")
        .text("a/one", "1")
        .folder("b")
        .link("b/x", "a/one")
        .link("b/y", "a/one")
        .text("z", "z");
    let mut request = RestoreRequest::all_into(folder.path().to_owned());
    request.paths = vec![path("b")];
    let restored = tree.restore(&request).await.unwrap();
    assert_eq!((restored.files, restored.links, restored.failed), (1, 1, 0));
    assert_eq!(std::fs::read(folder.path().join("b/y")).unwrap(), b"1");
    assert_eq!(std::fs::metadata(folder.path().join("b/x")).unwrap().nlink(), 2);
    assert!(!folder.path().join("a").exists() && !folder.path().join("z").exists());
    request.paths = vec![path("b/none")];
    let error = tree.restore(&request).await.unwrap_err();
    assert_eq!(error.exit(), holdfast_formats::wire::v1::ExitCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn extended_attributes_come_back_where_the_file_system_has_them_and_are_told_where_not() {
    let folder = tempfile::tempdir().unwrap();
    let noted = |node: &mut Node| {
        let attribute = |name: &[u8]| Attribute { name: name.to_vec(), value: vec![0, 255, b'x'] };
        let (Node::File(metadata, _) | Node::Directory(metadata)) = node else { panic!("it has attributes") };
        metadata.attributes = vec![attribute(b"user.a"), attribute(b"user.b")];
    };
    let plain = || Tree::new().folder("d").with("e", Node::Directory(metadata(0o700))).text("d/file", "x");
    let tree = || plain().change("d", noted).change("d/file", noted);
    let restored = tree().restore(&RestoreRequest::all_into(folder.path().to_owned())).await.unwrap();
    if restored.attributes_left_out > 0 {
        assert_eq!((restored.attributes_left_out, restored.is_complete()), (4, false));
        return;
    }
    let dry = |target: &Path| RestoreRequest { dry_run: true, ..into_existing(target, true, true) };
    assert_eq!(tree().restore(&dry(folder.path())).await.unwrap().changes, []);
    assert_eq!(plain().restore(&dry(folder.path())).await.unwrap().changes.len(), 2);
    let restored = plain().restore(&into_existing(folder.path(), false, false)).await.unwrap();
    assert_eq!((restored.kept, restored.failed), (1, 0));
    assert_eq!(plain().restore(&dry(folder.path())).await.unwrap().changes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn special_files_come_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::new().with("f", Node::Fifo(metadata(0o620))).with("s", Node::Socket(metadata(0o600)));
    let mut request = RestoreRequest::all_into(folder.path().to_owned());
    let restored = tree.restore(&request).await.unwrap();
    assert_eq!((restored.special_left_out, std::fs::read_dir(folder.path()).unwrap().count()), (2, 0));
    request.special = true;
    let restored = tree.restore(&request).await.unwrap();
    assert_eq!((restored.special, restored.failed), (2, 0));
    let fifo = std::fs::symlink_metadata(folder.path().join("f")).unwrap();
    assert_eq!((fifo.mode() & 0o7777, fifo.mtime()), (0o620, 1_700_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_a_tree_reads_all_of_it_and_writes_nothing() {
    let (server, source) = tree().served().await;
    let checked = source.check().await.unwrap();
    assert_eq!((checked.files, checked.failed), (5, 0));
    assert_eq!(server.asked().len(), 5);
}

/// A random tree: names of a few letters, so that folders and files meet.
fn random_tree() -> impl Strategy<Value = Vec<(String, u8, Vec<u8>)>> {
    let name = proptest::string::string_regex("[ab](/[ab]){0,2}").unwrap();
    prop::collection::vec((name, 0..4_u8, prop::collection::vec(any::<u8>(), 0..300)), 0..12)
}

/// As much of that as is a tree.
fn build(wanted: &[(String, u8, Vec<u8>)]) -> Tree {
    let mut tree = Tree::new();
    for (at, kind, bytes) in wanted {
        let place = path(at);
        let (parent, is_new) = (place.parent().unwrap(), tree.entries.iter().all(|e| e.path != place));
        let in_folder = tree.entries.iter().any(|e| e.path == parent && matches!(e.node, Node::Directory(_)));
        if !is_new || !in_folder {
            continue;
        }
        tree = match kind {
            0 | 1 => tree.folder(at),
            2 if !bytes.is_empty() => tree.file(at, &[Ok(bytes), Err(5000), Ok(bytes)]),
            _ => tree.symlink(at, "../a/b"),
        };
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_tree_in_place_of_another_is_the_same_as_alone(first in random_tree(), second in random_tree()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (alone, over) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        runtime.block_on(async {
            build(&second).restore(&RestoreRequest::all_into(alone.path().to_owned())).await.unwrap();
            build(&first).restore(&RestoreRequest::all_into(over.path().to_owned())).await.unwrap();
            let restored = build(&second).restore(&into_existing(over.path(), true, false)).await.unwrap();
            assert_eq!(restored.failed, 0, "{restored:?}");
        });
        prop_assert_eq!(listed(alone.path()), listed(over.path()));
    }
}
