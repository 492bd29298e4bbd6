//! One thing that somebody should know.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::Predicate;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use serde::{Deserialize, Serialize};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Something was pinned.
    Pin,
    /// Something was denied.
    Deny,
    /// A deny ended.
    Lift,
    /// The channel takes no deploys.
    Freeze,
    /// It takes them again.
    Thaw,
    /// There is a new policy.
    Policy,
    /// A key is no longer trusted.
    Distrust,
    /// Known-good is something else than before, or nothing any more.
    Answer,
    /// A pin that is answered ends soon.
    Expiry,
    /// What the registry shows does not hold: another log than before, a signature or proof that fails, something hidden.
    Fork,
    /// Nothing fresh comes from the registry.
    Silence,
    /// It does again.
    Heard,
}

impl AlertKind {
    /// What an entry is an alert about; `None` for entries that everyday work is made of.
    pub(super) fn of(predicate: &Predicate) -> Option<Self> {
        match predicate {
            Predicate::Pin(_) => Some(Self::Pin),
            Predicate::Deny(_) => Some(Self::Deny),
            Predicate::Lift(_) => Some(Self::Lift),
            Predicate::Freeze(_) => Some(Self::Freeze),
            Predicate::Thaw(_) => Some(Self::Thaw),
            _ => None,
        }
    }

    /// Its name, as alerts write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Deny => "deny",
            Self::Lift => "lift",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::Policy => "policy",
            Self::Distrust => "distrust",
            Self::Answer => "answer",
            Self::Expiry => "expiry",
            Self::Fork => "fork",
            Self::Silence => "silence",
            Self::Heard => "heard",
        }
    }
}

/// One thing that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The same whenever the same alert is delivered again.
    pub id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// The log.
    pub log: Origin,
    /// The channel, unless it is about the whole log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
    /// The entry that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<LeafIndex>,
    /// When it was logged, or else noticed.
    pub time: Timestamp,
    /// What happened. Text of others may be in it: whoever shows it escapes it.
    pub says: String,
}

impl Alert {
    /// An alert that is not about one channel.
    pub(super) fn new(log: &Origin, kind: AlertKind, time: Timestamp, says: impl Into<String>) -> Self {
        let alert = Self {
            id: String::new(),
            kind,
            log: log.clone(),
            channel: None,
            entry: None,
            time,
            says: says.into(),
        };
        alert.named()
    }

    /// The same about a channel.
    pub(super) fn on(self, channel: &ChannelName) -> Self {
        Self { channel: Some(channel.clone()), ..self }.named()
    }

    /// The same about an entry.
    pub(super) fn about(self, entry: LeafIndex) -> Self {
        Self { entry: Some(entry), ..self }.named()
    }

    fn named(self) -> Self {
        let text = |part: Option<String>| part.unwrap_or_default();
        let parts = [
            self.log.to_string(),
            self.kind.as_str().to_owned(),
            text(self.channel.as_ref().map(ToString::to_string)),
            text(self.entry.map(|entry| entry.to_string())),
            self.time.to_string(),
            self.says.clone(),
        ];
        let digest = Sha256Digest::of(parts.join("\n").as_bytes()).to_string();
        Self { id: digest.get(..32).unwrap_or(&digest).to_owned(), ..self }
    }
}
