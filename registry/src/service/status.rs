//! The registry itself: who it is and how it does.

use holdfast_formats::number::{ByteSize, Count, Seconds};
use holdfast_formats::wire::v1::{RegistryInfo, Status};

use super::{Failure, Identity, Service};

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Service {
    /// What everybody may know.
    pub fn info(&self) -> RegistryInfo {
        let keys = self.log().keys();
        let newest = self.log().head();
        let (log_keys, head_keys, registry_keys) = match newest.policy() {
            Some(policy) => (policy.log_keys.clone(), policy.head_keys.clone(), policy.registry_keys.clone()),
            None => keys.public().map(|key| vec![key]).into(),
        };
        RegistryInfo {
            origin: keys.origin.clone(),
            version: VERSION.to_owned(),
            log_keys,
            head_keys,
            registry_keys,
            policy: newest.policy().map(|policy| policy.number),
        }
    }

    /// Whether lookups can be answered, and why not.
    pub fn ready(&self) -> Result<(), Failure> {
        super::known_good::require_fresh(&self.log().head(), self.now(), self.inner.shared_store).map(drop)
    }

    /// Why everything that is answered may be old, if the log goes on where this version cannot follow.
    pub fn behind(&self) -> Option<String> {
        let head = self.log().head();
        head.halted().filter(|_| head.is_behind()).map(ToOwned::to_owned)
    }

    /// How it does, for any reader.
    pub async fn status(&self, who: &Identity) -> Result<Status, Failure> {
        self.require_reader(who)?;
        let head = self.log().head();
        let totals = if who.is_auditor() {
            Some(self.log().index().scan(|view| view.totals().map_err(Failure::from)).await?)
        } else {
            None
        };
        let count = |n| Count::new(n).map_err(Failure::internal);
        let uptime_ms = self.inner.clock.now_ms().saturating_sub(self.inner.started_ms);
        Ok(Status {
            origin: self.log().keys().origin.clone(),
            version: VERSION.to_owned(),
            size: head.size(),
            newest_entry: head.time(),
            now: self.now(),
            uptime_s: Seconds::new(uptime_ms / 1000).map_err(Failure::internal)?,
            writable: head.is_writable(),
            halted: head.halted().map(ToOwned::to_owned),
            policy: head.policy().map(|policy| policy.number),
            artifacts: totals.map(|totals| count(totals.artifacts)).transpose()?,
            artifact_bytes: totals
                .map(|totals| ByteSize::new(totals.artifact_bytes).map_err(Failure::internal))
                .transpose()?,
            channels: totals.map(|totals| count(totals.channels)).transpose()?,
            last_sweep: self.inner.sweeper.last().filter(|_| who.is_auditor()),
            scrub: if totals.is_some() { Some(self.scrub_status().await?) } else { None },
            witnesses: self.inner.witnesses.status(),
        })
    }
}
