//! What a lookup came to, with everything that an answer must prove, and why it came to nothing.

use std::collections::BTreeMap;

use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{PassReason, PlanStep, ProblemCode};

use super::needs::check_needs;
use super::plan::{PlanError, WayBack, plan};
use super::{BACK_MAX, PASSED_OVER_MAX};
use crate::facts::{ArtifactFact, DeployFact, FactsError, PinFact};

/// What is known-good in a channel now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The channel.
    pub channel: ChannelName,
    /// Whether every line of the channel was asked about, not just one of them.
    pub whole: bool,
    /// The newest entry that touches the channel.
    pub newest_entry: Option<LeafIndex>,
    /// The lines, by name.
    pub lines: Vec<ChosenLine>,
}

/// What is known-good on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenLine {
    /// The artifact name.
    pub name: ArtifactName,
    /// The newest pin issued.
    pub issued: PinNumber,
    /// The pin that is the answer.
    pub pin: PinFact,
    /// What it names.
    pub artifact: ArtifactFact,
    /// Every held artifact that it is made of, in its manifest's order.
    pub components: Vec<ArtifactFact>,
    /// The newer pins, newest first.
    pub passed_over: Vec<PassedPin>,
    /// The line's newest deployment, of any phase.
    pub current: Option<DeployFact>,
    /// What was deployed since the target was, newest first, each artifact once.
    pub undone: Vec<UndoneRelease>,
    /// The target's own newest deployment.
    pub deployed: Option<DeployFact>,
}

/// A newer pin that is not the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedPin {
    /// The pin.
    pub pin: PinFact,
    /// Why.
    pub reason: PassReason,
    /// The entry that ended it; `None` where the pin itself or the query says it.
    pub ended_by: Option<LeafIndex>,
    /// When more than the pin itself shows it: the artifacts whose `publish` does, such as the release that contains what
    /// was denied.
    pub within: Vec<ArtifactFact>,
}

/// Something deployed after the target, which the way back undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneRelease {
    /// Its newest deployment on the line.
    pub deploy: DeployFact,
    /// What was deployed.
    pub artifact: ArtifactFact,
}

impl ChosenLine {
    /// The way back on this line.
    pub fn way_back(&self) -> WayBack<'_> {
        WayBack {
            line: &self.name,
            target: &self.artifact.artifact,
            components: self.components.iter().map(|fact| &fact.artifact).collect(),
            undone: self.undone.iter().map(|undone| &undone.artifact.artifact).collect(),
        }
    }

    fn artifacts(&self) -> impl Iterator<Item = &ArtifactFact> {
        let undone = self.undone.iter().map(|undone| &undone.artifact);
        let within = self.passed_over.iter().flat_map(|passed| &passed.within);
        std::iter::once(&self.artifact).chain(&self.components).chain(undone).chain(within)
    }

    fn deploys(&self) -> impl Iterator<Item = &DeployFact> {
        let undone = self.undone.iter().map(|undone| &undone.deploy);
        self.current.iter().chain(undone).chain(&self.deployed)
    }
}

