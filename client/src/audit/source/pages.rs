//! Reading a log from its registry: pages of entries, as it hands them out.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::{LoggedEntry, ProblemCode};

use super::{Fetched, Part, decoding_at_once};
use crate::audit::decode::{KeysAtHand, Signatures, decode_page};
use crate::blocking;
use crate::error::ClientError;
use crate::session::Registry;
use crate::transport::Request;

/// Entries asked for at once.
const PAGE: u32 = 512;
/// Pages that are asked for ahead.
const AHEAD: usize = 3;

impl Registry {
    /// The entries between two sizes, decoded.
    pub(in crate::audit) fn pages(
        &self,
        size: TreeSize,
        to: TreeSize,
        keys: &KeysAtHand,
        from: TreeSize,
    ) -> BoxStream<'static, Result<Part, ClientError>> {
        let (source, keys) = (self.clone(), keys.clone());
        stream::iter((size.get()..to.get()).step_by(PAGE as usize))
            .map(move |first| {
                let (source, to) = (source.clone(), to.get());
                async move { source.page(first, to).await }
            })
            .buffered(AHEAD)
            .map(move |page| {
                let keys = keys.clone();
                async move {
                    let (first, page) = page?;
                    let how = if first < from.get() { Signatures::Skip } else { Signatures::Verify };
                    Ok(blocking::run(move || decoded(page, &keys, how)).await)
                }
            })
            .buffered(decoding_at_once())
            .boxed()
    }

    /// A whole page, however many answers that takes.
    async fn page(&self, first: u64, to: u64) -> Result<(u64, Vec<LoggedEntry>), ClientError> {
        let wrong = |rule: &'static str| ClientError::malformed("page of entries", rule);
        let mut entries: Vec<LoggedEntry> = Vec::new();
        let wanted = u64::from(PAGE).min(to - first);
        while (entries.len() as u64) < wanted {
            let next = first + entries.len() as u64;
            let index =
                TreeSize::new(next).map_err(|e| ClientError::malformed("page of entries", e))?.next_index();
            let left = u32::try_from(wanted - entries.len() as u64).unwrap_or(PAGE);
            let page = self.raw_entries(index, Some(left)).await?.entries;
            if page.is_empty() || page.len() > left as usize {
                return Err(wrong("it is empty, or longer than asked for"));
            }
            if !(next..).zip(&page).all(|(at, entry)| entry.index.get() == at) {
                return Err(wrong("its entries are not those that were asked for"));
            }
            entries.extend(page);
        }
        Ok((first, entries))
    }

    /// An attachment. One that cannot be had is left out.
    pub(in crate::audit) async fn attachment(
        &self,
        digest: Sha256Digest,
        size: u64,
    ) -> Result<Fetched, ClientError> {
        let path = format!("/v1/log/attachments/{digest}");
        match self.transport().call_bytes(&Request::get(&path, "attachment", size)).await {
            Ok(bytes) => Ok((digest, Some(bytes))),
            Err(error) if is_lost(&error) => Ok((digest, None)),
            Err(error) => Err(error),
        }
    }
}

/// Whether the registry does not have something whole, or has something else in its place.
fn is_lost(error: &ClientError) -> bool {
    let code = matches!(error.code(), Some(ProblemCode::NotFound | ProblemCode::Gone | ProblemCode::Corrupt));
    code || matches!(error, ClientError::AnswerTooLarge { .. })
}

fn decoded(page: Vec<LoggedEntry>, keys: &KeysAtHand, how: Signatures) -> Part {
    let leaves = page.into_iter().map(|logged| (logged.entry.0, logged.payload.map(|bytes| bytes.0)));
    Part { pieces: vec![decode_page(leaves, keys, how)], finding: None }
}
