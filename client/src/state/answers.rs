//! The last verified answer for each question, for times when the registry is down.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{KnownGood, KnownGoodQuery};
use serde::{Deserialize, Serialize};

use super::{Lock, State};
use crate::error::ClientError;

/// An answer and when it was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remembered {
    /// When.
    pub(crate) at: Timestamp,
    /// The question, as it was sent.
    pub(crate) query: KnownGoodQuery,
    /// The answer, as it was received.
    pub(crate) answer: KnownGood,
}

impl State {
    /// The last verified answer to a question.
    pub(crate) fn answer(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
    ) -> Result<Option<Remembered>, ClientError> {
        self.read(&file_of(channel, query))
    }

    /// Remembers a verified answer.
    pub(crate) fn keep_answer(
        &self,
        _: &Lock,
        channel: &ChannelName,
        remembered: &Remembered,
    ) -> Result<(), ClientError> {
        self.write(&file_of(channel, &remembered.query), remembered)
    }
}

/// One file a question. What the client knew when it asked is not part of the question.
fn file_of(channel: &ChannelName, query: &KnownGoodQuery) -> String {
    let KnownGoodQuery { component, not, at, back, min_size: _, policy: _ } = query;
    let text = |field: Option<String>| field.unwrap_or_default();
    let question = [
        channel.to_string(),
        text(component.as_ref().map(ToString::to_string)),
        text(not.map(|n| n.to_string())),
        text(at.map(|t| t.to_string())),
        text(back.map(|b| b.to_string())),
    ];
    format!("answers/{}.json", Sha256Digest::of(question.join("\n").as_bytes()))
}
