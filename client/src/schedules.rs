//! What is due in channels and what they should reach, as the registry says. Unverified, for people and monitors to look at: an
//! audit compares it with what follows from the log, and a known-good answer brings its channel's own, checked against policy.

use holdfast_formats::name::ChannelName;
use holdfast_formats::wire::v1::{ChannelSchedules, ScheduleList, ScheduleQuery};

use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry, SMALL_ANSWER_MAX};
use crate::transport::query_string;

impl Registry {
    /// How one channel stands.
    pub async fn schedules(&self, channel: &ChannelName) -> Result<ChannelSchedules, ClientError> {
        let path = format!("/v1/channels/{channel}/schedules");
        let shown: ChannelSchedules = self.transport().get(&path, "schedules", SMALL_ANSWER_MAX).await?;
        if shown.channel == *channel {
            return Ok(shown);
        }
        Err(ClientError::malformed("schedules", "they are of another channel"))
    }

    /// The channels where something is overdue or not known to be reached, a page of them.
    pub async fn list_schedules(&self, query: &ScheduleQuery) -> Result<ScheduleList, ClientError> {
        let path = format!("/v1/schedules{}", query_string(query)?);
        let list: ScheduleList = self.transport().get(&path, "list of schedules", LARGE_ANSWER_MAX).await?;
        if list.next.is_some() && list.next <= query.after {
            return Err(ClientError::malformed("list of schedules", "it does not go on"));
        }
        Ok(list)
    }
}
