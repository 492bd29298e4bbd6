//! Opening a bundle: the header is believed first, so that no file is read that the answer does not name.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::KnownGoodQuery;

use super::check::{Known, check_answer};
use super::reader::Reader;
use super::{Bundle, BundleError};
use crate::blocking;
use crate::error::ClientError;
use crate::progress::{Activity, Progress, Quiet, Running};
use crate::session::Registry;

impl Registry {
    /// Opens a bundle by what is trusted here and what this machine saw of the log; asks nobody, remembers nothing.
    pub async fn open_bundle(&self, file: &Path) -> Result<Bundle, ClientError> {
        let (handle, file) = (self.clone(), file.to_owned());
        blocking::run(move || {
            let now = handle.now();
            open(&file, now, handle.progress(), |channel| handle.known_of(channel).map(Some))
        })
        .await
    }

    /// What this machine may compare an answer about a channel with.
    fn known_of(&self, channel: &ChannelName) -> Result<Known, ClientError> {
        let policies = self.policies_at_hand()?;
        let seen = match &policies {
            Some(chain) => self.seen_checkpoint(chain)?.map(|c| (c.size(), c.root())),
            None => None,
        };
        Ok(Known { trust: self.trust().clone(), policies, seen, issued: self.issued(channel)? })
    }
}

impl Bundle {
    /// Opens a bundle by the trust that it brings itself. Blocks.
    pub fn open_by_itself(file: &Path, now: Timestamp) -> Result<Self, ClientError> {
        open(file, now, &Quiet, |_| Ok(None))
    }

    /// Refuses a bundle that answers another question than this: what it says would be taken for something else.
    pub fn require_answer_to(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
    ) -> Result<(), ClientError> {
        let own = &self.query;
        let is_same = self.answer.get().channel == *channel
            && (&own.component, own.not, own.at, own.back)
                == (&query.component, query.not, query.at, query.back);
        if is_same {
            return Ok(());
        }
        Err(BundleError::OtherQuestion { path: self.path.clone(), answers: self.question() }.into())
    }

    /// Refuses a bundle whose head is older than that.
    pub fn require_age(&self, max: Duration) -> Result<(), ClientError> {
        let (age, time) = (self.age(), self.answer.get().head.time);
        if age <= max {
            return Ok(());
        }
        let (age, max) = (age.as_secs(), max.as_secs());
        let source = format!("the bundle is of {time}, {age} s ago, and at most {max} s are allowed");
        Err(ClientError::Stale { source: source.into() })
    }

    /// The question that it answers, as the command line writes it.
    pub fn question(&self) -> String {
        let mut words = self.answer.get().channel.to_string();
        let KnownGoodQuery { component, not, at, back, min_size: _, policy: _ } = &self.query;
        for (option, value) in [
            ("component", component.as_ref().map(ToString::to_string)),
            ("not", not.map(|not| not.to_string())),
            ("at", at.map(|at| at.to_string())),
            ("back", back.map(|back| back.to_string())),
        ] {
            if let Some(value) = value {
                words.extend([" --", option, " ", &value]);
            }
        }
        words
    }
}

fn open(
    path: &Path,
    now: Timestamp,
    progress: &dyn Progress,
    known: impl FnOnce(&ChannelName) -> Result<Option<Known>, ClientError>,
) -> Result<Bundle, ClientError> {
    let mut reader = Reader::open(path)?;
    let header = reader.header()?;
    let known = known(&header.channel)?;
    let trusted_by_itself = known.is_none();
    let known = known.unwrap_or_else(|| Known::nothing_but(header.trust.clone()));
    let answer = check_answer(path, &header, &known, now)?;
    let files = answer.get().closure.iter().flat_map(|artifact| &artifact.manifest.files);
    let wanted: BTreeMap<Blake3Digest, u64> = files.map(|f| (f.digests.blake3, f.size.get())).collect();
    let _running = Running::begin(progress, Activity::Hash, wanted.values().sum());
    let (file, places) = reader.files(&wanted, progress)?;
    Ok(Bundle {
        path: path.to_owned(),
        file,
        places,
        query: header.query,
        answer,
        opened: now,
        seen: known.seen.map(|(size, _)| size),
        trusted_by_itself,
    })
}
