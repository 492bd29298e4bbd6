//! Drafts that need more than their own fields: a pin its predecessor, a grant its token.

use holdfast_formats::key::PublicKey;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::statement::{
    Action, Artifact, EntryIndex, EntryRef, Evidence, Grant, Metric, Pin, Predicate, Quotas,
};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::token::Token;
use holdfast_formats::tree::LeafIndex;

use crate::error::ClientError;
use crate::randomness::random_array;
use crate::session::Registry;
use crate::statement::Draft;

/// What a person says when pinning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinDraft {
    /// Why it is known to be good.
    pub reason: Reason,
    /// The deployment that showed it.
    pub deploy: Option<LeafIndex>,
    /// What else shows it.
    pub evidence: Vec<Evidence>,
    /// What was normal then.
    pub baseline_metrics: Vec<Metric>,
    /// When it stops being answered.
    pub expires: Option<Timestamp>,
}

/// What a token is to be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantDraft {
    /// Who or what gets it.
    pub subject: Label,
    /// What it may do.
    pub actions: Vec<Action>,
    /// On which artifact names.
    pub names: Vec<NamePattern>,
    /// On which channels.
    pub channels: Vec<NamePattern>,
    /// How much.
    pub quotas: Option<Quotas>,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// A short-lived key that may sign under it.
    pub key: Option<PublicKey>,
}

impl GrantDraft {
    /// Makes the token and the statement that names it. The token exists nowhere else: hand it over once.
    pub fn draft(self) -> (Draft, Token) {
        let token = Token::from_bytes(random_array());
        let grant = Grant {
            token_sha256: token.sha256(),
            subject: self.subject,
            actions: self.actions,
            names: self.names,
            channels: self.channels,
            quotas: self.quotas,
            expires: self.expires,
            key: self.key,
            oidc: None,
        };
        (Draft::new(grant), token)
    }
}

impl Registry {
    /// A pin that follows the newest one of its line. Whether it still does is judged when it is logged.
    pub async fn draft_pin(
        &self,
        channel: &ChannelName,
        artifact: &Artifact,
        pin: PinDraft,
    ) -> Result<(Draft, PinNumber), ClientError> {
        let name = artifact.r#ref.name().clone();
        let newest = self.newest_pin(channel, &name).await?;
        let number = match newest {
            Some((number, _)) => number.next().map_err(|e| ClientError::malformed("history", e))?,
            None => PinNumber::FIRST,
        };
        let some = |list: Vec<Evidence>| (!list.is_empty()).then_some(list);
        let pin = Pin {
            channel: channel.clone(),
            name,
            number,
            predecessor: newest.map(|(_, entry)| entry),
            artifact: artifact.clone(),
            deploy: pin.deploy.map(|index| EntryIndex { index }),
            reason: pin.reason,
            evidence: some(pin.evidence),
            baseline_metrics: (!pin.baseline_metrics.is_empty()).then_some(pin.baseline_metrics),
            expires: pin.expires,
        };
        Ok((Draft::new(pin), number))
    }

    /// The newest pin of a line, from the channel's history. A registry that hides one gets a pin that its own log refuses.
    async fn newest_pin(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
    ) -> Result<Option<(PinNumber, EntryRef)>, ClientError> {
        self.newest_in_history(channel, |logged| match &logged.statement().predicate {
            Predicate::Pin(pin) if pin.name == *name => Some((pin.number, logged.entry())),
            _ => None,
        })
        .await
    }
}
