//! Following a log: what is new on some channels, whether the log is still the one seen before, and whether anybody still
//! answers. What is noticed becomes alerts, each delivered at least once whatever crashes in between.
//!
//! Owns the order of one look: what follows from it is written down together with the alerts before any of them is
//! delivered (`memory`), and an alert is forgotten only once it was. What is noticed is decided without I/O (`notice`).
//!
//! It needs no more than `read` on its channels. Statements are checked by their signatures; that none is kept from us is
//! checked by the newest entry that the signed channel head names; that the log only grows, by every checkpoint. Whether
//! every entry may stand in the log is the question of an audit.

mod alert;
mod deliver;
mod look;
mod memory;
mod notice;
mod webhook;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::Statement;
use holdfast_formats::wire::v1::ExitCode;

use crate::blocking;
use crate::error::ClientError;
use crate::session::Registry;
use crate::state::Lock;
pub use alert::{Alert, AlertKind};
use memory::Memory;
pub use webhook::{Webhook, WebhookError};

/// What to look at.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The channels.
    pub channels: Vec<ChannelName>,
    /// How long nobody may answer with a fresh head before that is an alert.
    pub silence: Duration,
    /// How a statement is worded in an alert.
    pub describe: fn(&Statement) -> String,
}

/// Where alerts go; each is told first and sent then.
pub struct Sinks<'a> {
    /// Shows an alert to whoever runs this. An error ends the look: the alert comes again.
    pub tell: &'a mut (dyn FnMut(&Alert) -> io::Result<()> + Send),
    /// Sends it elsewhere.
    pub webhook: Option<&'a Webhook>,
}

impl std::fmt::Debug for Sinks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// What one look came to.
#[derive(Debug)]
pub struct Looked {
    /// How many alerts were told for the first time.
    pub told: usize,
    /// How many wait for a webhook that does not take them, and why.
    pub waiting: usize,
    /// Why the webhook does not.
    pub webhook: Option<WebhookError>,
    /// Why there was nothing fresh to see. Alerts that follow from it are told already.
    pub failure: Option<ClientError>,
}

/// Whoever follows one log on this machine; there is one at a time.
#[derive(Debug)]
pub struct Monitor {
    registry: Registry,
    watch: Watch,
    lock: Arc<Lock>,
}

impl Monitor {
    /// Takes the place of the one monitor of this log.
    pub async fn begin(registry: Registry, watch: Watch) -> Result<Self, ClientError> {
        let handle = registry.clone();
        let lock = blocking::run(move || handle.state().lock_monitor()).await?;
        Ok(Self { registry, watch, lock: Arc::new(lock) })
    }

    /// Looks once, and delivers whatever is to be delivered.
    pub async fn look(&self, sinks: &mut Sinks<'_>) -> Result<Looked, ClientError> {
        let now = self.registry.now();
        let mut memory = self.remembered().await?;
        let failure = match self.see(&memory).await {
            Ok(sight) => {
                memory.note(sight, &self.watch, now);
                None
            }
            Err(error) => {
                memory.note_failure(&error, self.watch.silence, now);
                Some(error)
            }
        };
        self.keep(&memory).await?;
        let (told, webhook) = self.deliver(&mut memory, sinks).await?;
        Ok(Looked { told, waiting: memory.outbox.len(), webhook, failure })
    }

    async fn remembered(&self) -> Result<Memory, ClientError> {
        let handle = self.registry.clone();
        let kept = blocking::run(move || handle.state().monitor::<Memory>()).await?;
        Ok(kept.unwrap_or_else(|| Memory::of(self.registry.origin().clone(), self.registry.now())))
    }

    async fn keep(&self, memory: &Memory) -> Result<(), ClientError> {
        // Cloned, because writing leaves this thread; it is small.
        let (handle, lock, memory) = (self.registry.clone(), Arc::clone(&self.lock), memory.clone());
        blocking::run(move || handle.state().keep_monitor(&lock, &memory)).await
    }
}

impl Looked {
    /// What a process that looked once exits with: what is worst of that it saw.
    pub fn exit(&self) -> ExitCode {
        match &self.failure {
            Some(failure) => failure.exit(),
            None if self.waiting > 0 => ExitCode::Incomplete,
            None if self.told > 0 => ExitCode::Conflict,
            None => ExitCode::Done,
        }
    }
}

#[cfg(test)]
mod tests;
