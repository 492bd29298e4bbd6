//! Auditing: read the whole log, judge every entry again, and compare what follows with what the registry answers.
//!
//! Owns the order of an audit. The rules are the rule book's, the same code that the registry runs; facts are rebuilt from
//! entries and nothing else, and kept on disk, so that the next audit goes on where this one ended. Nothing that the
//! registry derived is believed.

mod compare;
mod decode;
mod error;
mod extends;
mod finding;
mod html;
mod kept;
mod published;
mod replay;
mod report;
mod source;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future;
use holdfast_formats::tree::TreeSize;
use holdfast_verify::facts::FactsError;
use holdfast_verify::ledger::Ledger;

use crate::blocking::OneThread;
use crate::error::ClientError;
use crate::progress::{Activity, Running};
use crate::session::Registry;
pub use error::AuditError;
pub use finding::{Finding, FindingKind};
pub use html::to_html;
use kept::{DiskTables, Kept, Opened};
use replay::Replay;
pub use report::{AuditReport, Compared, PolicyLine};
use source::{Commits, Groups, Objects, Source};

/// What is judged is made durable at least so often.
const DURABLE_EVERY: Duration = Duration::from_secs(2);

/// What is audited, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRequest {
    /// Where the log is read from: a folder, `s3://bucket/prefix` or `https://…`; the registry when nothing is said.
    pub store: Option<String>,
    /// Entries before this size are taken on trust: they are replayed for facts and roots, their signatures are not
    /// verified, and nothing about them is reported. Such an audit keeps nothing.
    pub from: Option<TreeSize>,
    /// Begins anew instead of going on from what is kept.
    pub fresh: bool,
    /// Does not ask the registry at all; the log must come from a store.
    pub offline: bool,
}

impl AuditRequest {
    /// The log as the registry hands it out, from where the last audit ended.
    pub const fn of_registry() -> Self {
        Self { store: None, from: None, fresh: false, offline: false }
    }

    /// The log as it lies in a store.
    pub fn of_store(location: impl Into<String>) -> Self {
        Self { store: Some(location.into()), ..Self::of_registry() }
    }
}

/// An audit under way.
struct Audit {
    registry: Registry,
    source: Source,
    kept: Arc<Kept>,
    /// Where all is judged and kept.
    judges: OneThread,
    /// Taken out while another thread judges.
    replay: Option<Replay>,
    /// Where it went on.
    resumed: TreeSize,
    from: TreeSize,
    durable: Option<Instant>,
    /// What is true of this moment only, and is looked for again by every audit.
    passing: Vec<Finding>,
    notes: Vec<String>,
    compared: Compared,
    /// How far the store's tiles are published.
    published: Option<TreeSize>,
}

impl Registry {
    /// Audits the log. Over the registry it needs a token that may read everything (`audit` and `read`).
    pub async fn audit(&self, request: &AuditRequest) -> Result<AuditReport, ClientError> {
        let mut audit = Audit::open(self, request).await?;
        let _running = Running::begin(self.progress(), Activity::Audit, 0);
        let follows = match audit.source.clone() {
            Source::Registry(_) => audit.read_from_registry().await?,
            Source::Store(commits) => audit.read_from_store(&commits).await?,
        };
        if request.offline {
            audit.compared.not_asked = Some("the audit was offline".to_owned());
        } else if follows {
            audit.compare().await?;
        }
        audit.finish().await
    }
}

