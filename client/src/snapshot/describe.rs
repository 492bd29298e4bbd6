//! Entries from what the system knows.

use holdfast_formats::catalog::{Attribute, FileTime, Metadata, Seen};
use holdfast_formats::limits::TREE_ATTRIBUTE_BYTES_MAX;
use holdfast_formats::time::Timestamp;

use super::system::{Look, Owners};

/// Clocks of files tick this coarsely at worst: a change so soon after another may leave the same time.
const TOO_FRESH_MS: u64 = 2_000;

/// What a catalog keeps of something.
pub(super) fn metadata(look: &Look, owners: &Owners, attributes: Vec<Attribute>) -> Metadata {
    Metadata {
        mode: look.mode,
        owner: owners.user(look.owner),
        group: owners.group(look.group),
        modified: look.modified,
        attributes,
    }
}

/// Leaves out extended attributes that a catalog cannot hold; says whether there were any.
pub(super) fn fitting(mut attributes: Vec<Attribute>) -> (Vec<Attribute>, bool) {
    let before = attributes.len();
    attributes.retain(|attribute| {
        attribute.value.len() <= TREE_ATTRIBUTE_BYTES_MAX && (1..=255).contains(&attribute.name.len())
    });
    let all = attributes.len() == before;
    (attributes, !all)
}

/// By what a file that is read now is known again; nothing when it changed so lately that it could change once more
/// without a trace.
pub(super) fn seen(look: &Look, now: Timestamp) -> Option<Seen> {
    let changed = look.changed?;
    let (_, inode) = look.identity;
    (ms_of(changed).saturating_add(TOO_FRESH_MS) <= now.as_ms()).then_some(Seen { changed, inode })
}

/// Milliseconds since 1970, rounded up; 0 before.
pub(super) fn ms_of(time: FileTime) -> u64 {
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(u64::from(time.nanos.div_ceil(1_000_000)))
}
