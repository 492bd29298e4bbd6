//! The sequencer: one task that appends batch after batch, and follows what other nodes append. It works on the index,
//! so it runs where it may block.

use std::sync::Arc;
use std::time::Duration;

use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::LogParts;
use super::append::{AppendError, Expecting, Pending};
use super::batch::{Batch, BatchError, judge_batch};
use super::decode::DecodedCommit;
use super::entries::Entries;
use super::head::{Halt, Head};
use super::keyring::Keyring;
use super::read_ahead;
use super::replay::{self, ReplayError, Replayed};
use super::slot::{Claim, claim};
use super::store_clock::StoreClock;
use crate::index::{Refused, Writer};

/// How many submissions one commit takes at most: with 64 KiB leaves it stays a small object.
const BATCH_ENTRIES_MAX: usize = 256;
/// What the attachments of one commit take at most, unless it has one entry: who replays it holds all of them.
const BATCH_ATTACHED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a commit waits for statements that are nearly ready: it costs the same for one and for many.
const GATHER_MAX: Duration = Duration::from_millis(2);
/// How often a store that other nodes share is asked for their commits.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Sequencer {
    parts: LogParts,
    writer: Writer,
    head: Arc<Head>,
    publish: watch::Sender<Arc<Head>>,
    entries: Entries,
    expecting: Expecting,
    /// The newest publish that this process did not log itself since it started.
    foreign_publish: Option<LeafIndex>,
    /// Why a commit that is in the store is not in the index; it follows before anything else happens.
    behind: Option<String>,
    store_clock: StoreClock,
}

impl Sequencer {
    pub(super) fn new(
        parts: LogParts,
        writer: Writer,
        publish: watch::Sender<Arc<Head>>,
        entries: Entries,
        expecting: Expecting,
    ) -> Self {
        let head = Arc::clone(&publish.borrow());
        let store_clock = StoreClock::new(parts.store.clone(), Arc::clone(&parts.clock));
        let (foreign_publish, behind) = (None, None);
        Self { parts, writer, head, publish, entries, expecting, foreign_publish, behind, store_clock }
    }

