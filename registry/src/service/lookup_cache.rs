//! Finished answers, by everything they depend on. An answer is never changed, only left behind by a newer state.

use std::sync::Arc;

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::KnownGoodQuery;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Failure;
use super::known_good::LookupAnswer;

/// How many bytes of answers are kept.
const CACHED_BYTES: u64 = 32 * 1024 * 1024;

/// What an answer depends on: the question, the state of the log, what witnesses cosigned of it, the half second it was
/// given in, and what its reader may not know of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct LookupKey {
    pub(super) channel: ChannelName,
    pub(super) query: String,
    pub(super) size: TreeSize,
    pub(super) moment: u64,
    /// What witnesses cosigned by then.
    pub(super) cosigned: u64,
    /// The scheduled artifacts that the reader may not read, sorted.
    pub(super) hidden: Vec<ArtifactName>,
}

impl LookupKey {
    pub(super) fn new(
        channel: &ChannelName,
        query: &KnownGoodQuery,
        size: TreeSize,
        moment: u64,
        cosigned: u64,
    ) -> Self {
        // The query's own JSON is its one canonical text.
        let query = serde_json::to_string(query).unwrap_or_default();
        Self { channel: channel.clone(), query, size, moment, cosigned, hidden: Vec::new() }
    }
}

#[derive(Clone)]
struct BySize;

impl Weighter<LookupKey, Arc<LookupAnswer>> for BySize {
    fn weight(&self, key: &LookupKey, answer: &Arc<LookupAnswer>) -> u64 {
        (answer.body.len() + key.query.len() + 256) as u64
    }
}

/// The cache; of several that ask for the same new answer, one makes it and the others wait for it.
pub(super) struct LookupCache(Cache<LookupKey, Arc<LookupAnswer>, BySize>);

impl LookupCache {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(4096, CACHED_BYTES, BySize))
    }

    pub(super) async fn get_or_make<F>(
        &self,
        key: &LookupKey,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<LookupAnswer>, Failure>
    where
        F: Future<Output = Result<LookupAnswer, Failure>>,
    {
        if let Some(answer) = self.0.get(key) {
            return Ok(answer);
        }
        Box::pin(self.0.get_or_insert_async(key, async { make().await.map(Arc::new) })).await
    }
}
