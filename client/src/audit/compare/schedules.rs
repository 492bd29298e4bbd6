//! What the registry says is overdue or not reached in a channel, against what follows from its log.

use holdfast_formats::name::ChannelName;
use holdfast_formats::wire::v1::ChannelSchedules;
use holdfast_verify::facts::Facts as _;
use holdfast_verify::schedules::{Schedules, concerns};

use super::{ATTEMPTS, Audit};
use crate::error::ClientError;

impl Audit {
    /// What is due in a channel and what it should reach.
    pub(super) async fn compare_schedules(&mut self, channel: &ChannelName) -> Result<(), ClientError> {
        for _ in 0..ATTEMPTS {
            let told = match self.registry.schedules(channel).await {
                Ok(told) => told,
                Err(error) => return self.note_refused(channel, "schedules", error),
            };
            self.catch_up(told.size).await?;
            let ours = self.replay().size();
            if told.size > ours {
                let what =
                    format!("its schedules are told as of {} entries, but there are {ours}", told.size);
                self.differs(channel, what);
                return Ok(());
            }
            // One that is of an earlier state than was judged is asked for again.
            if told.size == ours {
                return self.compare_told(channel, told).await;
            }
        }
        self.notes.push(format!("{channel}: the log grew too fast for its schedules to be compared"));
        Ok(())
    }

    async fn compare_told(
        &mut self,
        channel: &ChannelName,
        told: ChannelSchedules,
    ) -> Result<(), ClientError> {
        if let Some(what) = self.wrong_time(told.time) {
            self.differs(channel, format!("its schedules: {what}"));
            return Ok(());
        }
        let (wanted, now) = (channel.clone(), told.time);
        let follows = self.facts(move |facts| match facts.policy()? {
            Some(in_force) => Schedules { facts, in_force: &in_force, now }.of(&wanted),
            None => Ok(None),
        });
        let follows = follows.await?;
        if follows.as_ref() != Some(&told) {
            let (theirs, ours) = (show(Some(&told)), show(follows.as_ref()));
            let what = format!(
                "the registry says of its schedules and objectives: {theirs}; but what follows from its log is: {ours}"
            );
            self.differs(channel, what);
        }
        Ok(())
    }
}

fn show(shown: Option<&ChannelSchedules>) -> String {
    let concerns = shown.map(concerns).unwrap_or_default();
    let words: Vec<String> = concerns.into_iter().map(|(kind, what)| format!("{kind} {what}")).collect();
    if words.is_empty() { "all is as it should be".to_owned() } else { words.join("; ") }
}
