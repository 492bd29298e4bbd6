//! Catalogs survive their bytes, and nothing else does.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::digest::Blake3Digest;

fn digest(byte: u8) -> Blake3Digest {
    Blake3Digest::from_bytes([byte; 32])
}

fn metadata() -> Metadata {
    let owner = |name: &str| Owner { id: 1000, name: name.as_bytes().to_vec() };
    let attribute = Attribute { name: b"user.note".to_vec(), value: vec![0, 255] };
    Metadata {
        mode: 0o4755,
        owner: owner("ada"),
        group: owner(""),
        modified: FileTime { seconds: -1, nanos: 999_999_999 },
        attributes: vec![attribute],
    }
}

fn entry(path: &[u8], node: Node) -> Entry {
    Entry { path: TreePath::new(path.to_vec()).expect("a path"), node }
}

fn data(chunk: u8, offset: u32, length: u32) -> Part {
    Part::Data(Extent { chunk: digest(chunk), offset, length })
}

fn file(parts: Vec<Part>) -> Node {
    let size = parts.iter().map(Part::length).sum();
    let seen = Some(Seen { changed: FileTime { seconds: 5, nanos: 6 }, inode: 7 });
    Node::File(metadata(), FileContent { size, blake3: digest(9), seen, parts })
}

/// One of everything.
fn tree() -> Vec<Entry> {
    let device = Device { major: 8, minor: 1 };
    vec![
        entry(b"", Node::Directory(metadata())),
        entry(b"a", Node::Directory(metadata())),
        entry(b"a/\xff\n", file(vec![data(1, 0, 10), Part::Hole(1 << 40), data(2, 5, 1)])),
        entry(b"a/\xff\n~", Node::HardLink(TreePath::new(b"a/\xff\n".to_vec()).expect("a path"))),
        entry(b"a!", file(vec![])),
        entry(b"b", Node::Symlink(metadata(), b"../../etc/passwd".to_vec())),
        entry(b"c", Node::Fifo(metadata())),
        entry(b"d", Node::CharacterDevice(metadata(), device)),
        entry(b"e", Node::BlockDevice(metadata(), device)),
        entry(b"f", Node::Socket(metadata())),
    ]
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

fn encoder() -> Encoder {
    let mut encoder = Encoder::new();
    for (chunk, length) in [(2, 6), (1, 100), (3, 4)] {
        encoder.chunk(digest(chunk), length);
    }
    encoder
}

fn encode(entries: &[Entry]) -> Result<Vec<u8>, CatalogError> {
    let mut encoder = encoder();
    for entry in entries {
        encoder.entry(entry)?;
    }
    let mut bytes = encoder.take();
    bytes.extend(encoder.finish()?.0);
    Ok(bytes)
}

fn decode(bytes: &[u8], step: usize) -> Result<(Vec<Entry>, ChunkIndex), CatalogError> {
    let cut = CatalogError("cut short");
    let (rest, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>().ok_or(cut.clone())?;
    let trailer = Trailer::parse(trailer)?;
    let index = rest.len().checked_sub(trailer.index_bytes()).and_then(|at| rest.get(at..)).ok_or(cut)?;
    let mut decoder = Decoder::new(ChunkIndex::parse(index)?);
    let mut entries = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.push(piece);
        while let Some(entry) = decoder.next()? {
            entries.push(entry);
        }
    }
    decoder.finish(&trailer, bytes.len() as u64)?;
    Ok((entries, decoder.index().clone()))
}

#[test]
fn a_catalog_survives_its_bytes_in_pieces_of_any_size() {
    let tree = sorted(tree());
    let bytes = encode(&tree).expect("it is a tree");
    for step in [1, 7, 100, bytes.len()] {
        let read = decode(&bytes, step).map(|(entries, _)| entries);
        assert_eq!(read, Ok(tree.clone()), "in steps of {step}");
    }
}

#[test]
fn chunks_that_no_file_needs_are_left_out() {
    let bytes = encode(&sorted(tree())).expect("it is a tree");
    let (_, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>().expect("a trailer");
    let trailer = Trailer::parse(trailer).expect("a trailer");
    assert_eq!((trailer.entries, trailer.size, trailer.chunks), (10, (1 << 40) + 11, 2));
}

#[test]
fn t8_no_cut_or_flipped_catalog_is_read_as_another() {
    let tree = sorted(tree());
    let bytes = encode(&tree).expect("it is a tree");
    let written = decode(&bytes, 64);
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end], 64).is_err(), "cut at {end}");
    }
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x80;
        // A digest, a name or a time may be any other; but there are no two ways to write the same.
        assert_ne!(decode(&wrong, 64), written, "a flip at {at} has no meaning");
    }
}

