//! What `status` says of channels: what is overdue there, and what they do not reach.

use holdfast_client::Registry;
use holdfast_formats::wire::v1::{ChannelSchedules, ScheduleQuery};
use holdfast_verify::schedules::concerns;

use crate::output::Line;

/// How many channels are shown at most.
const CHANNELS_MAX: usize = 1000;

/// The channels that this reader may read and where something is not as it should be; and whether there are more of them.
pub(crate) async fn channels(registry: &Registry) -> anyhow::Result<(Vec<ChannelSchedules>, bool)> {
    let mut query = ScheduleQuery { after: None, limit: None, all: None };
    let mut channels = Vec::new();
    loop {
        let list = registry.list_schedules(&query).await?;
        channels.extend(list.channels);
        match list.next {
            Some(_) if channels.len() > CHANNELS_MAX => break,
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let more = channels.len() > CHANNELS_MAX;
    channels.truncate(CHANNELS_MAX);
    Ok((channels, more))
}

/// A line for everything that is not as it should be, such as
/// `overdue    shop/prod: snapshot of shop/db, last 2026-11-20T03:00:00.000Z, every 1d, 3h late`.
pub(crate) fn lines(channels: &[ChannelSchedules], more: bool) -> impl Iterator<Item = Line> {
    let of_channel = |shown: &ChannelSchedules| {
        let said = concerns(shown).into_iter();
        let line =
            |(kind, what): (&str, String)| Line::caution(format!("  {kind:<10} {}: {what}", shown.channel));
        said.map(line).collect::<Vec<_>>()
    };
    let rest = more.then(|| Line::plain("             and more channels"));
    channels.iter().flat_map(of_channel).collect::<Vec<_>>().into_iter().chain(rest)
}
