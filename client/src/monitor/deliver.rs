//! Delivery: told first, then sent; forgotten only when both were done, and never before that is written down.

use std::time::Duration;

use super::memory::Memory;
use super::webhook::{Webhook, WebhookError};
use super::{Alert, Monitor, Sinks};
use crate::error::{ClientError, FileAction};

/// How often one alert is sent in one look. It stays queued for the next.
const ATTEMPTS_MAX: u32 = 3;

impl Monitor {
    /// Delivers what is queued, oldest first; how many were told for the first time, and why the webhook took no more.
    pub(super) async fn deliver(
        &self,
        memory: &mut Memory,
        sinks: &mut Sinks<'_>,
    ) -> Result<(usize, Option<WebhookError>), ClientError> {
        let (mut told, mut refused, mut at) = (0, None, 0);
        while let Some(queued) = memory.outbox.get_mut(at) {
            if !queued.told {
                let outcome = (sinks.tell)(&queued.alert);
                let failed = |e| ClientError::file(FileAction::Write, "standard output".as_ref(), e);
                outcome.map_err(failed)?;
                queued.told = true;
                told += 1;
            }
            let alert = queued.alert.clone();
            let is_done = match sinks.webhook {
                None => true,
                // Whoever does not take one takes none; all of them wait for the next look.
                Some(_) if refused.is_some() => false,
                Some(webhook) => {
                    refused = send(webhook, &alert).await.err();
                    refused.is_none()
                }
            };
            if is_done {
                memory.outbox.remove(at);
            } else {
                at += 1;
            }
            self.keep(memory).await?;
        }
        Ok((told, refused))
    }
}

/// Sends one alert, more often when that may help.
async fn send(webhook: &Webhook, alert: &Alert) -> Result<(), WebhookError> {
    let mut attempt = 1;
    loop {
        match webhook.send(alert).await {
            Err(error) if error.is_passing() && attempt < ATTEMPTS_MAX => {
                tracing::debug!(%error, attempt, "the webhook did not take an alert");
                tokio::time::sleep(Duration::from_millis(500) * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}
