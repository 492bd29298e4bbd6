//! Looks back through a channel's history for what a new statement must name: the deployment it continues, the freeze it
//! ends, the pin it goes by.

use holdfast_client::{HistoryEntry, Registry};
use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::{Artifact, Deploy, Pin, Predicate};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::HistoryQuery;

/// Entries asked for at a time.
const PAGE: u32 = 200;
/// Older entries than this many pages are not looked at: what a person continues or ends is recent.
const PAGES_MAX: usize = 25;

/// What one look back found.
#[derive(Debug)]
pub(crate) struct Recent(Vec<HistoryEntry>);

impl Recent {
    /// Reads the history, newest first, until an entry is enough.
    pub(crate) async fn read(
        registry: &Registry,
        channel: &ChannelName,
        enough: impl Fn(&HistoryEntry) -> bool,
    ) -> anyhow::Result<Self> {
        let mut entries = Vec::new();
        let mut before = None;
        for _ in 0..PAGES_MAX {
            let page = registry.history(channel, &HistoryQuery { before, limit: Some(PAGE) }).await?;
            let found = page.entries.iter().any(&enough);
            entries.extend(page.entries);
            before = page.next;
            if found || before.is_none() {
                break;
            }
        }
        Ok(Self(entries))
    }

    /// All entries that were read, newest first.
    pub(crate) fn entries(&self) -> &[HistoryEntry] {
        &self.0
    }

    /// The deployments, newest first.
    pub(crate) fn deploys(&self) -> impl Iterator<Item = (LeafIndex, &Deploy)> {
        self.0.iter().filter_map(|entry| match &entry.statement.predicate {
            Predicate::Deploy(deploy) => Some((entry.index, deploy.as_ref())),
            _ => None,
        })
    }

    /// The newest pin of an artifact.
    pub(crate) fn pin_of(&self, artifact: &Artifact) -> Option<LeafIndex> {
        self.0.iter().find(|entry| is_pin_of(entry, artifact)).map(|entry| entry.index)
    }
}

/// Whether an entry pins an artifact.
pub(crate) fn is_pin_of(entry: &HistoryEntry, artifact: &Artifact) -> bool {
    matches!(&entry.statement.predicate, Predicate::Pin(pin) if is_of(pin, artifact))
}

/// Whether an entry deploys some version of an artifact's name.
pub(crate) fn is_deploy_of(entry: &HistoryEntry, artifact: &Artifact) -> bool {
    matches!(&entry.statement.predicate, Predicate::Deploy(d) if d.artifact.r#ref.name() == artifact.r#ref.name())
}

fn is_of(pin: &Pin, artifact: &Artifact) -> bool {
    pin.artifact == *artifact
}

#[cfg(test)]
pub(super) mod tests {
    use holdfast_formats::statement::{Header, Statement};
    use holdfast_formats::time::Timestamp;

    use super::*;

    /// A history of these predicates, the newest first; the oldest is entry 0.
    pub(crate) fn recent_of(predicates: Vec<Predicate>) -> Recent {
        let count = predicates.len() as u64;
        let header = Header {
            log: "log.example/test".parse().unwrap(),
            id: holdfast_client::new_id(),
            issued_at: Timestamp::from_ms(0),
            not_after: Timestamp::from_ms(0),
            context: None,
            annotations: None,
        };
        let entries = predicates.into_iter().zip((0..count).rev()).map(|(predicate, index)| HistoryEntry {
            index: LeafIndex::new(index).unwrap(),
            time: Timestamp::from_ms(index),
            statement: Statement { subject: Vec::new(), header: header.clone(), predicate },
            signers: Vec::new(),
        });
        Recent(entries.collect())
    }
}