impl Choice {
    /// Every artifact that an answer must show with manifest, `publish` and scrub: by reference, each once.
    pub fn artifacts(&self) -> Vec<&ArtifactFact> {
        let all = self.lines.iter().flat_map(ChosenLine::artifacts);
        let unique: BTreeMap<&ArtifactRef, &ArtifactFact> =
            all.map(|fact| (&fact.artifact.r#ref, fact)).collect();
        unique.into_values().collect()
    }

    /// Every deployment that an answer must show: newest first, each once.
    pub fn deploys(&self) -> Vec<&DeployFact> {
        let all = self.lines.iter().flat_map(ChosenLine::deploys);
        let unique: BTreeMap<LeafIndex, &DeployFact> = all.map(|deploy| (deploy.index, deploy)).collect();
        unique.into_values().rev().collect()
    }

    /// Every step of the way back; when the whole channel was asked about, everything declared as needed must be there.
    pub fn plan<'m>(
        &self,
        manifest_of: &dyn Fn(&Artifact) -> Option<&'m Manifest>,
    ) -> Result<Vec<PlanStep>, PlanError> {
        let ways: Vec<WayBack<'_>> = self.lines.iter().map(ChosenLine::way_back).collect();
        if self.whole {
            check_needs(&ways, manifest_of)?;
        }
        plan(&ways, manifest_of)
    }
}

/// Why a lookup has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// The facts could not be read, or contradict each other.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// No rule of the policy covers the channel, or nothing was ever pinned there.
    #[error(
        "there is no channel {channel}: no policy names it and nothing was ever pinned there; pin something or check the name"
    )]
    ChannelUnknown {
        /// The channel asked for.
        channel: ChannelName,
    },
    /// The channel has no such line.
    #[error("{channel} has no line {line}; ask for one of its lines or leave `component` out")]
    LineUnknown {
        /// The channel.
        channel: ChannelName,
        /// The line asked for.
        line: ArtifactName,
    },
    /// The channel exists, and no pin of a line qualifies.
    #[error("nothing qualifies on the line {line} of {channel}: {}", passed_words(passed_over))]
    NothingQualifies {
        /// The channel.
        channel: ChannelName,
        /// The line without an answer.
        line: ArtifactName,
        /// Every pin of the line, newest first, with what is against it.
        passed_over: Vec<PassedPin>,
    },
    /// `not` and `back` mean one line.
    #[error("{channel} has {lines} lines: say which one `not` and `back` are about with `component`")]
    NeedsComponent {
        /// The channel.
        channel: ChannelName,
        /// How many lines it has.
        lines: usize,
    },
    /// `not=current` where nothing was deployed.
    #[error(
        "no deployment was ever reported on the line {line}, so nobody knows what is current; exclude it by digest, or report deployments with `holdfast deploy`"
    )]
    CurrentUnknown {
        /// The line.
        line: ArtifactName,
    },
    /// `back` is out of bounds.
    #[error("`back` is at most {BACK_MAX}; name an earlier time with `at` instead")]
    BackTooFar,
    /// More newer pins than one answer can prove.
    #[error(
        "more than {PASSED_OVER_MAX} newer pins of the line {line} would have to be passed over; pin the good version again"
    )]
    TooManyPassedOver {
        /// The line.
        line: ArtifactName,
    },
    /// More deployments since the target than one answer can prove.
    #[error("too much was deployed on the line {line} since {target}; go back to a nearer version")]
    TooManyDeploys {
        /// The line.
        line: ArtifactName,
        /// The artifact to go back to.
        target: ArtifactRef,
    },
}

impl ChooseError {
    /// The code that goes with it.
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Facts(_) => ProblemCode::Internal,
            Self::ChannelUnknown { .. } | Self::LineUnknown { .. } => ProblemCode::NotFound,
            Self::NothingQualifies { .. }
            | Self::CurrentUnknown { .. }
            | Self::TooManyPassedOver { .. }
            | Self::TooManyDeploys { .. } => ProblemCode::NothingQualifies,
            Self::NeedsComponent { .. } | Self::BackTooFar => ProblemCode::Malformed,
        }
    }
}

/// The newest few reasons, in words.
fn passed_words(passed_over: &[PassedPin]) -> String {
    if passed_over.is_empty() {
        return "it has no pins yet".to_owned();
    }
    let shown = passed_over.iter().take(5);
    let mut words: Vec<String> = shown
        .map(|p| format!("pin {} ({}) is {}", p.pin.number, p.pin.artifact.r#ref, why(p.reason)))
        .collect();
    if let Some(more) = passed_over.len().checked_sub(5).filter(|more| *more > 0) {
        words.push(format!("and {more} older ones do not qualify either"));
    }
    words.join(", ")
}

/// A reason, as the end of a sentence about a pin.
const fn why(reason: PassReason) -> &'static str {
    match reason {
        PassReason::Denied => "denied",
        PassReason::ScrubFailed => "not intact",
        PassReason::Expired => "expired",
        PassReason::Distrusted => "signed by a key that is no longer trusted",
        PassReason::Ended => "ended",
        PassReason::Excluded => "excluded by the query",
        PassReason::TooNew => "newer than the query's time",
        PassReason::SteppedBack => "stepped back over",
    }
}