    /// Runs until every handle on the log is dropped.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Pending>) {
        // Until the store can be asked, the first append asks again.
        drop(self.compare_clocks().await);
        let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
        let mut follow_at = Instant::now() + FOLLOW_EVERY;
        loop {
            tokio::select! {
                // In this order, so that a simulation's events repeat; what is due twice a second holds up nobody.
                biased;
                () = tokio::time::sleep_until(follow_at), if !self.parts.store.is_local() => {
                    follow_at = Instant::now() + FOLLOW_EVERY;
                    self.follow_or_halt().await;
                }
                taken = queue.recv_many(&mut batch, BATCH_ENTRIES_MAX) => {
                    if taken == 0 {
                        return;
                    }
                    gather(&self.expecting, &mut queue, &mut batch).await;
                    for part in in_parts(batch.drain(..), |pending| pending.prepared.attached_bytes()) {
                        self.append(part).await;
                    }
                }
            }
        }
    }

    /// Answers every submission of a batch, however often its slot is lost.
    async fn append(&mut self, pending: Vec<Pending>) {
        let started = Instant::now();
        loop {
            if let Err(error) = self.ready().await {
                return answer_all(pending, &error);
            }
            let batch = match self.judge(&pending) {
                Ok(batch) => batch,
                Err(error) => return answer_all(pending, &error),
            };
            let Some(frozen) = batch.frozen else {
                self.undo();
                return answer(pending, batch.outcomes);
            };
            match claim(&self.parts.store, self.head.slot, frozen.object.clone()).await {
                Ok(Claim::Won) => {
                    let count = frozen.leaves.len();
                    for (index, leaf) in frozen.leaves {
                        self.entries.remember(index, leaf);
                    }
                    let kept = self.keep(frozen.after);
                    self.count(count, started);
                    return match kept {
                        Ok(()) => answer(pending, batch.outcomes),
                        Err(error) => answer_all(pending, &error),
                    };
                }
                Ok(Claim::Lost(object)) => {
                    self.undo();
                    self.take_over(object).await;
                }
                Err(error) => {
                    self.undo();
                    tracing::error!(%error, slot = self.head.slot, "a commit was not written");
                    return answer_all(pending, &AppendError::from_store(&error));
                }
            }
        }
    }

    fn count(&self, entries: usize, started: Instant) {
        let log = &self.parts.metrics.log;
        log.entries.inc_by(entries as u64);
        log.batch_entries.observe(u32::try_from(entries).map_or(f64::MAX, f64::from));
        log.commit_seconds.observe(started.elapsed().as_secs_f64());
    }

    /// Whether anything may be written now.
    async fn ready(&mut self) -> Result<(), AppendError> {
        if self.behind.is_some() {
            self.follow_or_halt().await;
        }
        match (self.head.halted(), &self.behind) {
            (Some(reason), _) => Err(AppendError::Halted(reason.to_owned())),
            (None, Some(reason)) => {
                Err(AppendError::Unavailable(format!("the index is behind the log: {reason}")))
            }
            (None, None) => self.compare_clocks().await,
        }
    }

    /// Whether this node's clock can be believed.
    async fn compare_clocks(&mut self) -> Result<(), AppendError> {
        let wrong = self.store_clock.check().await.map_err(|error| {
            tracing::warn!(%error, "the store does not say what time it is");
            match AppendError::from_store(&error) {
                // Nothing of the log was touched.
                AppendError::Unavailable(_) => {
                    AppendError::Unavailable("the store does not say what time it is".to_owned())
                }
                other => other,
            }
        })?;
        let wrong = wrong.map(|wrong| wrong.to_string());
        if self.head.wrong_clock() != wrong.as_deref() {
            tracing::error!(reason = wrong.as_deref().unwrap_or("it is right again"), "this node's clock");
            self.set(self.head.with_clock(wrong.clone()));
        }
        wrong.map_or(Ok(()), |wrong| Err(AppendError::WrongClock(wrong)))
    }

    fn judge(&mut self, pending: &[Pending]) -> Result<Batch, AppendError> {
        let now = Timestamp::from_ms(self.parts.clock.now_ms());
        if let Some(newest) = self.head.time()
            && newest.ms_since(now) > 60_000
        {
            tracing::warn!(log_time = %newest, clock = %now, "this node's clock is more than a minute behind the log's time");
        }
        match judge_batch(&mut self.writer, &self.head, &self.parts, now, self.foreign_publish, pending) {
            Ok(batch) => Ok(batch),
            Err(error) => {
                tracing::error!(%error, "a batch could not be judged");
                self.undo();
                match error {
                    BatchError::Index(error) if error.is_full() => Err(AppendError::NoSpace),
                    error => Err(AppendError::Unavailable(error.to_string())),
                }
            }
        }
    }

    /// The slot is ours: keep what the batch did, sign the checkpoint, let everybody see it.
    fn keep(&mut self, after: Replayed) -> Result<(), AppendError> {
        if let Err(error) = self.writer.commit() {
            // The log has the entries, the index does not: nothing is lost, and following the log mends it.
            tracing::error!(%error, "the index could not keep a commit that is in the log");
            self.behind = Some(error.to_string());
            self.undo();
            return Err(AppendError::Unavailable("the entry is logged, but the index is behind".to_owned()));
        }
        self.show(after);
        Ok(())
    }

    fn show(&mut self, state: Replayed) {
        match Head::sign(state, &self.parts) {
            Ok(head) => self.set(head),
            Err(error) => self.halt(Halt::because(error.to_string())),
        }
    }

    fn set(&mut self, head: Head) {
        self.head = Arc::new(head);
        self.parts.metrics.log.size.set(i64::try_from(self.head.size().get()).unwrap_or(i64::MAX));
        self.publish.send_replace(Arc::clone(&self.head));
    }

    fn halt(&mut self, halt: Halt) {
        self.set(self.head.halted_by(halt));
        let reason = self.head.halted();
        tracing::error!(reason, "the log halts: this node answers reads and takes no more entries");
    }

    fn undo(&mut self) {
        if let Err(error) = self.writer.roll_back() {
            tracing::debug!(%error, "there was no transaction to undo");
        }
    }

    /// Another node won the slot: its commit is applied before ours is judged again.
    async fn take_over(&mut self, object: bytes::Bytes) {
        let decoded = read_ahead::decode(&self.parts, self.head.slot, object).await;
        let applied = match decoded {
            Ok(commit) => self.apply(&commit),
            Err(error) => Err(error),
        };
        match applied {
            Ok(()) => {}
            Err(ReplayError::Halt(reason)) => self.halt(Halt::because(reason)),
            Err(ReplayError::Newer { needs }) => self.halt(Halt::behind(needs)),
            Err(error) => {
                tracing::error!(%error, "another node's commit could not be applied yet");
                self.behind = Some(error.to_string());
            }
        }
    }

    fn apply(&mut self, commit: &DecodedCommit) -> Result<(), ReplayError> {
        let needs = commit.rules_needed();
        if needs > self.parts.newest_rules.version() {
            return Err(ReplayError::Newer { needs });
        }
        let mut state = self.state();
        match apply(&mut self.writer, &self.parts.keys, &mut state, commit) {
            Ok(None) => {
                self.foreign_publish = commit.newest_publish().or(self.foreign_publish);
                self.show(state);
            }
            Ok(Some(refused)) => {
                let Refused { index, reason, .. } = refused;
                let reason = format!("entry {index} is refused by the rule book: {reason}");
                state.halted = Some(Halt::because(reason));
                self.show(state);
            }
            Err(error) => {
                self.undo();
                return Err(error);
            }
        }
        Ok(())
    }

    fn state(&self) -> Replayed {
        Replayed {
            edge: self.head.edge().clone(),
            slot: self.head.slot,
            hash: self.head.hash,
            time: self.head.time(),
            policy: self.head.policy().cloned(),
            halted: None,
        }
    }

    /// Applies every commit that other nodes made since, or halts when they do not fit.
    async fn follow_or_halt(&mut self) {
        if self.head.halted().is_some() {
            return;
        }
        loop {
            let now = Timestamp::from_ms(self.parts.clock.now_ms());
            let applied = match read_ahead::fetch(&self.parts, self.head.slot).await {
                Ok(None) => {
                    self.behind = None;
                    return self.set(self.head.seen_again(now));
                }
                Ok(Some(commit)) => self.apply(&commit),
                Err(error) => Err(error),
            };
            match applied {
                Ok(()) => {}
                Err(ReplayError::Halt(reason)) => return self.halt(Halt::because(reason)),
                Err(ReplayError::Newer { needs }) => return self.halt(Halt::behind(needs)),
                Err(error) => {
                    tracing::warn!(%error, "the store's newest commits cannot be applied now");
                    self.behind = Some(error.to_string());
                    return;
                }
            }
        }
    }
}

