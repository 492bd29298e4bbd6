//! Every line's question, answered by the registry and from the log.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::Artifact;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery};
use holdfast_verify::known_good::{KnownGoodAnswer, choose};

use super::{ATTEMPTS, Audit, Finding, FindingKind, chain};
use crate::error::ClientError;

/// A line's answer: the pin, the newest pin issued, and the artifact.
type Answered = (PinNumber, PinNumber, Artifact);

/// What follows from the log: the line's answer, and the newest entry that touches the channel.
type Followed = Option<(Option<Answered>, Option<LeafIndex>)>;

fn question(line: &ArtifactName) -> KnownGoodQuery {
    let component = Some(line.clone());
    KnownGoodQuery { component, not: None, at: None, back: None, min_size: None, policy: None }
}

impl Audit {
    /// Compares what is known-good on a line.
    pub(super) async fn compare_line(
        &mut self,
        channel: &ChannelName,
        line: &ArtifactName,
    ) -> Result<(), ClientError> {
        let query = question(line);
        for _ in 0..ATTEMPTS {
            match self.registry.known_good(channel, &query, None).await {
                Ok(lookup) => {
                    let answer = lookup.answer.into_inner();
                    let (size, root) = (answer.checkpoint.size(), answer.checkpoint.root());
                    self.catch_up(size).await?;
                    self.check_root(size, root);
                    // One that is of an earlier or later state than was judged is asked for again.
                    if self.replay().size() == size {
                        return self.compare_answer(channel, line, &answer).await;
                    }
                }
                Err(error) if matches!(error.exit(), ExitCode::NothingQualifies | ExitCode::NotFound) => {
                    return self.compare_nothing(channel, line, &error).await;
                }
                Err(error) if error.exit() == ExitCode::Integrity => {
                    let what = format!("the answer for {line} does not hold: {}", chain(&error));
                    self.passing.push(Finding::new(FindingKind::Untrue, what).in_channel(channel));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.notes.push(format!("{channel}: the log grew too fast for the answer for {line} to be compared"));
        Ok(())
    }

    async fn followed(
        &self,
        channel: &ChannelName,
        line: &ArtifactName,
        now: Timestamp,
    ) -> Result<Followed, ClientError> {
        let (channel, line) = (channel.clone(), line.clone());
        self.facts(move |facts| {
            // Why nothing qualifies does not matter here: the registry says the same, or gives an answer.
            let Ok(choice) = choose(facts, &channel, &question(&line), now) else { return Ok(None) };
            let chosen = choice.lines.iter().find(|chosen| chosen.name == line);
            let answered =
                chosen.map(|chosen| (chosen.pin.number, chosen.issued, chosen.artifact.artifact.clone()));
            Ok(Some((answered, choice.newest_entry)))
        })
        .await
    }

    async fn compare_answer(
        &mut self,
        channel: &ChannelName,
        line: &ArtifactName,
        answer: &KnownGoodAnswer,
    ) -> Result<(), ClientError> {
        let answered = answer.lines.iter().find(|answered| answered.name == *line);
        let answered = answered.map(|answered| (answered.number, answered.issued, answered.artifact.clone()));
        let followed = self.followed(channel, line, answer.head.time).await?;
        self.compared.known_good += 1;
        if let Some((_, newest)) = &followed
            && *newest != answer.head.newest_entry
        {
            let what = "the registry names another newest entry that touches the channel than its log has";
            let finding = Finding::new(FindingKind::Answer, what).in_channel(channel);
            self.passing.push(Finding { index: answer.head.newest_entry, ..finding });
        }
        let followed = followed.and_then(|(answered, _)| answered);
        if answered != followed {
            let (theirs, ours) = (show(answered.as_ref()), show(followed.as_ref()));
            let what = format!("the registry answers {theirs} for {line}, but {ours} follows from its log");
            self.differs(channel, what);
        }
        Ok(())
    }

    async fn compare_nothing(
        &mut self,
        channel: &ChannelName,
        line: &ArtifactName,
        error: &ClientError,
    ) -> Result<(), ClientError> {
        if !self.catch_up_to_now().await? {
            return Ok(());
        }
        self.compared.known_good += 1;
        let now = self.registry.now();
        if self.followed(channel, line, now).await?.is_some() {
            let what = format!("the registry has no answer for {line}, but its log has one ({error})");
            self.differs(channel, what);
        }
        Ok(())
    }
}

fn show(answered: Option<&Answered>) -> String {
    answered.map_or_else(
        || "nothing".to_owned(),
        |(number, _, artifact)| format!("pin {number}, {}", artifact.r#ref),
    )
}
