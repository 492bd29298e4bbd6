//! Golden catalogs: one of every kind of entry, and what must be refused.

use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{
    Attribute, ChunkIndex, Decoder, Device, Encoder, Entry, FileContent, FileTime, Metadata, Node, Owner,
    Part, Seen, TRAILER_BYTES, Trailer, TreePath,
};
use holdfast_formats::digest::Blake3Digest;

use super::case::{Case, Cases};
use super::reading::Read;

/// Catalogs.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases::of("catalog", "hex");
    let root = [entry(b"", Node::Directory(metadata()))];
    let small = encode(&root);
    let good = encode(&tree());
    cases.accept("catalog-empty", &small, "a root without anything in it");
    cases.accept(
        "catalog-full",
        &good,
        "one of everything, a name that is no text, a hole, a file under two names",
    );
    let flip = |at: usize, to: u8| {
        let mut wrong = small.clone();
        wrong[at] = to;
        wrong
    };
    let end = small.len();
    let link = &[0, 0, 0, 8, 3, 0, 1, b'a', 0, 2, b'.', b'.'][..];
    for (name, bytes, why) in [
        ("catalog-magic", flip(3, b'2'), "another magic"),
        ("catalog-end-magic", flip(end - 1, b'F'), "another magic at the end"),
        ("catalog-kind", flip(8, 9), "an entry of a kind that is not known"),
        ("catalog-root-file", flip(8, 7), "a root that is no directory"),
        ("catalog-mode", flip(11, 0x10), "more than twelve permission bits"),
        ("catalog-nanos", flip(11 + 2 + 8 + 5 + 1 + 8, 0xff), "more than a second of nanoseconds"),
        ("catalog-entry-count", flip(end - 17, 2), "an entry that is counted and not there"),
        ("catalog-size", flip(end - 9, 1), "bytes that no file has"),
        ("catalog-chunk-count", flip(end - 5, 1), "a chunk that is counted and not there"),
        ("catalog-chunks-huge", flip(end - 8, 0xff), "more chunks than any catalog may have"),
        ("catalog-cut", small[..end - 1].to_vec(), "the last byte is missing"),
        ("catalog-none", Vec::new(), "no bytes"),
        ("catalog-twice", [small.as_slice(), &small].concat(), "two catalogs"),
        ("catalog-unused-chunk", with_unused_chunk(&small), "a chunk that no file needs"),
        ("catalog-no-root", [&b"HFS1"[..], &[0; 4], &small[end - 24..]].concat(), "no entry at all"),
        ("catalog-parent", spliced(&small, &[link]), "a link to something outside"),
        ("catalog-entry-huge", spliced(&small, &[&[0xff; 4]]), "an entry of four gigabytes"),
    ] {
        cases.reject(name, bytes, why);
    }
    let directory = |path: &[u8]| (path.to_vec(), 0_u8);
    for (name, paths, why) in [
        ("catalog-order", [directory(b"b"), directory(b"a")], "names that are not in order"),
        ("catalog-path-twice", [directory(b"a"), directory(b"a")], "one path twice"),
        ("catalog-orphan", [directory(b"a"), directory(b"b/c")], "an entry in no directory of the catalog"),
        ("catalog-in-file", [(b"a".to_vec(), 4), directory(b"a/b")], "an entry below what is no directory"),
        ("catalog-path-absolute", [directory(b"/a"), directory(b"b")], "an absolute path"),
        ("catalog-path-dots", [directory(b".."), directory(b"b")], "a path that leaves the tree"),
        ("catalog-path-inner-dots", [directory(b"a"), directory(b"a/../b")], "a path with dots inside"),
        ("catalog-path-nul", [directory(b"a\0"), directory(b"b")], "a NUL in a name"),
    ] {
        let entries: Vec<_> = paths.iter().map(|(path, kind)| raw_entry(*kind, path)).collect();
        let entries: Vec<_> = entries.iter().map(Vec::as_slice).collect();
        cases.reject(name, spliced(&small, &entries), why);
    }
    cases.all()
}

