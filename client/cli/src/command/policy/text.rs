//! The policy as people write it: the form of `policy show --format json`, where a length of time may also be written as `400d`.

use std::collections::BTreeMap;

use holdfast_formats::StrictMap;
use holdfast_formats::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::moment::parse_duration;

/// No policy that people wrote is larger.
const POLICY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What the name of every length of time ends with.
const DURATION: &str = "_s";
const UNITS: [(u64, char); 4] = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];

/// Any JSON; a key that is there twice is refused, as in every record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Json {
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Record(StrictMap<String, Json>),
}

/// The text that a person edits: lengths of time as they read them.
pub(super) fn written(policy: &Policy) -> anyhow::Result<Vec<u8>> {
    let json: Json = serde_json::from_slice(&serde_json::to_vec(policy)?)?;
    let readable = json.map_durations(&mut |name, value| match value {
        Json::Number(seconds) => Ok(Json::Text(shown(seconds))),
        other => Err(format!("{name} is {other:?}")),
    });
    let mut text = serde_json::to_vec_pretty(&readable.map_err(anyhow::Error::msg)?)?;
    text.push(b'\n');
    Ok(text)
}

/// The policy that a person wrote.
pub(super) fn read(text: &[u8]) -> Result<Policy, Failure> {
    let refused = |wrong: String| {
        Failure::usage(format!("the new policy is malformed: {wrong}")).with_hint(
            "`holdfast policy show --format json` shows the form; times may be written as 400d or 12h",
        )
    };
    if text.len() > POLICY_BYTES_MAX {
        return Err(refused(format!("it has more than {POLICY_BYTES_MAX} bytes")));
    }
    // What is no such JSON is told by whoever reads it strictly, who knows the place.
    let plain = match serde_json::from_slice::<Json>(text) {
        Ok(json) => {
            let json = json.map_durations(&mut |name, value| match value {
                Json::Text(text) => seconds(name, &text).map(Json::Number),
                other => Ok(other),
            });
            serde_json::to_vec(&json.map_err(refused)?).map_err(|error| refused(error.to_string()))?
        }
        Err(_) => text.to_owned(),
    };
    holdfast_formats::from_json(&plain, POLICY_BYTES_MAX).map_err(|wrong| refused(wrong.to_string()))
}

impl Json {
    /// The same with every length of time changed.
    fn map_durations(
        self,
        change: &mut impl FnMut(&str, Self) -> Result<Self, String>,
    ) -> Result<Self, String> {
        Ok(match self {
            Self::List(items) => Self::List(
                items.into_iter().map(|item| item.map_durations(change)).collect::<Result<_, _>>()?,
            ),
            Self::Record(fields) => {
                let fields: BTreeMap<String, Self> =
                    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let changed = fields.into_iter().map(|(name, value)| {
                    let is_record = matches!(value, Self::List(_) | Self::Record(_));
                    let value = if name.ends_with(DURATION) && !is_record {
                        change(&name, value)?
                    } else {
                        value.map_durations(change)?
                    };
                    Ok((name, value))
                });
                Self::Record(changed.collect::<Result<_, String>>()?)
            }
            plain => plain,
        })
    }
}

/// The longest unit of which it is a whole number: 400d rather than a year and a month.
pub(super) fn shown(seconds: u64) -> String {
    let whole = UNITS.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

fn seconds(name: &str, text: &str) -> Result<u64, String> {
    let wrong =
        |why: String| format!("{name} is '{text}', which is no length of time such as 400d or 12h: {why}");
    let duration = parse_duration(text).map_err(|error| wrong(error.to_string()))?;
    if duration.subsec_nanos() > 0 {
        return Err(wrong("it is no whole number of seconds".to_owned()));
    }
    Ok(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        for count in [0, 1, 59, 60, 3600, 86_400, 90_000, 400 * 86_400, 315_360_000] {
            assert_eq!(seconds("keep_s", &shown(count)), Ok(count), "{}", shown(count));
        }
        assert_eq!(shown(400 * 86_400), "400d");
        assert_eq!(seconds("keep_s", "2w"), Ok(14 * 86_400));
        assert!(seconds("keep_s", "soon").unwrap_err().contains("keep_s is 'soon'"));
        assert!(seconds("keep_s", "1500ms").is_err() && seconds("keep_s", "-1d").is_err());
    }

    #[test]
    fn only_lengths_of_time_are_read_so_and_no_key_is_taken_twice() {
        let read = |text: &str| {
            let json: Json = serde_json::from_str(text).ok()?;
            let json = json.map_durations(&mut |name, value| match value {
                Json::Text(text) => seconds(name, &text).map(Json::Number),
                other => Ok(other),
            });
            serde_json::to_string(&json.ok()?).ok()
        };
        let text = r#"{"a":[{"keep_s":"1d"},true],"name":"1d","keep_max_s":7}"#;
        assert_eq!(
            read(text).as_deref(),
            Some(r#"{"a":[{"keep_s":86400},true],"keep_max_s":7,"name":"1d"}"#)
        );
        assert_eq!(read(r#"{"keep_s":1,"keep_s":2}"#), None);
        assert_eq!(read(r#"{"windows":{"build":{"keep_s":"1d","keep_s":"2d"}}}"#), None);
    }
}
