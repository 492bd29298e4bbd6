//! Runs the cases of one table against one shared world, counts them, and says the sum at the end.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, stream};
use holdfast_client::ClientError;
use holdfast_tests::evil::{EvilProxy, EvilWorld, Victim, honest};
use tokio::runtime::Runtime;

use crate::case::{Case, Memory};
use crate::question::Question;

/// Cases that run at once: most wait for a deadline or a pause before another try.
const AT_ONCE: usize = 12;
/// No lie keeps a client longer than this, even on a machine that has much else to do.
const LONGEST: Duration = Duration::from_secs(90);

static TOLD: AtomicUsize = AtomicUsize::new(0);
static REFUSED: AtomicUsize = AtomicUsize::new(0);
static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// The world, and the threads that it runs on: it goes away with the last test that uses it.
pub(crate) struct Shared {
    pub(crate) world: EvilWorld,
    runtime: Runtime,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (told, refused) = (TOLD.load(Ordering::SeqCst), REFUSED.load(Ordering::SeqCst));
        // Not by a macro: what a test prints with those is shown only when it fails.
        drop(writeln!(std::io::stderr(), "evil registry: {told} lies, {refused} refused"));
    }
}

/// The world that all tests share.
pub(crate) fn shared() -> Result<Arc<Shared>> {
    let mut kept = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = kept.upgrade() {
        return Ok(shared);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let world = runtime.block_on(EvilWorld::start())?;
    let shared = Arc::new(Shared { world, runtime });
    *kept = Arc::downgrade(&shared);
    Ok(shared)
}

impl Shared {
    /// Runs something that the tables do not fit.
    pub(crate) fn run<T>(&self, test: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(test)
    }
}

/// Counts a lie that was told outside a table and refused.
pub(crate) fn count_refused() {
    TOLD.fetch_add(1, Ordering::SeqCst);
    REFUSED.fetch_add(1, Ordering::SeqCst);
}

/// Tells every lie of a table, and fails with the names of those that were believed.
pub(crate) fn refuse(table: impl FnOnce(&EvilWorld) -> Vec<Case>) -> Result<()> {
    refuse_few_at_once(AT_ONCE, table)
}

/// The same, for lies that fill memory up to the client's limits.
pub(crate) fn refuse_few_at_once(at_once: usize, table: impl FnOnce(&EvilWorld) -> Vec<Case>) -> Result<()> {
    let shared = shared()?;
    let cases = table(&shared.world);
    let world = &shared.world;
    let outcomes = shared.runtime.block_on(
        stream::iter(cases)
            .map(|case| async move {
                TOLD.fetch_add(1, Ordering::SeqCst);
                let mut outcome = tell(world, &case).await;
                for _ in 0..4 {
                    // A machine with much else to do may not even come to the lie before a short deadline.
                    if case.deadline == Question::PATIENCE || outcome.is_ok() {
                        break;
                    }
                    outcome = tell(world, &case).await;
                }
                if outcome.is_ok() {
                    REFUSED.fetch_add(1, Ordering::SeqCst);
                }
                outcome.with_context(|| case.name.clone())
            })
            .buffer_unordered(at_once)
            .collect::<Vec<_>>(),
    );
    let failed: Vec<String> =
        outcomes.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    ensure!(failed.is_empty(), "{} lies went wrong:\n{}", failed.len(), failed.join("\n"));
    Ok(())
}

/// Tells one lie, then the truth.
async fn tell(world: &EvilWorld, case: &Case) -> Result<()> {
    let clock = holdfast_tests::TestClock::at(world.clock().timestamp().plus_ms(ms(case.ahead)));
    let victim = match case.memory {
        Memory::Seasoned => world.seasoned(clock)?,
        Memory::None => world.newcomer(clock)?,
    };
    let proxy = EvilProxy::start(&world.url(), case.lie.clone()).await?;
    let before = victim.memory()?;
    let client = victim.open(&proxy.url(), case.deadline)?;
    let outcome = tokio::time::timeout(LONGEST, case.question.ask(&victim, &client)).await;
    let error = outcome.context("the client hangs")?.err().context("the lie is believed")?;
    ensure!(case.exits.contains(&error.exit()), "exit {:?}: {}", error.exit(), sentence(&error));
    check_sentence(&error, case.says)?;
    ensure!(proxy.lies_failed() == 0, "the lie itself went wrong, see the panic above");
    ensure!(proxy.lies_told() > 0 || case.ahead > Duration::ZERO, "nobody asked for the lie");
    for (path, bytes) in victim.handed_out()? {
        ensure!(is_partial(&path) || is_verified(&path, &bytes), "it hands out {path}");
    }
    check_memory(&before, &victim)?;
    proxy.tell(honest());
    if case.ahead > Duration::ZERO {
        return Ok(());
    }
    // A form that nothing was read of leaves nothing behind, so what is left in memory and on disk is asked for once.
    let patient = victim.open(&proxy.url(), Question::PATIENCE)?;
    let same = if case.deadline == Question::PATIENCE { client } else { patient.clone() };
    let clients = if victim.memory()? == before { vec![same] } else { vec![same, patient] };
    if case.form_only && clients.len() == 1 {
        return Ok(());
    }
    for client in clients {
        let truth = case.question.ask(&victim, &client).await;
        truth.map_err(|error| anyhow::anyhow!("it refuses the truth then: {}", sentence(&error)))?;
    }
    Ok(())
}

/// What was seen of the log before is there still, except where more was learnt of the truth.
fn check_memory(before: &BTreeMap<String, Vec<u8>>, victim: &Victim) -> Result<()> {
    let after = victim.memory()?;
    for (path, bytes) in before {
        // A true checkpoint or policy may have come before the lie; that both hold still, the honest question shows.
        let grows = path.ends_with("/checkpoint") || path.ends_with("/policies.json");
        ensure!(grows || after.get(path) == Some(bytes), "its memory is not whole: {path}");
        ensure!(after.contains_key(path), "it forgets {path}");
    }
    let new: Vec<_> = after
        .keys()
        .filter(|path| {
            !before.contains_key(*path) && (path.contains("/answers/") || path.ends_with("/pins.json"))
        })
        .collect();
    ensure!(new.is_empty(), "it remembers a lie: {new:?}");
    Ok(())
}

/// A file that waits for the rest of a download that was cut.
pub(crate) fn is_partial(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".holdfast-") && name.rsplit('.').next() == Some("part")
}

