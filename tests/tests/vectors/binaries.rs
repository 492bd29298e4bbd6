//! Golden commits, channel heads, chunks and blob records: what is not JSON.

use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::channel_head::{ChannelHead, HeadLine};
use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::commit::CommitHeader;
use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use holdfast_formats::id::RandomId;
use holdfast_formats::number::PinNumber;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

use super::case::{Case, Cases};
use super::keys::{signer, writer};
use super::samples;
use super::statements::swap;

fn size(n: u64) -> TreeSize {
    TreeSize::new(n).expect("a small number is a size")
}

fn header(number: u64, previous: [u8; 32], previous_size: u64, count: u64) -> CommitHeader {
    CommitHeader {
        origin: samples::ORIGIN.parse().expect("it is an origin"),
        number,
        previous: Sha256Digest::from_bytes(previous),
        previous_size: size(previous_size),
        count,
        root: TreeHash::empty(),
        writer: writer().public().id(),
        nonce: RandomId::from_bytes([4; 16]),
    }
}

fn commit(header: &CommitHeader, entries: &[Vec<u8>]) -> Vec<u8> {
    header.encode(&writer(), entries).expect("its entries fit").0
}

/// Commits.
pub(crate) fn commits() -> Vec<Case> {
    let mut cases = Cases::of("commit", "hex");
    let entries = [b"entry-0".to_vec(), Vec::new(), b"entry-2\n\n".to_vec()];
    let good = commit(&header(0, [0; 32], 0, 3), &entries);
    cases.accept("first", &good, "the first commit; an entry may be empty or hold line feeds");
    cases.accept("later", commit(&header(10_001, [9; 32], 25_000, 1), &entries[..1]), "a later one");
    let text_end =
        good.windows(2).position(|pair| pair == b"\n\n").expect("an empty line ends the header") + 2;
    let (text, body) = good.split_at(text_end);
    let text = String::from_utf8(text.to_vec()).expect("the header is text");
    let with = |part: &str, new: &str| [swap(&text, part, new).as_bytes(), body].concat();
    for (name, bytes, why) in [
        ("cut-entry", good[..good.len() - 1].to_vec(), "the last entry is cut"),
        ("cut-length", [good.as_slice(), b"\0"].concat(), "half a length behind the last entry"),
        ("one-entry-more", [good.as_slice(), b"\0\0"].concat(), "an entry that the header does not count"),
        ("one-entry-less", good[..good.len() - 11].to_vec(), "an entry that the header counts is not there"),
        (
            "no-empty-line",
            [&text.as_bytes()[..text.len() - 1], body].concat(),
            "no empty line behind the header",
        ),
        ("carriage-returns", [text.replace('\n', "\r\n").as_bytes(), body].concat(), "other line ends"),
        ("other-version", with("/v1\n", "/v2\n"), "a commit of the future"),
        ("leading-zero", with("\n0\n", "\n00\n"), "a number that is not in its shortest form"),
        ("plus-sign", with("\n3\n", "\n+3\n"), "a number with a sign"),
        ("signature-of-other-bytes", with(&"04".repeat(16), &"05".repeat(16)), "a nonce that was not signed"),
        (
            "writer-other",
            with(&writer().public().id().to_string(), &signer().public().id().to_string()),
            "the id of a key that did not sign",
        ),
        ("hash-upper-case", with(&"00".repeat(32), &"AA".repeat(32)), "a hash in upper case"),
        ("further-line", with("\n\n", "\nmore\n\n"), "a line that headers do not have"),
        ("empty", Vec::new(), "no bytes"),
    ] {
        cases.reject(name, bytes, why);
    }
    cases.all()
}

/// Channel heads, without their signatures.
pub(crate) fn heads() -> Vec<Case> {
    let mut cases = Cases::of("channel-head", "txt");
    let line = |name: &str, issued, answered: Option<u64>| HeadLine {
        name: name.parse().expect("it is a name"),
        issued: PinNumber::new(issued).expect("it is small"),
        answered: answered.map(|n| PinNumber::new(n).expect("it is small")),
    };
    let head = ChannelHead {
        origin: samples::ORIGIN.parse().expect("it is an origin"),
        channel: "shop/prod".parse().expect("it is a channel"),
        size: size(42),
        root: TreeHash::empty(),
        time: Timestamp::from_ms(1_795_244_400_000),
        newest_entry: Some(LeafIndex::new(40).expect("it is small")),
        lines: vec![line("shop/api", 7, Some(5)), line("shop/web", 3, None)],
    };
    let text = head.to_string();
    let bare = ChannelHead { newest_entry: None, lines: Vec::new(), ..head };
    cases.accept("two-lines", &text, "one line answers an older pin, one answers none");
    cases.accept("no-lines", bare.to_string(), "a channel without pins that nothing touched");
    for (name, bytes, why) in [
        ("other-version", swap(&text, "/v1\n", "/v2\n"), "a head of the future"),
        ("size-leading-zero", swap(&text, "\n42\n", "\n042\n"), "a number that is not in its shortest form"),
        ("size-plus", swap(&text, "\n42\n", "\n+42\n"), "a number with a sign"),
        ("size-2-53", swap(&text, "\n42\n", "\n9007199254740992\n"), "2^53"),
        ("newest-empty", swap(&text, "\n40\n", "\n\n"), "an empty line for no entry"),
        ("two-spaces", swap(&text, "line shop/api", "line  shop/api"), "two spaces"),
        ("answered-missing", swap(&text, " 7 5\n", " 7\n"), "a line without what it answers"),
        (
            "answered-zero-padded",
            swap(&text, " 7 5\n", " 7 05\n"),
            "a pin number that is not in its shortest form",
        ),
        (
            "word-other",
            swap(&text, "line shop/api", "Line shop/api"),
            "a line that does not begin with `line`",
        ),
        ("carriage-returns", text.replace('\n', "\r\n"), "other line ends"),
        ("no-last-line-feed", text.trim_end().to_owned(), "no line feed at the end"),
        ("empty-line", format!("{text}\n"), "an empty line at the end"),
        ("cut", text.split_inclusive('\n').take(5).collect(), "the newest entry is not there"),
        ("checkpoint", format!("{}\n42\n{}\n", samples::ORIGIN, TreeHash::empty()), "a checkpoint"),
    ] {
        cases.reject(name, bytes, why);
    }
    cases.all()
}

