//! Comparing what the registry answers with what follows from its log.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery};
use holdfast_verify::known_good::{KnownGoodAnswer, choose};

use super::replay::Replay;
use crate::error::ClientError;
use crate::session::Registry;

impl Registry {
    /// Asks every line's question and answers it from the replayed log too.
    pub(super) async fn compare_channels(&self, mut replay: Replay) -> Result<Replay, ClientError> {
        for (channel, line) in replay.lines() {
            let query = KnownGoodQuery {
                component: Some(line.clone()),
                not: None,
                at: None,
                back: None,
                min_size: None,
                policy: None,
            };
            match self.known_good(&channel, &query, None).await {
                Ok(lookup) => {
                    let answer = lookup.answer.into_inner();
                    replay = self.replay_to(replay, answer.checkpoint.size()).await?;
                    replay.compare_root(answer.checkpoint.size(), answer.checkpoint.root());
                    compare_answer(&mut replay, &channel, &line, &query, &answer);
                }
                Err(error) if matches!(error.exit(), ExitCode::NothingQualifies | ExitCode::NotFound) => {
                    replay = self.replay_to(replay, self.sync().await?.size).await?;
                    let now = self.now();
                    if choose(replay.facts(), &channel, &query, now).is_ok() {
                        replay.find(None, format!("{channel}: the registry has no answer for {line}, but its log has one ({error})"));
                    }
                }
                Err(error) if error.exit() == ExitCode::Integrity => {
                    replay.find(
                        None,
                        format!("{channel}: the answer for {line} does not hold: {}", chain(&error)),
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(replay)
    }
}

fn compare_answer(
    replay: &mut Replay,
    channel: &ChannelName,
    line: &ArtifactName,
    query: &KnownGoodQuery,
    answer: &KnownGoodAnswer,
) {
    if replay.size() != answer.checkpoint.size() {
        // Another line's answer was of a later state; this one is compared by its proofs alone.
        return;
    }
    let answered = answer.lines.iter().find(|answered| answered.name == *line);
    let answered = answered.map(|answered| (answered.number, answered.issued, answered.artifact.clone()));
    let chosen = choose(replay.facts(), channel, query, answer.head.time);
    if let Ok(choice) = &chosen
        && choice.newest_entry != answer.head.newest_entry
    {
        let rule = "the registry names another newest entry that touches the channel than its log has";
        replay.find(answer.head.newest_entry, format!("{channel}: {rule}"));
    }
    let followed =
        chosen.as_ref().ok().and_then(|choice| choice.lines.iter().find(|chosen| chosen.name == *line));
    let followed =
        followed.map(|chosen| (chosen.pin.number, chosen.issued, chosen.artifact.artifact.clone()));
    if answered == followed {
        return;
    }
    let show = |pin: Option<_>| {
        pin.map_or_else(
            || "nothing".to_owned(),
            |(number, _, artifact): (_, _, holdfast_formats::statement::Artifact)| {
                format!("pin {number}, {}", artifact.r#ref)
            },
        )
    };
    replay.find(
        None,
        format!(
            "{channel}: the registry answers {} for {line}, but {} follows from its log",
            show(answered),
            show(followed)
        ),
    );
}

/// An error with everything that led to it.
fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
