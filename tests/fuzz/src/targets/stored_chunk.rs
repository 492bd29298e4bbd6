//! A chunk's object taken in by a registry: header, zstd frame, digest. Whatever it claims, memory is bounded.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use holdfast_formats::chunk::ChunkHeader;
use holdfast_formats::digest::Blake3Digest;
use holdfast_registry::blobs::Blobs;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::ManualClock;
use holdfast_registry::config::StoreLocation;
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::Fatal;
use tokio::runtime::Runtime;

pub(crate) const EXAMPLES: &[&[u8]] = &[];

struct World {
    runtime: Runtime,
    blobs: Blobs,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().expect("threads can be started");
        let blocking = Blocking::new(NonZeroUsize::MIN);
        let fatal = Fatal::hook(|reason| panic!("the store failed: {reason}"));
        let host = Host { blocking: blocking.clone(), clock: ManualClock::new(0), fatal };
        let store = runtime.block_on(Store::open(&StoreLocation::Memory, host)).expect("memory opens");
        let blobs = Blobs::new(store, blocking, 64 * 1024 * 1024);
        World { runtime, blobs }
    })
}

pub(crate) fn run(data: &[u8]) {
    let World { runtime, blobs } = world();
    let namespace = "shop".parse().expect("a namespace");
    // Raw content is addressed rightly, so that taking it in is reached; frames nearly never are.
    let content = ChunkHeader::parse(data).map_or(data, |(_, stored)| stored);
    let digest = Blake3Digest::of(content);
    let taken = runtime.block_on(blobs.put_chunk(&namespace, digest, data.to_vec().into()));
    if taken.is_ok() {
        assert!(ChunkHeader::parse(data).is_ok(), "what is no chunk was taken in");
    }
}
