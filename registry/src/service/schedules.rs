//! How channels stand with what is due in them and with what they should reach: shown to whoever may read the channel,
//! without what follows from artifacts that they may not read; and counted.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::wire::v1::{ChannelSchedules, ScheduleList, ScheduleQuery};
use holdfast_verify::facts::{Facts as _, PolicyFact};
use holdfast_verify::schedules::{Schedules, hide, is_as_it_should_be};
use tokio::time::Instant;

use super::{Failure, Identity, Service};
use crate::index::View;
use crate::log::Head;
use crate::telemetry::ScheduleCounts;
use holdfast_formats::time::Timestamp;

/// How many channels are looked at for one answer at most.
const LOOKED_AT_MAX: usize = 1024;
/// How many names of channels are read at once.
const PAGE: usize = 512;
/// How many channels one answer passes over at most because the reader may not read them.
const UNREAD_MAX: usize = 16 * 1024;
/// For how long the counts stand at least; and they take no more than a part of one in so many of the time.
const COUNTED_MS: u64 = 30_000;
const COUNTED_PART: u64 = 20;

/// Who looks: everybody who has the node's own keys, or a reader.
#[derive(Debug, Clone)]
enum Looking {
    Operator,
    As(Identity),
}

/// When the channels are to be counted again.
#[derive(Debug, Default)]
pub(super) struct Counting(tokio::sync::Mutex<u64>);

impl Service {
    /// How one channel stands.
    pub async fn schedules(&self, who: &Identity, channel: ChannelName) -> Result<ChannelSchedules, Failure> {
        self.require_channel(who, &channel)?;
        let (service, looking, now) = (self.clone(), Looking::As(who.clone()), self.judging_time());
        let answer = self.log().index().read(move |view| {
            let in_force = view.policy()?.ok_or_else(Failure::not_found)?;
            let schedules = Schedules { facts: view, in_force: &in_force, now };
            service.shown(schedules, &looking, &channel)?.ok_or_else(Failure::not_found)
        });
        answer.await
    }

    /// The channels that a reader may read and where something is not as it should be.
    pub async fn list_schedules(
        &self,
        who: &Identity,
        query: ScheduleQuery,
    ) -> Result<ScheduleList, Failure> {
        self.require_reader(who)?;
        self.page_of_schedules(Looking::As(who.clone()), query).await
    }

    /// The same of all channels, for whoever may work on this node.
    pub async fn operate_schedules(&self, query: ScheduleQuery) -> Result<ScheduleList, Failure> {
        self.page_of_schedules(Looking::Operator, query).await
    }

    /// Counts what is overdue and unmet, unless that was done just now or somebody is about it.
    pub async fn count_schedules(&self) {
        let Ok(mut next_ms) = self.inner.counting.0.try_lock() else { return };
        let now_ms = self.inner.clock.now_ms();
        if now_ms < *next_ms {
            return;
        }
        let (service, now, begun) = (self.clone(), self.judging_time(), Instant::now());
        let counted = self.log().index().scan(move |view| match view.policy()? {
            Some(in_force) => service.counts(view, &in_force, now),
            None => Ok(ScheduleCounts::default()),
        });
        match counted.await {
            Ok(counts) => self.metrics().schedules.stand(&counts),
            Err(error) => tracing::warn!(%error, "what is overdue could not be counted"),
        }
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        *next_ms = now_ms.saturating_add(COUNTED_MS.max(took_ms.saturating_mul(COUNTED_PART)));
    }

    fn counts(
        &self,
        view: &View<'_>,
        in_force: &PolicyFact,
        now: Timestamp,
    ) -> Result<ScheduleCounts, Failure> {
        let schedules = Schedules { facts: view, in_force, now };
        let (mut counts, mut after) = (ScheduleCounts::default(), None::<ChannelName>);
        loop {
            let page = schedules.channels(after.as_ref(), PAGE)?;
            let Some(last) = page.last().cloned() else { return Ok(counts) };
            after = Some(last);
            for channel in page {
                if let Some(shown) = self.shown(schedules, &Looking::Operator, &channel)? {
                    counts.add(&shown);
                }
            }
        }
    }

    async fn page_of_schedules(
        &self,
        looking: Looking,
        query: ScheduleQuery,
    ) -> Result<ScheduleList, Failure> {
        let (service, now) = (self.clone(), self.judging_time());
        let list = self.log().index().scan(move |view| match view.policy()? {
            Some(in_force) => {
                let schedules = Schedules { facts: view, in_force: &in_force, now };
                service.page(schedules, &looking, query)
            }
            None => Ok(ScheduleList { channels: Vec::new(), next: None }),
        });
        list.await
    }

    fn page(
        &self,
        schedules: Schedules<'_>,
        looking: &Looking,
        query: ScheduleQuery,
    ) -> Result<ScheduleList, Failure> {
        let limit = query.limit.map_or(LOOKED_AT_MAX, |n| usize::try_from(n).unwrap_or(LOOKED_AT_MAX));
        let mut left = limit.clamp(1, LOOKED_AT_MAX);
        let (mut unread, mut channels, mut after) = (UNREAD_MAX, Vec::new(), query.after);
        loop {
            let page = schedules.channels(after.as_ref(), PAGE)?;
            if page.is_empty() {
                return Ok(ScheduleList { channels, next: None });
            }
            for channel in page {
                let budget = if self.sees(looking, &channel) { &mut left } else { &mut unread };
                if *budget == 0 {
                    return Ok(ScheduleList { channels, next: after });
                }
                *budget -= 1;
                if self.sees(looking, &channel)
                    && let Some(shown) = self.shown(schedules, looking, &channel)?
                    && (query.all == Some(true) || !is_as_it_should_be(&shown))
                {
                    channels.push(shown);
                }
                after = Some(channel);
            }
        }
    }

    fn sees(&self, looking: &Looking, channel: &ChannelName) -> bool {
        match looking {
            Looking::Operator => true,
            Looking::As(who) => self.require_channel(who, channel).is_ok(),
        }
    }

    /// A channel as somebody may see it.
    fn shown(
        &self,
        schedules: Schedules<'_>,
        looking: &Looking,
        channel: &ChannelName,
    ) -> Result<Option<ChannelSchedules>, Failure> {
        let mut shown = schedules.of(channel)?;
        if let (Some(shown), Looking::As(who)) = (&mut shown, looking) {
            hide(shown, &|name: &ArtifactName| self.require_read(who, name).is_ok());
        }
        Ok(shown)
    }

    /// The time by which lookups judge expiry, and never one before the newest entry's.
    fn judging_time(&self) -> Timestamp {
        let head: &Head = &self.log().head();
        let seen = if self.inner.shared_store { head.seen() } else { self.now() };
        head.time().map_or(seen, |newest| newest.max(seen))
    }
}