/// Waits for statements that are nearly ready, but not for long.
async fn gather(expecting: &Expecting, queue: &mut mpsc::Receiver<Pending>, batch: &mut Vec<Pending>) {
    let until = Instant::now() + GATHER_MAX;
    while batch.len() < expecting.count().min(BATCH_ENTRIES_MAX) {
        let room = BATCH_ENTRIES_MAX - batch.len();
        let more = tokio::time::timeout_at(until, queue.recv_many(batch, room)).await;
        if !matches!(more, Ok(taken) if taken > 0) {
            return;
        }
    }
}

/// Cuts a batch wherever its attachments would take too much.
fn in_parts<T>(batch: impl Iterator<Item = T>, attached_bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut parts, mut part, mut attached) = (Vec::new(), Vec::new(), 0);
    for next in batch {
        let bytes = attached_bytes(&next);
        if attached + bytes > BATCH_ATTACHED_BYTES_MAX && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            attached = 0;
        }
        attached += bytes;
        part.push(next);
    }
    parts.push(part);
    parts
}

/// Keeps a commit of another node; returns an entry in it that the rule book refuses. One whose policy names no keys of
/// this node is not kept: what cannot be signed is not shown.
fn apply(
    writer: &mut Writer,
    keys: &Keyring,
    state: &mut Replayed,
    commit: &DecodedCommit,
) -> Result<Option<Refused>, ReplayError> {
    writer.begin()?;
    replay::apply(writer, state, commit)?;
    keys.acting(state.policy.as_deref())?;
    replay::keep(writer, state)?;
    Ok(writer.view().unacknowledged()?)
}

fn answer(pending: Vec<Pending>, outcomes: Vec<Result<super::append::Appended, AppendError>>) {
    for (submission, outcome) in pending.into_iter().zip(outcomes) {
        // Who no longer waits learns the outcome by submitting again.
        let _ = submission.reply.send(outcome);
    }
}

fn answer_all(pending: Vec<Pending>, error: &AppendError) {
    for submission in pending {
        let _ = submission.reply.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_before_its_attachments_take_too_much_and_nothing_is_lost() {
        const MAX: usize = BATCH_ATTACHED_BYTES_MAX;
        let parts = |sizes: &[usize]| in_parts(sizes.iter().copied(), |size| *size);
        assert_eq!(parts(&[0; 256]).len(), 1);
        assert_eq!(parts(&[MAX, 0, 1, MAX - 1, 1]), [vec![MAX, 0], vec![1, MAX - 1], vec![1]]);
        assert_eq!(parts(&[2 * MAX, 2 * MAX]), [vec![2 * MAX], vec![2 * MAX]]);
    }
}