/// Chunks and blob records.
pub(crate) fn blobs() -> Vec<Case> {
    let mut all = chunks();
    all.extend(records());
    all
}

fn chunks() -> Vec<Case> {
    let mut cases = Cases::of("chunk", "hex");
    let object =
        |codec, length, body: &[u8]| [ChunkHeader { codec, length }.encode().as_slice(), body].concat();
    let raw = object(Codec::Raw, 6, b"hello\n");
    let flipped = |at: usize, to: u8| {
        let mut wrong = raw.clone();
        wrong[at] = to;
        wrong
    };
    cases.accept("chunk-raw", &raw, "six bytes as they are");
    cases.accept(
        "chunk-zstd",
        object(Codec::Zstd, 70_000, b"frame"),
        "the header does not look into the frame",
    );
    for (name, bytes, why) in [
        ("chunk-magic", flipped(3, b'2'), "another magic"),
        ("chunk-codec", flipped(4, 2), "a codec that is not known"),
        ("chunk-encrypted", flipped(5, 1), "a reserved encryption scheme"),
        ("chunk-reserved", flipped(7, 1), "a reserved byte"),
        ("chunk-key-id", flipped(12, 1), "a reserved key id"),
        ("chunk-length-raw", flipped(11, 7), "a raw chunk shorter than it says"),
        ("chunk-length-0", object(Codec::Zstd, 0, b"frame"), "a chunk of no bytes"),
        ("chunk-length-max", object(Codec::Zstd, 4 * 1024 * 1024 + 1, b"frame"), "one byte more than 4 MiB"),
        ("chunk-cut", raw[..31].to_vec(), "half a header"),
    ] {
        cases.reject(name, bytes, why);
    }
    cases.all()
}

fn records() -> Vec<Case> {
    let mut cases = Cases::of("blob-record", "hex");
    let extent =
        |byte, offset, length| Extent { chunk: Blake3Digest::from_bytes([byte; 32]), offset, length };
    let record = BlobRecord {
        digests: Digests::of(b"x"),
        size: 300,
        extents: vec![extent(1, 0, 100), extent(2, 50, 200)],
    };
    let good = record.encode();
    let with =
        |size, extents: &[Extent]| BlobRecord { size, extents: extents.to_vec(), ..record.clone() }.encode();
    cases.accept("record", &good, "two extents, one from the middle of its chunk");
    cases.accept(
        "record-empty",
        BlobRecord { digests: Digests::of(b""), size: 0, extents: Vec::new() }.encode(),
        "a blob of no bytes",
    );
    for (name, bytes, why) in [
        ("record-size", with(301, &record.extents), "extents that do not add up"),
        ("record-extent-0", with(200, &[extent(1, 0, 0), extent(2, 0, 200)]), "an extent of no bytes"),
        (
            "record-extent-outside",
            with(2, &[extent(1, 4 * 1024 * 1024 - 1, 2)]),
            "an extent that reaches beyond the largest chunk",
        ),
        (
            "record-extent-overflow",
            with(2, &[extent(1, u32::MAX, 2)]),
            "an extent whose end does not fit 32 bits",
        ),
        ("record-cut", good[..good.len() - 1].to_vec(), "the last extent is cut"),
        ("record-trailing-byte", [good.as_slice(), b"x"].concat(), "a byte behind the last extent"),
        ("record-magic", [b"HFB2", &good[4..]].concat(), "another magic"),
        (
            "record-count",
            [&good[..76], &u32::MAX.to_be_bytes(), &good[80..]].concat(),
            "more extents than any blob may have",
        ),
        ("record-huge", with(u64::MAX, &record.extents), "more bytes than any blob may have"),
    ] {
        cases.reject(name, bytes, why);
    }
    cases.all()
}