/// The one file that comes honestly in the lies about another one.
fn is_verified(path: &str, bytes: &[u8]) -> bool {
    path == "app" && bytes == b"shop/web@2"
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The message with everything that led to it, as the program says it.
pub(crate) fn sentence(error: &ClientError) -> String {
    format!("{:#}", anyhow::anyhow!(error.to_string())) + &causes(error)
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// One line that is not empty and names what is wrong.
fn check_sentence(error: &ClientError, says: &str) -> Result<()> {
    let text = sentence(error);
    ensure!(text.len() > 20 && text.lines().count() == 1, "no sentence: {text:?}");
    ensure!(text.contains(says), "it does not name {says:?}: {text}");
    Ok(())
}

/// Every question has an honest answer through the same proxy.
pub(crate) async fn answered(world: &EvilWorld, question: &Question) -> Result<()> {
    let proxy = EvilProxy::start(&world.url(), honest()).await?;
    for memory in [Memory::Seasoned, Memory::None] {
        let clock = world.clock().clone();
        let victim = match memory {
            Memory::Seasoned => world.seasoned(clock)?,
            Memory::None => world.newcomer(clock)?,
        };
        let client = victim.open(&proxy.url(), Question::PATIENCE)?;
        let truth = question.ask(&victim, &client).await;
        truth.map_err(|error| anyhow::anyhow!("{question:?} of {memory:?}: {}", sentence(&error)))?;
    }
    ensure!(!proxy.asked().is_empty(), "it was asked");
    Ok(())
}
