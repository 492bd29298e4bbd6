//! The two texts of `add-checkpoint`: what is sent, and what is read out of the answer. No I/O.

use std::fmt::Write as _;

use holdfast_formats::note::{Note, NoteError, NoteKey, NoteSigner};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};

use super::error::AskError;
use crate::log::{Cosignature, Head};

/// The body of a request: from which size, the proof from there, and the checkpoint.
pub(super) fn request(old: TreeSize, proof: &[TreeHash], checkpoint: &str) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        // Writing to a string does not fail.
        let _ = writeln!(body, "{hash}");
    }
    body.push('\n');
    body.push_str(checkpoint);
    body
}

/// The size in a 409.
pub(super) fn latest(body: &[u8]) -> Result<TreeSize, AskError> {
    let size = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
    size.ok_or(AskError::Protocol("409 without the size that it has"))
}

/// The one line of a 200 that is by the configured key. Lines of other keys are ignored, whatever they are.
pub(super) fn cosignature(body: &[u8], head: &Head, key: &NoteKey) -> Result<Cosignature, AskError> {
    let text = std::str::from_utf8(body).map_err(|_| AskError::Protocol("200 with what is no text"))?;
    let mut refused = AskError::Protocol("200 without a cosignature by the key that is configured");
    for line in text.split_inclusive('\n') {
        match verified(head.checkpoint(), line, key) {
            Ok(Some(time)) => {
                return Ok(Cosignature {
                    key: key.clone(),
                    size: head.size(),
                    time,
                    checkpoint: head.checkpoint().to_owned(),
                    line: line.to_owned(),
                });
            }
            Ok(None) => {}
            Err(error) => refused = AskError::Cosignature(error),
        }
    }
    Err(refused)
}

/// When the key cosigned, if this line says that it did.
fn verified(checkpoint: &str, line: &str, key: &NoteKey) -> Result<Option<Timestamp>, NoteError> {
    let Ok(note) = Note::parse(format!("{checkpoint}{line}").as_bytes()) else { return Ok(None) };
    match note.verify(std::slice::from_ref(key)) {
        Ok(verified) => {
            let time = verified.signers().iter().find_map(NoteSigner::cosigned_at_s);
            Ok(time.map(|time_s| Timestamp::from_ms(time_s.saturating_mul(1000))))
        }
        Err(NoteError::NoKnownSigner { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
