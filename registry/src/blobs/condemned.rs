//! What a sweep is about to name, while it is made sure that nobody needs it.
//!
//! Whoever looks for one of these objects meanwhile rescues it: the sweep's slot is refused, and it goes on without them.
//! A publish that looked before the list stood here is waited for; see `log::in_flight`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::TreeSize;

use super::Blobs;
use super::address::Address;
use crate::log::SweepCheck;

/// The objects of one sweep at a time.
#[derive(Debug, Default)]
pub(super) struct Condemned {
    /// Whether there is a list: without one, looking for an object costs no lock.
    stands: AtomicBool,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    condemned: HashMap<Address, SweptObject>,
    rescued: Vec<SweptObject>,
    /// Whether something was rescued that the sweeper does not know of; the sequencer reads it.
    is_needed: Arc<AtomicBool>,
}

impl Condemned {
    /// Takes an object off the list, if it is there.
    pub(super) fn rescue(&self, address: &Address) {
        if !self.stands() {
            return;
        }
        let mut list = self.lock();
        if let Some(object) = list.condemned.remove(address) {
            list.is_needed.store(true, Ordering::SeqCst);
            list.rescued.push(object);
        }
    }

    /// Whether a sweep is about to name anything: then nobody takes another's word for what a record refers to.
    pub(super) fn stands(&self) -> bool {
        self.stands.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // Whole after any panic: it is changed by single calls.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list of objects that stands until this is dropped.
#[derive(Debug)]
pub struct Condemning {
    blobs: Blobs,
    is_needed: Arc<AtomicBool>,
}

impl Blobs {
    /// Lists what a sweep is about to name; `None` while another list stands.
    ///
    /// From now on whoever looks for one of them rescues it. Whoever looked earlier may be on the way into the log still.
    pub fn condemn(&self, objects: Vec<SweptObject>) -> Option<Condemning> {
        let condemned = &self.inner.condemned;
        let mut list = condemned.lock();
        if condemned.stands() {
            return None;
        }
        let address =
            |object: &SweptObject| Address::of_named(&object.namespace, object.class, &object.digest);
        *list = List {
            condemned: objects.into_iter().map(|object| (address(&object), object)).collect(),
            ..List::default()
        };
        condemned.stands.store(true, Ordering::SeqCst);
        Some(Condemning { blobs: self.clone(), is_needed: Arc::clone(&list.is_needed) })
    }
}

impl Condemning {
    /// What was rescued since this was last asked: it must not be named any more.
    pub fn take_rescued(&self) -> Vec<SweptObject> {
        let mut list = self.blobs.inner.condemned.lock();
        list.is_needed.store(false, Ordering::SeqCst);
        std::mem::take(&mut list.rescued)
    }

    /// What the slot of the sweep checks, when every publish in the first `checked_through` entries was looked through.
    pub fn check(&self, checked_through: TreeSize) -> SweepCheck {
        SweepCheck { checked_through, is_needed: Arc::clone(&self.is_needed) }
    }
}

impl Drop for Condemning {
    fn drop(&mut self) {
        let condemned = &self.blobs.inner.condemned;
        let mut list = condemned.lock();
        condemned.stands.store(false, Ordering::SeqCst);
        *list = List::default();
    }
}
