//! A channel head: how fresh a lookup is, and how far each line has come; text that a head key signs as a note.
//!
//! ```text
//! holdfast/channel-head/v1
//! <origin>
//! <channel>
//! <tree size>
//! <root, base64>
//! <time>
//! <newest entry that touches the channel, or ->
//! line <artifact name> <newest pin issued> <pin answered, or ->
//! ```

use std::fmt;
use std::str::FromStr;

use crate::name::{ArtifactName, ChannelName};
use crate::number::PinNumber;
use crate::origin::Origin;
use crate::text::TextError;
use crate::time::Timestamp;
use crate::tree::{LeafIndex, TreeHash, TreeSize};

const FIRST_LINE: &str = "holdfast/channel-head/v1";

/// How far one line has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadLine {
    /// The artifact name.
    pub name: ArtifactName,
    /// The newest pin issued.
    pub issued: PinNumber,
    /// The pin answered; `None` when no pin qualifies.
    pub answered: Option<PinNumber>,
}

/// What a head key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelHead {
    /// The log.
    pub origin: Origin,
    /// The channel.
    pub channel: ChannelName,
    /// The tree size that the lookup was answered from.
    pub size: TreeSize,
    /// The root at that size.
    pub root: TreeHash,
    /// When the node last saw the next commit slot empty.
    pub time: Timestamp,
    /// The newest entry that touches the channel.
    pub newest_entry: Option<LeafIndex>,
    /// The lines asked about, by name.
    pub lines: Vec<HeadLine>,
}

/// Why a text is no channel head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelHeadError {
    /// Not the lines wanted.
    #[error("the channel head is malformed: {0}")]
    Malformed(&'static str),
    /// One of its values is malformed.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl fmt::Display for ChannelHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{FIRST_LINE}\n{}\n{}\n{}\n{}\n{}",
            self.origin, self.channel, self.size, self.root, self.time
        )?;
        match self.newest_entry {
            Some(index) => writeln!(f, "{index}")?,
            None => writeln!(f, "-")?,
        }
        for line in &self.lines {
            match line.answered {
                Some(answered) => writeln!(f, "line {} {} {answered}", line.name, line.issued)?,
                None => writeln!(f, "line {} {} -", line.name, line.issued)?,
            }
        }
        Ok(())
    }
}

impl FromStr for ChannelHead {
    type Err = ChannelHeadError;
    fn from_str(text: &str) -> Result<Self, ChannelHeadError> {
        let wrong = ChannelHeadError::Malformed;
        let mut lines = text.lines();
        let mut next = || lines.next().ok_or(wrong("it is cut short"));
        if next()? != FIRST_LINE {
            return Err(wrong("it does not begin with holdfast/channel-head/v1"));
        }
        let head = Self {
            origin: next()?.parse()?,
            channel: next()?.parse()?,
            size: TreeSize::new(decimal(next()?)?).map_err(|_| wrong("its tree size is too large"))?,
            root: next()?.parse().map_err(|_| wrong("its root is not a tree hash"))?,
            time: next()?.parse()?,
            newest_entry: match next()? {
                "-" => None,
                index => Some(
                    LeafIndex::new(decimal(index)?).map_err(|_| wrong("its newest entry is too large"))?,
                ),
            },
            lines: lines.map(parse_line).collect::<Result<_, _>>()?,
        };
        if head.to_string() == text { Ok(head) } else { Err(wrong("it is not in its one canonical form")) }
    }
}

fn parse_line(line: &str) -> Result<HeadLine, ChannelHeadError> {
    let wrong = ChannelHeadError::Malformed("a line is not 'line <name> <issued> <answered>'");
    let mut words = line.split(' ');
    let (Some("line"), Some(name), Some(issued), Some(answered), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong);
    };
    let number = |text: &str| PinNumber::new(decimal(text)?).map_err(|_| wrong.clone());
    let answered = if answered == "-" { None } else { Some(number(answered)?) };
    Ok(HeadLine { name: name.parse()?, issued: number(issued)?, answered })
}

fn decimal(text: &str) -> Result<u64, ChannelHeadError> {
    text.parse().map_err(|_| ChannelHeadError::Malformed("a number is not decimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_text_and_other_texts_are_refused() {
        let head = ChannelHead {
            origin: "example/log".parse().unwrap(),
            channel: "shop/prod".parse().unwrap(),
            size: TreeSize::new(7).unwrap(),
            root: TreeHash::empty(),
            time: Timestamp::from_ms(1_795_000_000_000),
            newest_entry: Some(LeafIndex::new(6).unwrap()),
            lines: vec![HeadLine {
                name: "shop/web".parse().unwrap(),
                issued: PinNumber::new(3).unwrap(),
                answered: None,
            }],
        };
        let text = head.to_string();
        assert_eq!(text.parse(), Ok(head));
        for wrong in [
            text.replace("\n7\n", "\n07\n"),
            text.replace("line ", "line  "),
            text.replace("/v1", "/v2"),
            text.trim_end().to_owned(),
        ] {
            assert!(wrong.parse::<ChannelHead>().is_err(), "{wrong}");
        }
    }
}
