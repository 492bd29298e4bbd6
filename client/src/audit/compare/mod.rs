//! Comparing what the registry answers with what follows from its log: every line's known-good, what touched each channel
//! last, whether its newest pins may be deployed, what is overdue there, denies, grants, and the windows of artifacts.

mod known_good;
mod listed;
mod schedules;
mod windows;

use holdfast_formats::name::ChannelName;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::ExitCode;

use super::Audit;
use super::finding::{Finding, FindingKind};
use crate::error::ClientError;

/// Channels that are asked of the facts at a time.
const CHANNELS: usize = 1024;
/// How often an answer is asked for again, when the log grew while it was compared.
const ATTEMPTS: u32 = 3;

impl Audit {
    /// Asks the registry everything that follows from its log. One that does not answer is noted, unless the log came from
    /// it.
    pub(super) async fn compare(&mut self) -> Result<(), ClientError> {
        let is_store = matches!(self.source, super::Source::Store(_));
        match self.compare_all().await {
            Err(error) if is_store && says_nothing(&error) => {
                let why = chain(&error);
                self.notes.push(format!("the registry was not compared to the end: {why}"));
                self.compared.not_asked = Some(why);
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn compare_all(&mut self) -> Result<(), ClientError> {
        let Some(view) = self.view().await? else { return Ok(()) };
        self.compared.registry = Some(self.registry.url());
        self.catch_up(view.size).await?;
        self.check_root(view.size, view.root);
        let mut after: Option<ChannelName> = None;
        loop {
            let behind = after.clone();
            let channels = self.facts(move |facts| facts.channels(behind.as_ref(), CHANNELS)).await?;
            let Some(last) = channels.last().cloned() else { break };
            for channel in channels {
                self.compare_channel(&channel).await?;
            }
            after = Some(last);
        }
        self.compare_denies().await?;
        self.compare_grants().await?;
        Box::pin(self.compare_windows()).await
    }

    async fn compare_channel(&mut self, channel: &ChannelName) -> Result<(), ClientError> {
        let wanted = channel.clone();
        let lines = self.facts(move |facts| holdfast_verify::facts::Facts::lines(facts, &wanted)).await?;
        for line in lines {
            self.compare_line(channel, &line).await?;
            self.compare_gate(channel, &line).await?;
        }
        self.compare_history(channel).await?;
        self.compare_schedules(channel).await?;
        self.compared.channels += 1;
        Ok(())
    }

    /// Judges what was logged in the meantime, up to what an answer is about.
    async fn catch_up(&mut self, size: TreeSize) -> Result<(), ClientError> {
        if self.replay().size() < size && !self.replay().is_stopped() {
            self.advance(size).await?;
        }
        Ok(())
    }

    /// Follows the log as far as it is now; false when it is not one log any more, which is a finding.
    async fn catch_up_to_now(&mut self) -> Result<bool, ClientError> {
        let Some(view) = self.view().await? else { return Ok(false) };
        self.catch_up(view.size).await?;
        Ok(true)
    }

    fn differs(&mut self, channel: &ChannelName, what: String) {
        self.passing.push(Finding::new(FindingKind::Answer, what).in_channel(channel));
    }
}

/// Whether the registry did not answer, or not this caller: what was read from a store stands without it.
fn says_nothing(error: &ClientError) -> bool {
    matches!(error.exit(), ExitCode::Unreachable | ExitCode::NotFound | ExitCode::Refused)
}

/// An error with everything that led to it.
pub(super) fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
