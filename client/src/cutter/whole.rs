//! Both digests of a whole stream, taken on a thread of its own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use sha2::{Digest as _, Sha256};

/// How many chunks may wait: enough to keep both threads busy, at most 16 MiB.
const WAITING_MAX: usize = 4;

enum Work {
    Data(Bytes),
    End,
}

/// Hashes one stream after the other. The thread begins with the first data and ends with this value.
#[derive(Debug)]
pub(super) struct WholeHasher(Option<Thread>);

#[derive(Debug)]
struct Thread {
    work: SyncSender<Work>,
    digests: Receiver<Digests>,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::End => f.write_str("End"),
        }
    }
}

impl WholeHasher {
    /// A hasher whose thread has not begun.
    pub(super) const fn idle() -> Self {
        Self(None)
    }

    /// Takes the next bytes of the stream.
    pub(super) fn update(&mut self, bytes: Bytes) {
        let thread = self.0.get_or_insert_with(Thread::begin);
        thread.work.send(Work::Data(bytes)).expect("the thread ends only after its sender");
    }

    /// The digests of all bytes since the last call.
    pub(super) fn finish(&mut self) -> Digests {
        let Some(thread) = &self.0 else { return Digests::of(&[]) };
        thread.work.send(Work::End).expect("the thread ends only after its sender");
        thread.digests.recv().expect("the thread answers every end")
    }
}

impl Thread {
    fn begin() -> Self {
        let (work, waiting) = sync_channel(WAITING_MAX);
        let (out, digests) = sync_channel(1);
        thread::spawn(move || hash_streams(&waiting, &out));
        Self { work, digests }
    }
}

fn hash_streams(waiting: &Receiver<Work>, out: &SyncSender<Digests>) {
    let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
    while let Ok(work) = waiting.recv() {
        match work {
            Work::Data(bytes) => {
                sha256.update(&bytes);
                blake3.update(&bytes);
            }
            Work::End => {
                let digests = Digests {
                    blake3: Blake3Digest::from_bytes(*blake3.finalize().as_bytes()),
                    sha256: Sha256Digest::from_bytes(sha256.finalize_reset().into()),
                };
                blake3.reset();
                if out.send(digests).is_err() {
                    return;
                }
            }
        }
    }
}
