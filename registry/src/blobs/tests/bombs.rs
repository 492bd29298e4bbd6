//! Frames that claim or do more than a chunk may.

use std::io::{Read, Write};

use super::*;

const MIB: usize = 1024 * 1024;
const ZEROS_BYTES: u64 = 256 * 1024 * 1024;
const CONTENT: &[u8] = b"the content of a chunk, long enough to be one";

async fn put(object: Bytes) -> Result<Put, BlobError> {
    let world = World::in_memory().await;
    world.blobs.put_chunk(&world.namespace, Blake3Digest::of(CONTENT), object).await
}

/// 256 MiB of zeros in some KiB.
fn bomb(says_its_size: bool) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    if says_its_size {
        encoder.set_pledged_src_size(Some(ZEROS_BYTES)).expect("a size");
    }
    std::io::copy(&mut std::io::repeat(0).take(ZEROS_BYTES), &mut encoder).expect("zeros compress");
    encoder.finish().expect("the frame ends")
}

/// One frame with one raw block: descriptor, window descriptor, dictionary id and content size are what the test says.
fn frame(descriptor: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let block = u32::try_from(content.len() << 3 | 1).expect("a small block").to_le_bytes();
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    [magic.as_slice(), &[descriptor], fields, &block[..3], content].concat()
}

fn length() -> [u8; 4] {
    u32::try_from(CONTENT.len()).expect("it is short").to_le_bytes()
}

#[tokio::test]
async fn t27_a_handmade_frame_is_taken_when_nothing_is_wrong_with_it() {
    let window_8_mib = 13 << 3;
    let good = frame(0x80, &[&[window_8_mib], length().as_slice()].concat(), CONTENT);
    assert!(matches!(put(object(Codec::Zstd, CONTENT.len(), &good)).await, Ok(Put::New)));
    assert!(matches!(
        put(object(Codec::Zstd, CONTENT.len(), &frame(0xa0, &length(), CONTENT))).await,
        Ok(Put::New)
    ));
}

#[tokio::test]
async fn t27_256_mib_of_zeros_are_refused_before_they_are_unpacked() {
    let silent = bomb(false);
    assert!(silent.len() < 64 * 1024, "{}", silent.len());
    let refused = put(object(Codec::Zstd, 4 * MIB, &silent)).await;
    assert!(matches!(refused, Err(BlobError::Malformed(_))), "{refused:?}");

    let honest = bomb(true);
    let refused = put(object(Codec::Zstd, 4 * MIB, &honest)).await;
    assert!(matches!(refused, Err(BlobError::TooLarge(_))), "{refused:?}");
}

#[tokio::test]
async fn t27_a_frame_that_lies_about_its_size_unpacks_to_no_more_than_it_said() {
    let mut liar = bomb(true);
    let said = u32::try_from(ZEROS_BYTES).expect("it fits").to_le_bytes();
    let at = liar.windows(4).position(|field| field == said).expect("the frame says its size");
    liar[at..at + 4].copy_from_slice(&u32::try_from(4 * MIB).expect("it fits").to_le_bytes());
    let refused = put(object(Codec::Zstd, 4 * MIB, &liar)).await;
    assert!(matches!(refused, Err(BlobError::Malformed(_))), "{refused:?}");
}

#[tokio::test]
async fn t27_second_frames_skippable_frames_and_trailers_are_refused() {
    let good = zstd::bulk::compress(CONTENT, 3).expect("it compresses");
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let empty = zstd::bulk::compress(b"", 3).expect("it compresses");
    let more = [
        [good.as_slice(), &good].concat(),
        [good.as_slice(), &empty].concat(),
        [good.as_slice(), &skippable].concat(),
        [skippable.as_slice(), &good].concat(),
        [good.as_slice(), b"!"].concat(),
        skippable.to_vec(),
        Vec::new(),
    ];
    for stored in more {
        let refused = put(object(Codec::Zstd, CONTENT.len(), &stored)).await;
        assert!(matches!(refused, Err(BlobError::Malformed(_))), "{refused:?} {stored:?}");
    }
    for end in 0..good.len() {
        assert!(put(object(Codec::Zstd, CONTENT.len(), &good[..end])).await.is_err(), "cut at {end}");
    }
}

#[tokio::test]
async fn t27_a_header_and_a_frame_that_disagree_about_the_length_are_refused() {
    let good = zstd::bulk::compress(CONTENT, 3).expect("it compresses");
    let longer = put(object(Codec::Zstd, CONTENT.len() + 1, &good)).await;
    assert!(matches!(longer, Err(BlobError::Malformed(_))), "{longer:?}");
    let shorter = put(object(Codec::Zstd, CONTENT.len() - 1, &good)).await;
    assert!(matches!(shorter, Err(BlobError::TooLarge(_))), "{shorter:?}");
    for length in [0, 4 * MIB + 1] {
        let out_of_bounds = put(object(Codec::Zstd, length, &good)).await;
        assert!(matches!(out_of_bounds, Err(BlobError::Malformed(_))), "{out_of_bounds:?}");
    }
}

#[tokio::test]
async fn t27_a_frame_that_needs_a_dictionary_is_refused() {
    let named = frame(0xa1, &[&[7], length().as_slice()].concat(), CONTENT);
    let refused = put(object(Codec::Zstd, CONTENT.len(), &named)).await;
    assert!(matches!(refused, Err(BlobError::Malformed(_))), "{refused:?}");

    let mut encoder = zstd::Encoder::with_dictionary(Vec::new(), 19, CONTENT).expect("an encoder");
    encoder.set_pledged_src_size(Some(CONTENT.len() as u64)).expect("a size");
    encoder.write_all(CONTENT).expect("it compresses");
    let unnamed = encoder.finish().expect("the frame ends");
    assert!(put(object(Codec::Zstd, CONTENT.len(), &unnamed)).await.is_err());
}

#[tokio::test]
async fn t27_a_window_above_8_mib_is_refused() {
    for window in [13 << 3 | 1, 14 << 3, 31 << 3 | 7] {
        let wide = frame(0x80, &[&[window], length().as_slice()].concat(), CONTENT);
        let refused = put(object(Codec::Zstd, CONTENT.len(), &wide)).await;
        assert!(matches!(refused, Err(BlobError::TooLarge(_))), "{window} {refused:?}");
    }
}

#[tokio::test]
async fn t27_an_object_larger_than_any_chunk_is_refused() {
    let refused = put(object(Codec::Zstd, CONTENT.len(), &vec![0; 5 * MIB])).await;
    assert!(matches!(refused, Err(BlobError::TooLarge(_))), "{refused:?}");
}

#[tokio::test]
async fn t27_a_record_of_crumbs_is_refused_instead_of_reading_terabytes() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let chunks: [Vec<u8>; 2] = [vec![0; 4 * MIB], vec![1; 4 * MIB]];
    for chunk in &chunks {
        world.blobs.put_chunk(&world.namespace, Blake3Digest::of(chunk), compressed(chunk)).await?;
    }
    let digests = chunks.each_ref().map(|chunk| Blake3Digest::of(chunk));
    let extents: Vec<Extent> =
        (0..1000).map(|n| Extent { chunk: digests[n % 2], offset: 0, length: 1 }).collect();
    let content: Vec<u8> = [0, 1].repeat(500);
    let record = BlobRecord { digests: Digests::of(&content), size: 1000, extents };
    let refused = world.blobs.put_record(&world.namespace, record, None).await;
    assert!(matches!(refused, Err(BlobError::TooLarge(_))), "{refused:?}");
    Ok(())
}
