//! Channels: their history, and whether something may go there.

use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::{Gate, GateQuery, History, HistoryQuery, ProblemCode};
use holdfast_verify::gate::gate;

use super::{Failure, Identity, Service};

/// How many entries one answer brings at most.
const HISTORY_MAX: usize = 256;

impl Service {
    /// The entries that touch a channel, newest first.
    pub async fn history(
        &self,
        who: &Identity,
        channel: ChannelName,
        query: &HistoryQuery,
    ) -> Result<History, Failure> {
        self.require_channel(who, &channel)?;
        let limit =
            query.limit.map_or(50, |n| usize::try_from(n).unwrap_or(HISTORY_MAX)).clamp(1, HISTORY_MAX);
        let (wanted, before) = (channel.clone(), query.before);
        let indices = self
            .log()
            .index()
            .read(move |view| view.touching(&wanted, before, limit).map_err(Failure::from))
            .await?;
        let next = if indices.len() == limit { indices.last().copied() } else { None };
        let (entries, grants) = self.entries_with_grants(indices).await?;
        Ok(History { channel, entries, grants, next })
    }

    /// Whether an artifact may be deployed to a channel now.
    pub async fn gate(
        &self,
        who: &Identity,
        channel: ChannelName,
        query: &GateQuery,
    ) -> Result<Gate, Failure> {
        self.require_channel(who, &channel)?;
        let fact = match &query.r#ref {
            Reference::Channel(_) => {
                return Err(Failure::new(
                    ProblemCode::Malformed,
                    "name one artifact, as ns/name@version or ns/name@blake3:…",
                ));
            }
            reference => self.find(who, reference).await?,
        };
        let (now, wanted) = (self.now(), channel.clone());
        let artifact = fact.artifact.r#ref.clone();
        let reasons = self
            .log()
            .index()
            .read(move |view| gate(view, &wanted, &artifact, now).map_err(Failure::from))
            .await?;
        let words = reasons.iter().filter_map(|reason| reason.to_string().parse().ok()).collect();
        Ok(Gate { channel, artifact: fact.artifact.r#ref, allowed: reasons.is_empty(), reasons: words })
    }
}