/// Reads a catalog and writes it again.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let text = |error: holdfast_formats::catalog::CatalogError| error.to_string();
    let (rest, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>().ok_or("cut short")?;
    let trailer = Trailer::parse(trailer).map_err(text)?;
    let index = rest.len().checked_sub(trailer.index_bytes()).map(|at| &rest[at..]).ok_or("cut short")?;
    let mut decoder = Decoder::new(ChunkIndex::parse(index).map_err(text)?);
    let mut encoder = Encoder::new();
    for chunk in decoder.index().chunks() {
        encoder.chunk(chunk.digest, chunk.length);
    }
    for piece in bytes.chunks(61) {
        decoder.push(piece);
        while let Some(entry) = decoder.next().map_err(text)? {
            encoder.entry(&entry).map_err(text)?;
        }
    }
    decoder.finish(&trailer, bytes.len() as u64).map_err(text)?;
    Ok(encoder.finish().map_err(text)?.0)
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.chunk(digest(1), 100);
    encoder.chunk(digest(2), 6);
    for entry in entries {
        encoder.entry(entry).expect("it is a good entry");
    }
    encoder.finish().expect("it is a good catalog").0
}

/// The same catalog with these entries, lengths and all, behind its own.
fn spliced(good: &[u8], entries: &[&[u8]]) -> Vec<u8> {
    let (before, end) = good.split_at(good.len() - TRAILER_BYTES - 4);
    let mut end = end.to_vec();
    end[11] += u8::try_from(entries.len()).expect("a few");
    [before, &entries.concat(), &end].concat()
}

/// An entry without any names, times or attributes.
fn raw_entry(kind: u8, path: &[u8]) -> Vec<u8> {
    let metadata = [0; 2 + 8 + 2 + 12 + 2];
    let length = u8::try_from(3 + path.len() + metadata.len()).expect("it is short");
    let path_length = u8::try_from(path.len()).expect("it is short");
    [&[0, 0, 0, length, kind, 0, path_length][..], path, &metadata].concat()
}

fn with_unused_chunk(good: &[u8]) -> Vec<u8> {
    let (before, end) = good.split_at(good.len() - TRAILER_BYTES);
    let mut end = end.to_vec();
    end[19] = 1;
    [before, &[1; 32], &[0, 0, 0, 9], &end].concat()
}

fn digest(byte: u8) -> Blake3Digest {
    Blake3Digest::from_bytes([byte; 32])
}

fn entry(path: &[u8], node: Node) -> Entry {
    Entry { path: TreePath::new(path.to_vec()).expect("it is a path"), node }
}

fn metadata() -> Metadata {
    Metadata {
        mode: 0o755,
        owner: Owner { id: 1000, name: b"ada".to_vec() },
        group: Owner { id: 0, name: Vec::new() },
        modified: FileTime { seconds: -1, nanos: 999_999_999 },
        attributes: Vec::new(),
    }
}

fn tree() -> Vec<Entry> {
    let device = Device { major: 8, minor: 1 };
    let attribute = Attribute { name: b"user.note".to_vec(), value: vec![0, 0xff] };
    let part = |chunk, offset, length| Part::Data(Extent { chunk: digest(chunk), offset, length });
    let seen = Seen { changed: FileTime { seconds: 1_795_244_400, nanos: 1 }, inode: 7 };
    let file = |size, seen, parts| FileContent { size, blake3: digest(9), seen, parts };
    let first = file((1 << 40) + 11, Some(seen), vec![part(1, 0, 10), Part::Hole(1 << 40), part(2, 5, 1)]);
    vec![
        entry(b"", Node::Directory(metadata())),
        entry(b"a", Node::Directory(Metadata { attributes: vec![attribute], ..metadata() })),
        entry(b"a/\n\xff", Node::File(metadata(), first)),
        entry(b"a/z", Node::HardLink(TreePath::new(b"a/\n\xff".to_vec()).expect("it is a path"))),
        entry(b"a!", Node::File(metadata(), file(0, None, Vec::new()))),
        entry(b"b", Node::Symlink(metadata(), b"../../etc/passwd".to_vec())),
        entry(b"c", Node::Fifo(metadata())),
        entry(b"d", Node::CharacterDevice(metadata(), device)),
        entry(b"e", Node::BlockDevice(metadata(), device)),
        entry(b"f", Node::Socket(metadata())),
    ]
}