impl Audit {
    async fn open(registry: &Registry, request: &AuditRequest) -> Result<Self, ClientError> {
        let source = match &request.store {
            Some(location) => Source::Store(Commits { objects: Objects::at(location)? }),
            None => Source::Registry(registry.clone()),
        };
        let name = if request.store.is_some() { "audit-store" } else { "audit" };
        let (path, fresh, from) = (registry.state().file(name), request.fresh, request.from);
        let judges = OneThread::start();
        let opened = judges.run(move || match from {
            Some(_) => Kept::scratch(path.parent().unwrap_or(&path)),
            None if fresh => Kept::fresh(&path),
            None => Kept::open(&path),
        });
        let Opened { kept, position, findings, discarded } = opened.await?;
        let resumed = position.size();
        let from = from.unwrap_or(TreeSize::ZERO);
        let mut notes = Vec::new();
        if let Some(why) = discarded {
            notes.push(format!("what was kept of an earlier audit was not whole and was put away: {why}"));
        }
        if from > TreeSize::ZERO {
            notes.push(format!(
                "the first {from} entries were taken on trust: no signature of theirs was verified, and nothing is reported about them"
            ));
        }
        Ok(Self {
            registry: registry.clone(),
            source,
            kept: Arc::new(kept),
            judges,
            replay: Some(Replay::new(registry.trust().clone(), from, position, findings)),
            resumed,
            from,
            durable: None,
            passing: Vec::new(),
            notes,
            compared: Compared::nothing(),
            published: None,
        })
    }

    fn replay(&self) -> &Replay {
        self.replay.as_ref().expect("it is out only while `advance` waits for it")
    }

    fn replay_mut(&mut self) -> &mut Replay {
        self.replay.as_mut().expect("it is out only while `advance` waits for it")
    }

    /// Judges entries: up to a size where a registry is asked, to its end where a store is read.
    async fn advance(&mut self, to: TreeSize) -> Result<(), ClientError> {
        let (source, from) = (self.source.clone(), self.from);
        let replay = self.replay();
        let mut groups = Groups::of(&source, replay.position(), to, replay.at_hand(), from);
        let mut next = groups.next().await;
        let mut tiles = Vec::new();
        loop {
            let group = match next {
                Ok(Some(group)) if !self.replay().is_stopped() => group,
                ended => {
                    let findings = self.check_tiles(tiles).await?;
                    self.keep(findings).await?;
                    self.replay_mut().require_known_rules()?;
                    return ended.map(drop);
                }
            };
            let before = self.replay().size();
            let durable = self.durable.is_none_or(|last| last.elapsed() >= DURABLE_EVERY);
            let (kept, replay) = (Arc::clone(&self.kept), self.replay.take());
            let judging = self.judges.run(move || {
                let mut replay = replay.expect("it is there whenever nobody judges");
                let outcome = replay.group(&kept, group, durable);
                (replay, outcome)
            });
            let checking = self.check_tiles(tiles);
            let ((replay, outcome), read, checked) = future::join3(judging, groups.next(), checking).await;
            self.replay = Some(replay);
            outcome?;
            if durable {
                self.durable = Some(Instant::now());
            }
            for finding in checked? {
                self.replay_mut().find(finding);
            }
            tiles = self.replay_mut().take_tiles();
            self.registry.progress().advance(self.replay().size().get() - before.get());
            next = read;
        }
    }

    /// Makes durable what was judged, and these findings with it.
    async fn keep(&mut self, findings: Vec<Finding>) -> Result<(), ClientError> {
        let (kept, replay) = (Arc::clone(&self.kept), self.replay.take());
        let keeping = self.judges.run(move || {
            let mut replay = replay.expect("it is there whenever nobody judges");
            for finding in findings {
                replay.find(finding);
            }
            let outcome = replay.keep(&kept);
            (replay, outcome)
        });
        let (replay, outcome) = keeping.await;
        self.replay = Some(replay);
        outcome
    }

    /// Asks the facts as they are now.
    async fn facts<R: Send + 'static>(
        &self,
        ask: impl for<'t> FnOnce(&Ledger<DiskTables<'t>>) -> Result<R, FactsError> + Send + 'static,
    ) -> Result<R, ClientError> {
        let kept = Arc::clone(&self.kept);
        let position = self.replay().position();
        let (size, time) = (position.size(), position.time);
        let asked = self.judges.run(move || {
            kept.look(|transaction| {
                let tables = transaction.tables();
                let answer = Ledger::open(&tables, size, time).and_then(|facts| ask(&facts));
                answer.map_err(|error| transaction.facts_failed(error))
            })
        });
        asked.await
    }
}

#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
