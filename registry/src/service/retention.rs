//! Until when an artifact stays, and why, as the rule book sees it: shown to whoever may read the artifact, without the
//! names of channels and releases that they may not read.

use std::collections::BTreeSet;

use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::{KeptReason, RetentionView};
use holdfast_verify::facts::Facts as _;
use holdfast_verify::retention::Retention;

use super::{Failure, Identity, Service};

impl Service {
    /// Everything that keeps an artifact now, or what ended it.
    pub async fn retention(&self, who: &Identity, reference: &Reference) -> Result<RetentionView, Failure> {
        let artifact = self.find(who, reference).await?.artifact.r#ref;
        let clock = self.now();
        let (service, who) = (self.clone(), who.clone());
        let answer = self.log().index().scan(move |view| {
            let (Some(fact), Some(in_force)) = (view.artifact(&artifact)?, view.policy()?) else {
                return Err(Failure::not_found());
            };
            // What an entry would be judged at now.
            let now = view.newest_time()?.map_or(clock, |newest| newest.max(clock));
            let going = BTreeSet::new();
            let retention = Retention { facts: view, in_force: &in_force, now, going: &going };
            let mut shown = retention.view(&fact)?;
            if shown.sweep {
                shown.intended = view.newest_intend_of(&fact.artifact.r#ref)?.map(|intend| intend.index);
            }
            shown.reasons.iter_mut().for_each(|reason| service.hide(&who, reason));
            Ok(shown)
        });
        answer.await
    }

    /// Leaves out what the reader may not know of.
    fn hide(&self, who: &Identity, reason: &mut KeptReason) {
        if reason.channel.as_ref().is_some_and(|channel| self.require_channel(who, channel).is_err()) {
            (reason.channel, reason.number) = (None, None);
        }
        if reason.release.as_ref().is_some_and(|release| self.require_read(who, release.name()).is_err()) {
            reason.release = None;
        }
    }
}
