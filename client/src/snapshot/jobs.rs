//! Many items at once: some are bundled into a job, several threads do jobs, and what came of them is taken in order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::item::{Item, Outcome, Source};
use super::outgoing::Stopped;
use super::read::{LARGE_FROM, Reader};
use super::sequence::Halt;
use crate::blocking;
use crate::error::ClientError;

/// Items of one job.
const ITEMS_MAX: usize = 512;
/// Bytes of small files in one job: they are kept until it is their turn.
const BYTES_MAX: u64 = 1024 * 1024;
/// Different directories of one job: each is an open file of this process.
const DIRECTORIES_MAX: usize = 8;

/// What came of a job.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) outcomes: Vec<Outcome>,
    /// The bytes of its small files.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
struct Job {
    items: Vec<Item>,
    done: SyncSender<Done>,
}

/// What comes of all jobs, in order.
pub(super) struct InOrder(Receiver<Turn>);

/// Whose turn it is. The end is said, so that threads that are gone are never taken for it.
enum Turn {
    Job(Receiver<Done>),
    Failed(ClientError),
    End,
}

/// Begins to do whatever a source says, with one thread for each reader. All of them end when what this returns is
/// dropped.
pub(super) fn begin(source: Box<dyn Source>, readers: Vec<Reader>) -> InOrder {
    let waiting_max = readers.len() * 2 + 2;
    let (jobs, taken) = sync_channel(waiting_max);
    let (order, in_order) = sync_channel(waiting_max);
    let taken = Arc::new(Mutex::new(taken));
    for reader in readers {
        let taken = Arc::clone(&taken);
        blocking::spawn(move || work(reader, &taken));
    }
    blocking::spawn(move || feed(source, &jobs, &order));
    InOrder(in_order)
}

impl InOrder {
    /// What came of the next job; nothing at the end.
    pub(super) fn next(&self) -> Result<Option<Done>, Halt> {
        match self.0.recv() {
            Ok(Turn::Job(done)) => Ok(Some(done.recv().map_err(|_| Stopped)?)),
            Ok(Turn::Failed(error)) => Err(error.into()),
            Ok(Turn::End) => Ok(None),
            Err(_) => Err(Stopped.into()),
        }
    }
}

fn feed(mut source: Box<dyn Source>, jobs: &SyncSender<Job>, order: &SyncSender<Turn>) {
    loop {
        let items = match bundle(source.as_mut()) {
            Ok(items) if items.is_empty() => break drop(order.send(Turn::End)),
            Ok(items) => items,
            Err(error) => break drop(order.send(Turn::Failed(error))),
        };
        let (done, to_come) = sync_channel(1);
        // Whoever takes what comes of them is gone when one of these fails.
        if order.send(Turn::Job(to_come)).is_err() || jobs.send(Job { items, done }).is_err() {
            return;
        }
    }
}

/// The next items that are done together.
fn bundle(source: &mut dyn Source) -> Result<Vec<Item>, ClientError> {
    let (mut items, mut bytes, mut directories, mut newest) = (Vec::new(), 0, 0, None);
    while items.len() < ITEMS_MAX && bytes < BYTES_MAX && directories < DIRECTORIES_MAX {
        let Some(item) = source.next()? else { break };
        if let Item::Read(place) | Item::Link(place, _) = &item {
            let directory = Arc::as_ptr(&place.directory);
            directories += usize::from(newest.replace(directory) != Some(directory));
            bytes += place.size.min(LARGE_FROM);
        }
        items.push(item);
    }
    Ok(items)
}

fn work(mut reader: Reader, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { items, done }) = job else { return };
        let (mut outcomes, mut bytes) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            match item {
                Item::Ready(entry) => outcomes.push(Outcome::Ready(entry)),
                Item::Link(place, first) => outcomes.push(Outcome::Link(place, first)),
                Item::Unread(unread) => outcomes.push(Outcome::Unread(unread)),
                Item::Read(place) => {
                    if reader.read(&place, &mut bytes, &mut outcomes).is_err() {
                        return;
                    }
                }
            }
        }
        if done.send(Done { outcomes, bytes }).is_err() {
            return;
        }
    }
}
