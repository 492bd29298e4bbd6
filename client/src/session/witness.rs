//! Witnesses that trust.json asks for: nothing of the log counts before a quorum of them vouches for it.
//!
//! A log could show this machine a history of its own. It cannot show witnesses two, so what they cosigned is what
//! everybody is shown. Entries behind that are not witnessed yet: what was just logged has to wait for them, and this
//! module waits too, for a bounded time. Which entries must be covered is for whoever relies on them to say.

use std::time::Duration;

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::note::NoteKey;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{CosignedCheckpoints, CosignedQuery};
use holdfast_verify::witness::{Demand, Quorum, WitnessError, Witnessed, verify_witnessed};
use tokio::time::Instant;

use super::{Registry, SMALL_ANSWER_MAX};
use crate::error::ClientError;
use crate::transport::query_string;

/// Between two questions whether the witnesses saw it by now; answers change twice a second at most.
const PAUSE: Duration = Duration::from_millis(300);

/// How long somebody still waits for witnesses.
pub(crate) struct Patience(Instant);

impl Patience {
    /// Waits a moment; `false` when there is no time left for that.
    pub(crate) async fn wait(&mut self) -> bool {
        if Instant::now() + PAUSE > self.0 {
            return false;
        }
        tokio::time::sleep(PAUSE).await;
        true
    }
}

impl Registry {
    /// The witnesses of which so many must vouch; `None` where trust.json asks for none.
    pub fn quorum(&self) -> Option<&Quorum> {
        self.0.witnesses.as_ref()
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience(Instant::now() + self.0.witness_wait)
    }

    /// Accepts an entry of a state that was followed only once a quorum vouches for a tree that contains it.
    ///
    /// What witnesses vouched for earlier counts as long as it is fresh: every state that was followed lies on one growing
    /// log with it.
    pub(crate) async fn require_witnessed(
        &self,
        note: &str,
        checkpoint: &Checkpoint,
        newest: LeafIndex,
    ) -> Result<(), ClientError> {
        if self.quorum().is_none() || self.was_witnessed(newest) {
            return Ok(());
        }
        self.witnessed(note, checkpoint, newest).await.map(drop)
    }

    /// Asks what witnesses vouch for of a state that was followed, which must reach beyond an entry.
    pub(super) async fn witnessed(
        &self,
        note: &str,
        checkpoint: &Checkpoint,
        newest: LeafIndex,
    ) -> Result<Option<Witnessed>, ClientError> {
        let Some(quorum) = self.quorum() else { return Ok(None) };
        let covers = newest.size_through().map_err(|e| ClientError::malformed("receipt", e))?;
        let mut patience = self.patience();
        loop {
            match self.ask_witnessed(note, checkpoint, quorum, covers).await {
                Err(error) if error.is_unwitnessed() && patience.wait().await => {}
                outcome => return outcome.map(Some),
            }
        }
    }

    async fn ask_witnessed(
        &self,
        note: &str,
        checkpoint: &Checkpoint,
        quorum: &Quorum,
        covers: TreeSize,
    ) -> Result<Witnessed, ClientError> {
        let query = query_string(&CosignedQuery { size: checkpoint.size() })?;
        let path = format!("/v1/log/cosigned{query}");
        let shown: CosignedCheckpoints =
            self.transport().get(&path, "cosigned checkpoints", SMALL_ANSWER_MAX).await?;
        let chain = self.policies().await?;
        let demand = Demand { covers, at: self.now(), max_age: self.trust().head_max_age_s };
        match verify_witnessed(&shown.cosigned, checkpoint, &chain, quorum, demand) {
            Ok(witnessed) => {
                self.seen().witnessed = Some(witnessed.clone());
                Ok(witnessed)
            }
            Err(error) => Err(self.not_witnessed(note, error).await),
        }
    }

    /// What it means that a state is not witnessed; two states that do not fit are kept as evidence.
    pub(crate) async fn not_witnessed(&self, note: &str, error: WitnessError) -> ClientError {
        match error {
            WitnessError::Inconsistent { cosigned, source } => {
                self.fork(note, &cosigned.checkpoint, Some(cosigned.hashes), &source).await
            }
            WitnessError::Quorum { .. } => ClientError::Unwitnessed { source: error.into() },
            lie => ClientError::untrue("cosigned checkpoint", lie),
        }
    }

    fn was_witnessed(&self, newest: LeafIndex) -> bool {
        let (now, max) = (self.now(), self.trust().head_max_age_s.as_ms());
        let is_fresh = |w: &Witnessed| now.ms_since(w.time) <= max && w.time.ms_since(now) <= max;
        self.seen().witnessed.as_ref().is_some_and(|w| w.size.contains(newest) && is_fresh(w))
    }

    /// The log's own verifier keys, which whoever runs a witness needs.
    pub fn log_verifiers(&self) -> Vec<NoteKey> {
        let trust = self.trust();
        trust.log_keys.iter().map(|key| NoteKey::of_log(&trust.origin, key.clone())).collect()
    }
}
