//! One look at the log: everything that is asked, checked by the library as for everybody else.

use std::collections::VecDeque;

use holdfast_formats::name::ChannelName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{ExitCode, HistoryQuery, KnownGoodQuery};
use holdfast_verify::known_good::AnsweredLine;
use holdfast_verify::policy_chain::PolicyChain;
use std::sync::Arc;

use super::memory::Memory;
use super::{AlertKind, Monitor};
use crate::entries::HistoryEntry;
use crate::error::ClientError;

/// Entries asked for at a time.
const PAGE: u32 = 256;

/// What a look saw.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) size: TreeSize,
    pub(super) policies: Arc<PolicyChain>,
    pub(super) channels: Vec<ChannelSight>,
}

/// What it saw of one channel.
#[derive(Debug)]
pub(super) struct ChannelSight {
    pub(super) channel: ChannelName,
    /// What is known-good, by line; empty when nothing is.
    pub(super) lines: Vec<AnsweredLine>,
    /// When that was judged.
    pub(super) time: Timestamp,
    pub(super) news: News,
}

/// New entries that are alerts, oldest first, and how far was read.
#[derive(Debug)]
pub(super) struct News {
    pub(super) entries: VecDeque<HistoryEntry>,
    pub(super) next: LeafIndex,
}

impl Monitor {
    /// Looks at the log and at each channel.
    pub(super) async fn see(&self, memory: &Memory) -> Result<Sight, ClientError> {
        let size = self.registry.sync().await?.size;
        let mut channels = Vec::with_capacity(self.watch.channels.len());
        let mut room = memory.room();
        for channel in &self.watch.channels {
            let seen = self.see_channel(channel, memory, size, room).await?;
            room = room.saturating_sub(seen.news.entries.len());
            channels.push(seen);
        }
        Ok(Sight { size, policies: self.registry.policies().await?, channels })
    }

    async fn see_channel(
        &self,
        channel: &ChannelName,
        memory: &Memory,
        size: TreeSize,
        room: usize,
    ) -> Result<ChannelSight, ClientError> {
        // The answer first: what its head names as the newest entry must then be in the history.
        let (lines, time, newest) =
            match self.registry.known_good(channel, &KnownGoodQuery::EVERYTHING, None).await {
                Ok(lookup) => {
                    let answer = lookup.answer.into_inner();
                    (answer.lines, answer.head.time, answer.head.newest_entry)
                }
                // A channel of which nobody ever heard is more likely misspelt than about to begin.
                Err(error) if is_no_answer(&error, memory.channels.get(channel).is_some()) => {
                    (Vec::new(), self.registry.now(), None)
                }
                Err(error) => return Err(error),
            };
        let news = if let Some(known) = memory.channels.get(channel) {
            self.read_on(channel, known.next, newest, room).await?
        } else {
            // From here on; and whoever may not read the channel learns it now.
            self.registry.history(channel, &HistoryQuery { before: None, limit: Some(1) }).await?;
            News { entries: VecDeque::new(), next: size.next_index() }
        };
        Ok(ChannelSight { channel: channel.clone(), lines, time, news })
    }

    /// The oldest entries from `next` on, as many alerts as there is room for. The history comes newest first.
    async fn read_on(
        &self,
        channel: &ChannelName,
        next: LeafIndex,
        newest: Option<LeafIndex>,
        room: usize,
    ) -> Result<News, ClientError> {
        let mut news = News { entries: VecDeque::new(), next };
        let (mut before, mut last, mut is_shown) = (None, None::<LeafIndex>, newest.is_none_or(|n| n < next));
        loop {
            let page = self.registry.history(channel, &HistoryQuery { before, limit: Some(PAGE) }).await?;
            let is_end = page.entries.is_empty();
            for entry in page.entries {
                if last.is_some_and(|last| entry.index >= last) {
                    return Err(ClientError::malformed("history", "it does not go back entry by entry"));
                }
                if entry.index < next {
                    return checked(news, newest, is_shown);
                }
                is_shown |= Some(entry.index) == newest;
                if last.is_none() {
                    news.next = after(entry.index);
                }
                last = Some(entry.index);
                if AlertKind::of(&entry.statement.predicate).is_some() {
                    news.entries.push_front(entry);
                    if news.entries.len() > room {
                        // It comes again, once there is room.
                        news.next = news.entries.pop_back().map_or(next, |later| later.index);
                    }
                }
            }
            before = page.next;
            if is_end || before.is_none() {
                return checked(news, newest, is_shown);
            }
        }
    }
}

/// Whether the registry says that nothing is known-good: that none qualifies, or, of a channel that is followed already,
/// that there is nothing.
fn is_no_answer(error: &ClientError, is_followed: bool) -> bool {
    match error.exit() {
        ExitCode::NothingQualifies => true,
        ExitCode::NotFound => is_followed,
        _ => false,
    }
}

/// What the signed head names must have been shown.
pub(super) fn checked(news: News, newest: Option<LeafIndex>, is_shown: bool) -> Result<News, ClientError> {
    match newest {
        Some(newest) if !is_shown => Err(ClientError::untrue(
            "history",
            format!(
                "the signed head names entry {newest} as the channel's newest, and the history leaves it out"
            ),
        )),
        _ => Ok(news),
    }
}

fn after(index: LeafIndex) -> LeafIndex {
    index.checked_add(1).unwrap_or(index)
}