#[test]
fn t25_paths_that_leave_the_tree_or_name_nothing_are_refused() {
    for bad in [&b"/a"[..], b"a/", b"a//b", b".", b"..", b"a/../b", b"a/./b", b"a\0b"] {
        assert!(TreePath::new(bad.to_vec()).is_err(), "{}", bad.escape_ascii());
        assert!(TreePath::root().join(bad).is_err(), "{}", bad.escape_ascii());
    }
    assert!(TreePath::new(vec![b'a'; 1025]).is_err());
    assert!(TreePath::new(b"ab/".repeat(10_923)[..32_768].to_vec()).is_ok());
    assert!(TreePath::new(b"abc/".repeat(8_193)[..32_771].to_vec()).is_err());
}

#[test]
fn entries_out_of_order_or_in_no_directory_are_refused() {
    let directory = || Node::Directory(metadata());
    let refused = |entries: Vec<Entry>| assert!(encode(&entries).is_err(), "{entries:?}");
    refused(vec![]);
    refused(vec![entry(b"a", directory())]);
    refused(vec![entry(b"", file(vec![]))]);
    refused(vec![entry(b"", directory()), entry(b"", directory())]);
    refused(vec![entry(b"", directory()), entry(b"b", file(vec![])), entry(b"a", file(vec![]))]);
    refused(vec![entry(b"", directory()), entry(b"a/b", file(vec![]))]);
    refused(vec![entry(b"", directory()), entry(b"a", file(vec![])), entry(b"a/b", file(vec![]))]);
    let link = |to: &[u8]| Node::HardLink(TreePath::new(to.to_vec()).expect("a path"));
    refused(vec![entry(b"", directory()), entry(b"a", link(b"a"))]);
    refused(vec![entry(b"", directory()), entry(b"a", link(b"b"))]);
    refused(vec![entry(b"", directory()), entry(b"a", link(b""))]);
}

#[test]
fn contents_that_do_not_add_up_are_refused() {
    let refused = |node: Node| {
        let entries = [entry(b"", Node::Directory(metadata())), entry(b"a", node)];
        assert!(encode(&entries).is_err(), "{entries:?}");
    };
    let wrong =
        |size, parts| Node::File(metadata(), FileContent { size, blake3: digest(9), seen: None, parts });
    refused(wrong(9, vec![data(1, 0, 10)]));
    refused(wrong(10, vec![data(1, 91, 10)]));
    refused(wrong(10, vec![data(7, 0, 10)]));
    refused(wrong(0, vec![data(1, 0, 0)]));
    refused(wrong(2, vec![Part::Hole(1), Part::Hole(1)]));
    refused(Node::Symlink(metadata(), vec![]));
    refused(Node::Symlink(metadata(), b"a\0".to_vec()));
    refused(Node::Fifo(Metadata { mode: 0o10000, ..metadata() }));
    refused(Node::Fifo(Metadata { modified: FileTime { seconds: 0, nanos: NANOS }, ..metadata() }));
    let attribute = |name: &[u8]| Attribute { name: name.to_vec(), value: vec![] };
    for names in [&[&b"b"[..], b"a"][..], &[b"a", b"a"], &[b""], &[b"a\0"]] {
        let attributes = names.iter().map(|name| attribute(name)).collect();
        refused(Node::Fifo(Metadata { attributes, ..metadata() }));
    }
    let large = Attribute { name: b"a".to_vec(), value: vec![0; 65_537] };
    refused(Node::Fifo(Metadata { attributes: vec![large], ..metadata() }));
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(b'a'), Just(b'!'), Just(b'0'), 1..=255_u8], 1..4)
        .prop_filter("a name", |name| TreePath::root().join(name).is_ok())
}

proptest! {
    #[test]
    fn a_directory_comes_before_its_content_and_nothing_between(a in vec(name(), 0..4), b in vec(name(), 0..4)) {
        let path = |names: &[Vec<u8>]| TreePath::new(names.join(&b'/')).expect("names make a path");
        let (left, right) = (path(&a), path(&b));
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        prop_assert_eq!(left.is_within(&right), a.starts_with(&b));
        prop_assert_eq!(left.names().collect::<Vec<_>>(), a.clone());
    }

    #[test]
    fn random_bytes_make_no_catalog_that_is_written_differently(bytes in vec(any::<u8>(), 0..400), step in 1..50_usize) {
        let mut whole = b"HFS1".to_vec();
        whole.extend(bytes);
        if let Ok((entries, _)) = decode(&whole, step) {
            prop_assert_eq!(encode(&entries), Ok(whole));
        }
    }
}
