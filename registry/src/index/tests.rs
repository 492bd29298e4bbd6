//! What a crash or a lost slot may leave of an index: never something wrong that counts.

use std::num::NonZeroUsize;
use std::path::Path;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::facts::Facts as _;

use super::*;
use crate::blocking::Blocking;

fn open(folder: &Path) -> (Index, Writer) {
    let blocking = Blocking::new(NonZeroUsize::MIN);
    Index::open(&folder.join("index.sqlite"), blocking, 0).expect("the index opens")
}

fn position(size: u64) -> Position {
    let (hash, root) = (Sha256Digest::from_bytes([1; 32]), TreeHash::from_bytes([2; 32]));
    let size = TreeSize::new(size).expect("it is small");
    Position { commits: 1, hash, size, root, time: Timestamp::from_ms(5) }
}

/// Follows one commit of one entry.
fn follow(writer: &mut Writer) -> Result<(), IndexError> {
    writer.begin()?;
    writer.note_payload(LeafIndex::new(0).expect("it is small"), &Sha256Digest::of(b"payload"))?;
    writer.note_newest(position(1).size, position(1).time);
    writer.set_position(&position(1))
}

#[test]
fn an_index_counts_only_after_it_was_finished() -> Result<(), IndexError> {
    let folder = tempfile::tempdir().map_err(IndexError::Folder)?;
    let (_, mut writer) = open(folder.path());
    follow(&mut writer)?;
    writer.commit()?;
    drop(writer);

    let (_, mut writer) = open(folder.path());
    assert_eq!(writer.view().position()?, None, "what a crash left half made is forgotten");
    follow(&mut writer)?;
    writer.commit()?;
    writer.finish()?;
    drop(writer);

    let (index, writer) = open(folder.path());
    assert_eq!(writer.view().position()?, Some(position(1)));
    let logged = index.read_now(|view| view.entry_by_payload(&Sha256Digest::of(b"payload")))?;
    assert!(logged.is_some(), "readers see what was made before the journal");
    Ok(())
}

#[test]
fn what_an_undone_transaction_left_at_hand_is_forgotten() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (_, mut writer) = open(folder.path());
    writer.finish()?;
    follow(&mut writer)?;
    assert_eq!(writer.view().size()?, position(1).size);
    writer.roll_back()?;
    assert_eq!((writer.view().size()?, writer.view().newest_time()?), (TreeSize::ZERO, None));
    writer.begin()?;
    assert_eq!((writer.view().size()?, writer.view().newest_time()?), (TreeSize::ZERO, None));
    Ok(())
}
