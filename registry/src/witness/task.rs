//! The task of one witness: asks when the log grew, asks again before the last cosignature gets old, and waits longer after
//! each failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use holdfast_formats::tree::TreeSize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::ask::Asker;
use super::state::Witness;
use crate::log::{Cosignatures, Head, Log, Prover};
use crate::telemetry::Metrics;

/// A log that does not grow is cosigned anew so often, because clients want cosignatures of now (by default 5 minutes).
const REFRESH: Duration = Duration::from_mins(1);
const BACK_OFF_MIN: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_mins(1);

/// What a task works with. None of it keeps the log alive: the task ends when the log does.
struct Task {
    witness: Arc<Witness>,
    prover: Prover,
    published: watch::Receiver<Option<Arc<Head>>>,
    cosignatures: Cosignatures,
    metrics: Arc<Metrics>,
}

/// Asks until the log ends; begins again when the task fails inside.
pub(super) fn supervise(
    witness: Arc<Witness>,
    log: &Log,
    metrics: &Arc<Metrics>,
) -> impl Future<Output = ()> + Send + use<> {
    let task = Task {
        witness,
        prover: log.prover().clone(),
        published: log.published(),
        cosignatures: log.cosignatures().clone(),
        metrics: Arc::clone(metrics),
    };
    async move {
        loop {
            let published = task.published.clone();
            let Err(_) = AssertUnwindSafe(task.run(published)).catch_unwind().await else { return };
            tracing::error!(witness = %task.witness.key().name(), "asking the witness failed inside; it goes on");
            sleep(BACK_OFF_MAX).await;
        }
    }
}

impl Task {
    async fn run(&self, mut published: watch::Receiver<Option<Arc<Head>>>) {
        let mut asker = match Asker::new(self.prover.clone()) {
            Ok(asker) => asker,
            Err(error) => {
                tracing::error!(%error, "witnesses cannot be asked: no HTTP client could be made");
                return;
            }
        };
        let mut cosigned = TreeSize::ZERO;
        let mut refresh = Instant::now();
        while let Some(head) = next(&mut published, cosigned, refresh).await {
            if self.ask(&mut asker, &head).await {
                cosigned = head.size();
                refresh = Instant::now() + REFRESH;
            }
        }
    }

    /// Asks once; whether it cosigned. After a failure it waits.
    async fn ask(&self, asker: &mut Asker, head: &Head) -> bool {
        let name = self.witness.key().name();
        let error = match asker.ask(&self.witness, head).await {
            Ok(cosignature) => {
                self.witness.succeeded();
                self.metrics.witnesses.cosigned(name, cosignature.size, cosignature.time);
                self.cosignatures.keep(cosignature);
                return true;
            }
            Err(error) => error,
        };
        let (failures, conflict) = self.witness.failed(&error);
        self.metrics.witnesses.failed(name);
        if conflict {
            self.metrics.witnesses.conflicted(name);
            tracing::error!(witness = %name, size = head.size().get(), %error, "ALARM: the witness knows another log");
        } else {
            tracing::warn!(witness = %name, failures, error = &error as &dyn std::error::Error, "not cosigned");
        }
        sleep(back_off(failures)).await;
        false
    }
}

/// Waits until there is something to ask for: a larger tree than `cosigned`, or the same one again. `None`: the log ended.
async fn next(
    published: &mut watch::Receiver<Option<Arc<Head>>>,
    cosigned: TreeSize,
    refresh: Instant,
) -> Option<Arc<Head>> {
    let is_new = |head: &Option<Arc<Head>>| head.as_ref().is_some_and(|head| head.size() > cosigned);
    let grown =
        timeout_at(refresh, published.wait_for(is_new)).await.map(|head| head.map(|head| head.clone()));
    match grown {
        Ok(Ok(head)) => head,
        Ok(Err(_)) => None,
        // Before anything is published there is nothing to ask for, however long that takes.
        Err(_) => published.wait_for(Option::is_some).await.ok()?.clone(),
    }
}

/// Doubles with every failure in a row.
fn back_off(failures: u64) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    BACK_OFF_MIN.saturating_mul(1 << doublings).min(BACK_OFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_doubles_the_wait_up_to_a_minute() {
        let waits: Vec<u64> = (1..9).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(back_off(u64::MAX), BACK_OFF_MAX);
    }
}
