//! Why a client refuses an answer: which check failed, in one sentence, and what kind of failure that is.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::{PinNumber, PolicyNumber, Seconds};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::ExitCode;

use super::plan::PlanError;
use crate::channel_head::HeadError;
use crate::consistency::ConsistencyError;
use crate::evidence::EvidenceError;
use crate::policy_chain::ChainError;
use crate::receipt::ReceiptError;
use crate::witness::WitnessError;

/// Why an answer is refused.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The answer is about another channel.
    #[error("the answer is about the channel {answered}, but {asked} was asked about")]
    OtherChannel {
        /// The channel asked about.
        asked: ChannelName,
        /// The channel answered.
        answered: ChannelName,
    },
    /// The chain of policies.
    #[error("the policies in the answer are not believed")]
    Policies(#[from] ChainError),
    /// The checkpoint.
    #[error("the answer's checkpoint is refused")]
    Checkpoint(#[source] ReceiptError),
    /// The checkpoint is older than a policy that the client knows.
    #[error(
        "the log shows {size} entries, but policy {policy} is known, which came later: the log was rolled back, or an old state is being shown"
    )]
    PolicyHidden {
        /// The size shown.
        size: TreeSize,
        /// The newest policy known.
        policy: PolicyNumber,
    },
    /// The channel head.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The head's newest entry is not the newest.
    #[error(
        "the channel head says that {} is the newest entry that touches the channel, but the answer shows {}, in a log of {size} entries",
        entry_words(*said), entry_words(*shown)
    )]
    NewestEntry {
        /// What the head says.
        said: Option<LeafIndex>,
        /// The newest that the answer shows.
        shown: Option<LeafIndex>,
        /// The size of the log.
        size: TreeSize,
    },
    /// Head and checkpoint are of different states.
    #[error(
        "the channel head is about a log of {head} entries, the checkpoint about one of {checkpoint} or another root: the answer mixes two states"
    )]
    MixedStates {
        /// The head's size.
        head: TreeSize,
        /// The checkpoint's size.
        checkpoint: TreeSize,
    },
    /// The log does not extend what was seen.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// The proof from the size last seen is missing or is from another size.
    #[error("the answer does not prove that the log extends the {seen} entries that were seen before")]
    ConsistencyMissing {
        /// The size last seen.
        seen: TreeSize,
    },
    /// Witnesses.
    #[error("the answer is not witnessed as trust.json asks")]
    Witness(#[from] WitnessError),
    /// One entry.
    #[error("{what} is refused")]
    Entry {
        /// What it was sent as.
        what: String,
        /// What is wrong with it.
        source: EvidenceError,
    },
    /// No rule covers the channel.
    #[error("no rule of the policy covers the channel {channel}, so nothing can be known-good there")]
    NoRule {
        /// The channel.
        channel: ChannelName,
    },
    /// Other lines than those asked about.
    #[error("the answer has the lines {answered}, but these were asked about: {asked}")]
    OtherLines {
        /// The lines that must answer.
        asked: String,
        /// The lines that did.
        answered: String,
    },
    /// `not` and `back` mean one line.
    #[error("the channel has {lines} lines: say which one `not` and `back` are about with `component`")]
    NeedsComponent {
        /// How many lines it has.
        lines: usize,
    },
    /// A line went backwards.
    #[error(
        "the answer says that pin {issued} is the newest of {line}, but pin {seen} was seen before: an old state is being shown"
    )]
    WentBack {
        /// The line.
        line: ArtifactName,
        /// The newest pin that the answer knows.
        issued: PinNumber,
        /// The newest pin seen before.
        seen: PinNumber,
    },
    /// The answered pin.
    #[error("pin {number} of {line} is no answer: {rule}")]
    Pin {
        /// The line.
        line: ArtifactName,
        /// The pin.
        number: PinNumber,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A newer pin was passed over without showing why.
    #[error("pin {number} of {line} was passed over, and the reason does not hold: {rule}")]
    PassedOver {
        /// The line.
        line: ArtifactName,
        /// The pin.
        number: PinNumber,
        /// What is wrong with the reason.
        rule: &'static str,
    },
    /// An artifact of the closure.
    #[error("{artifact}: {rule}")]
    Artifact {
        /// Which.
        artifact: ArtifactRef,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The deployments.
    #[error("the deployments in the answer are not those of this channel, newest first")]
    Deployments,
    /// `not=current`, and nothing shows what is current.
    #[error("the answer does not show what is deployed on the line {line}, so it cannot exclude it")]
    CurrentUnknown {
        /// The line.
        line: ArtifactName,
    },
    /// The way back cannot be made from the answer's manifests.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The way back is another than the manifests say.
    #[error("the plan in the answer is not the one that follows from its manifests and deployments")]
    OtherPlan,
    /// What is said of schedules and objectives.
    #[error("what the answer says of schedules and objectives is not believed: {rule}")]
    Schedules {
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A head that is too old.
    #[error(
        "the answer is of {time}, more than {max} s before this machine's time {now}: the registry is stale, or this clock is wrong"
    )]
    Stale {
        /// The head's time.
        time: Timestamp,
        /// The client's time.
        now: Timestamp,
        /// The age accepted, in seconds.
        max: Seconds,
    },
    /// A head from the future.
    #[error(
        "the answer is of {time}, more than {max} s after this machine's time {now}: one of the two clocks is wrong"
    )]
    Ahead {
        /// The head's time.
        time: Timestamp,
        /// The client's time.
        now: Timestamp,
        /// The difference accepted, in seconds.
        max: Seconds,
    },
    /// The answered pin has expired.
    #[error("pin {number} of {line} expired at {expires}; ask the registry again")]
    Expired {
        /// The line.
        line: ArtifactName,
        /// The pin.
        number: PinNumber,
        /// When.
        expires: Timestamp,
    },
}

impl AnswerError {
    /// What a process exits with.
    pub const fn exit(&self) -> ExitCode {
        match self {
            Self::OtherChannel { .. }
            | Self::Policies(_)
            | Self::Checkpoint(_)
            | Self::PolicyHidden { .. }
            | Self::Head(_)
            | Self::MixedStates { .. }
            | Self::NewestEntry { .. }
            | Self::Consistency(_)
            | Self::ConsistencyMissing { .. }
            | Self::Entry { .. }
            | Self::NoRule { .. }
            | Self::OtherLines { .. }
            | Self::WentBack { .. }
            | Self::Pin { .. }
            | Self::PassedOver { .. }
            | Self::Artifact { .. }
            | Self::Deployments
            | Self::CurrentUnknown { .. }
            | Self::OtherPlan
            | Self::Schedules { .. }
            | Self::Plan(PlanError::ManifestMissing { .. }) => ExitCode::Integrity,
            Self::Plan(PlanError::NeedNotMet { .. }) => ExitCode::NothingQualifies,
            Self::NeedsComponent { .. } => ExitCode::Usage,
            Self::Stale { .. } | Self::Ahead { .. } => ExitCode::Unreachable,
            Self::Witness(error) => error.exit(),
            Self::Expired { .. } => ExitCode::Ended,
        }
    }
}

fn entry_words(index: Option<LeafIndex>) -> String {
    index.map_or_else(|| "none".to_owned(), |index| format!("entry {index}"))
}
