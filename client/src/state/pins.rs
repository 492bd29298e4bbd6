//! The newest pin issued on each line, as verified heads said it. It only ever grows.

use holdfast_formats::StrictMap;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;

use super::{Lock, State};
use crate::error::ClientError;

const FILE: &str = "pins.json";

/// Newest pins by channel and line.
pub(crate) type IssuedPins = StrictMap<ChannelName, StrictMap<ArtifactName, PinNumber>>;

impl State {
    /// The newest pins that were seen.
    pub(crate) fn issued_pins(&self) -> Result<IssuedPins, ClientError> {
        Ok(self.read(FILE)?.unwrap_or_else(StrictMap::empty))
    }

    /// Remembers what a verified head said of a channel. A lower number than before is not taken.
    pub(crate) fn keep_issued(
        &self,
        _: &Lock,
        channel: &ChannelName,
        lines: impl IntoIterator<Item = (ArtifactName, PinNumber)>,
    ) -> Result<(), ClientError> {
        let mut all = self.issued_pins()?;
        let mut own = all.get(channel).cloned().unwrap_or_else(StrictMap::empty);
        for (name, number) in lines {
            let newest = own.get(&name).map_or(number, |seen| number.max(*seen));
            own.insert(name, newest);
        }
        all.insert(channel.clone(), own);
        self.write(FILE, &all)
    }
}
