//! Known-good: asking, checking everything, and remembering what must never be taken back.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_formats::StrictMap;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{ExitCode, KnownGood, KnownGoodQuery};
use holdfast_verify::known_good::{
    AnswerError, Asked, KnownGoodAnswer, Mode, TrustedState, verify_known_good,
};
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::verified::Verified;

use crate::blocking;
use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry};
use crate::state::Remembered;
use crate::transport::query_string;

/// A checked answer, and what it was the answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What is known-good.
    pub answer: Verified<KnownGoodAnswer>,
    /// The answer as it was received: what a bundle carries.
    pub wire: KnownGood,
    /// The question as it was sent.
    pub query: KnownGoodQuery,
    /// Set when the registry did not answer and this is a remembered answer: how long ago it was verified.
    pub cached_age: Option<Duration>,
}

impl Registry {
    /// Asks what is known-good. With `max_age`, an answer remembered no longer ago may stand in when the registry is down;
    /// it is checked again, and pins expire as of now. Never when the registry answered and the answer was refused.
    pub async fn known_good(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        max_age: Option<Duration>,
    ) -> Result<Lookup, ClientError> {
        let outcome = self.ask(channel, query).await;
        match (outcome, max_age) {
            (Err(error), Some(max_age)) if error.exit() == ExitCode::Unreachable => {
                self.remembered(channel, query, max_age)?.ok_or(error)
            }
            (outcome, _) => outcome,
        }
    }

    async fn ask(&self, channel: &ChannelName, query: &KnownGoodQuery) -> Result<Lookup, ClientError> {
        let now = self.now();
        let chain = self.policies().await?;
        let seen = self.seen_checkpoint(&chain)?.map(|checkpoint| (checkpoint.size(), checkpoint.root()));
        let query = KnownGoodQuery {
            min_size: seen.map(|(size, _)| size),
            policy: Some(chain.newest().policy.number),
            ..query.clone()
        };
        let (answer, wire) = self.ask_and_check(channel, &query, &chain, seen).await?;
        self.keep(channel, &query, &wire, &answer, now).await?;
        if answer.get().policies.newest().policy.number > chain.newest().policy.number {
            // The answer holds without them; the next question brings them again.
            if let Err(error) = self.fetch_policies().await {
                tracing::debug!(%error, "newer policies could not be kept");
            }
        }
        Ok(Lookup { answer, wire, query, cached_age: None })
    }

    /// Asks as somebody who knows nothing but trust.json, so that the answer proves itself to such a one.
    pub(crate) async fn ask_from_nothing(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
    ) -> Result<(Verified<KnownGoodAnswer>, KnownGood), ClientError> {
        let chain = self.policies().await?;
        self.ask_and_check(channel, query, &chain, None).await
    }

    async fn ask_and_check(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        chain: &PolicyChain,
        seen: Option<(TreeSize, TreeHash)>,
    ) -> Result<(Verified<KnownGoodAnswer>, KnownGood), ClientError> {
        let mut patience = self.patience();
        loop {
            match self.ask_once(channel, query, chain, seen).await {
                // What was just logged may have to wait for the witnesses.
                Err(error) if error.is_unwitnessed() && patience.wait().await => {}
                outcome => return outcome,
            }
        }
    }

    async fn ask_once(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        chain: &PolicyChain,
        seen: Option<(TreeSize, TreeHash)>,
    ) -> Result<(Verified<KnownGoodAnswer>, KnownGood), ClientError> {
        let now = self.now();
        let path = format!("/v1/channels/{channel}/known-good{}", query_string(query)?);
        let wire: KnownGood = self.transport().get(&path, "known-good answer", LARGE_ANSWER_MAX).await?;
        let issued = self.issued(channel)?;
        let trusted = TrustedState {
            policies: chain,
            seen,
            issued: &issued,
            head_max_age: self.trust().head_max_age_s,
            witnesses: self.quorum(),
        };
        let asked = Asked { channel, query, now, mode: Mode::Online };
        let answer = match verify_known_good(&wire, &asked, &trusted) {
            Ok(answer) => answer,
            Err(error) => return Err(self.refused_answer(&wire, error).await),
        };
        self.follow(&wire.checkpoint, &answer.get().checkpoint).await?;
        Ok((answer, wire))
    }

    /// The remembered answer, if it is young enough and still passes every check.
    fn remembered(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        max_age: Duration,
    ) -> Result<Option<Lookup>, ClientError> {
        let Some(Remembered { at, query, answer: wire }) = self.state().answer(channel, query)? else {
            return Ok(None);
        };
        let now = self.now();
        let age = Duration::from_millis(now.ms_since(at));
        // A clock that was set back must not make an old answer look fresh.
        if age > max_age || at > now {
            return Ok(None);
        }
        let Some(chain) = self.policies_at_hand()? else { return Ok(None) };
        let seen = self.seen_checkpoint(&chain)?.map(|checkpoint| (checkpoint.size(), checkpoint.root()));
        let issued = self.issued(channel)?;
        let head_max_age = self.trust().head_max_age_s;
        let trusted =
            TrustedState { policies: &chain, seen, issued: &issued, head_max_age, witnesses: self.quorum() };
        let asked = Asked { channel, query: &query, now, mode: Mode::Offline };
        let answer = verify_known_good(&wire, &asked, &trusted).map_err(answer_error)?;
        Ok(Some(Lookup { answer, wire, query, cached_age: Some(age) }))
    }

    /// The newest pin of each line of a channel that this machine saw.
    pub(crate) fn issued(
        &self,
        channel: &ChannelName,
    ) -> Result<BTreeMap<ArtifactName, PinNumber>, ClientError> {
        let pins = self.state().issued_pins()?;
        let lines = pins.get(channel).into_iter().flat_map(StrictMap::iter);
        Ok(lines.map(|(name, number)| (name.clone(), *number)).collect())
    }

    async fn keep(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        wire: &KnownGood,
        answer: &Verified<KnownGoodAnswer>,
        at: Timestamp,
    ) -> Result<(), ClientError> {
        let lines: Vec<_> = answer.get().lines.iter().map(|line| (line.name.clone(), line.issued)).collect();
        let remembered = Remembered { at, query: query.clone(), answer: wire.clone() };
        let (handle, channel) = (self.clone(), channel.clone());
        blocking::run(move || {
            let lock = handle.state().lock()?;
            handle.state().keep_issued(&lock, &channel, lines)?;
            handle.state().keep_answer(&lock, &channel, &remembered)
        })
        .await
    }
}

/// Sorts a refused answer by what it means for whoever asked.
pub(crate) fn answer_error(error: AnswerError) -> ClientError {
    match error.exit() {
        ExitCode::Unreachable if matches!(error, AnswerError::Witness(_)) => {
            ClientError::Unwitnessed { source: error.into() }
        }
        ExitCode::Unreachable => ClientError::Stale { source: error.into() },
        ExitCode::Usage => ClientError::Query { source: error.into() },
        ExitCode::Ended => ClientError::Expired { source: error.into() },
        ExitCode::NothingQualifies => ClientError::NothingQualifies { source: error.into() },
        _ => ClientError::untrue("known-good answer", error),
    }
}
