//! A leaf of the log: what differs from its own writing is refused.

use holdfast_formats::entry::Entry;

use crate::rules::same_bytes;

pub(crate) fn run(data: &[u8]) {
    if let Ok(entry) = Entry::parse(data) {
        same_bytes(&entry.encode().expect("what was read can be written"), data);
    }
}
