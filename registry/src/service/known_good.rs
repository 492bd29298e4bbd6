//! The lookup: what is known-good in a channel now, with everything that proves it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::channel_head::{ChannelHead, HeadLine};
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::Reason;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ChannelSchedules, KnownGood, KnownGoodQuery, ProblemCode};
use holdfast_verify::channel_head::sign_head;
use holdfast_verify::facts::{Facts as _, FactsError};
use holdfast_verify::known_good::{Choice, ChosenLine, choose, expiry_warning};
use holdfast_verify::schedules::{self, Schedules, hide, scheduled_names};

use super::assembly::Assembly;
use super::lookup_cache::LookupKey;
use super::{Failure, Identity, Service};
use crate::index::View;
use crate::log::Head;

/// A node that has not seen the end of the log for so long answers stale.
const STALE_MS: u64 = 2_000;
/// For how long one answer is given again while nothing is logged.
const MOMENT_MS: u64 = 500;

/// A finished answer.
#[derive(Debug)]
pub struct LookupAnswer {
    /// The JSON of a [`KnownGood`].
    pub body: Bytes,
    /// The artifacts that are in it: who may not read one of them is refused the whole.
    names: BTreeSet<ArtifactName>,
    /// Those that schedules name: who may not read one of them is told less of these.
    scheduled: BTreeSet<ArtifactName>,
}

/// Refuses for a node that does not know how the log stands now, last seen at the moment that is returned otherwise.
pub(super) fn require_fresh(head: &Head, now: Timestamp, shared_store: bool) -> Result<Timestamp, Failure> {
    let stale = |detail| Err(Failure::new(ProblemCode::Unavailable, detail));
    if head.is_behind() {
        return stale(
            "the log goes on by rules that this node's version does not have, so it would answer stale; ask another node, or have this one updated",
        );
    }
    // A local store has one node, by lock, so nobody else can have appended.
    let seen = if shared_store { head.seen() } else { now };
    if now.ms_since(seen) > STALE_MS {
        return stale(
            "this node has not seen the end of the log for 2 s and would answer stale; ask again, or ask another node",
        );
    }
    Ok(seen)
}

impl Service {
    /// What is known-good in a channel now.
    pub async fn known_good(
        &self,
        who: &Identity,
        channel: &ChannelName,
        query: &KnownGoodQuery,
    ) -> Result<Arc<LookupAnswer>, Failure> {
        self.require_channel(who, channel)?;
        let head = self.head_reaching(query.min_size).await?;
        let seen = require_fresh(&head, self.now(), self.inner.shared_store)?;
        let cosigned = self.log().cosignatures().generation();
        let key = LookupKey::new(channel, query, head.size(), seen.as_ms() / MOMENT_MS, cosigned);
        let lookups = &self.inner.lookups;
        let make = || self.look_up(Arc::clone(&head), channel, query, seen, &[]);
        let answer = lookups.get_or_make(&key, make).await?;
        for name in &answer.names {
            self.require_read(who, name)?;
        }
        let unread = answer.scheduled.iter().filter(|name| self.require_read(who, name).is_err());
        let hidden: Vec<ArtifactName> = unread.cloned().collect();
        if hidden.is_empty() {
            return Ok(answer);
        }
        let key = LookupKey { hidden: hidden.clone(), ..key };
        lookups.get_or_make(&key, || self.look_up(head, channel, query, seen, &hidden)).await
    }

    async fn look_up(
        &self,
        head: Arc<Head>,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        seen: Timestamp,
        hidden: &[ArtifactName],
    ) -> Result<LookupAnswer, Failure> {
        let (wanted, asked) = (channel.clone(), query.clone());
        let size = head.size();
        let choice = self
            .log()
            .index()
            .read(move |view| {
                let choice = choose(view, &wanted, &asked, seen)?;
                let schedules = schedules(view, &choice, seen)?;
                // The index may be ahead of the head that was taken; then the lookup begins again with a newer one.
                Ok::<_, Failure>((view.size()? == size).then_some((choice, schedules)))
            })
            .await?;
        let Some((choice, (mut shown, scheduled))) = choice else {
            let newer = self.log().head();
            return Box::pin(self.look_up(newer, channel, query, seen, hidden)).await;
        };
        if let Some(shown) = &mut shown {
            hide(shown, &|name| !hidden.contains(name));
        }
        let policies = self.policies_after(query.policy.map_or(0, PolicyNumber::get)).await?;
        let mut assembly = Assembly::begin(self, Arc::clone(&head));
        let mut read = Vec::new();
        for fact in choice.artifacts() {
            read.push((fact.artifact.clone(), self.inner.manifests.of(fact).await?));
        }
        let manifest_of = |artifact: &Artifact| {
            read.iter().find(|(known, _)| known == artifact).map(|(_, manifest)| &manifest.manifest)
        };
        let plan = choice.plan(&manifest_of)?;
        let answer = KnownGood {
            channel: channel.clone(),
            head: sign_head(&channel_head(self, &head, &choice, seen), &head.keys().head),
            checkpoint: head.checkpoint().to_owned(),
            consistency: assembly.consistency(query.min_size).await?,
            cosigned: self.cosigned_beside(size).await?,
            policies: assembly.entries(policies.iter().map(|fact| fact.entry.index)).await?,
            lines: assembly.lines(&choice).await?,
            artifacts: assembly.artifacts(&choice, &read).await?,
            deploys: assembly.entries(choice.deploys().iter().map(|deploy| deploy.index)).await?,
            plan,
            warnings: warnings(&choice, shown.as_ref(), seen),
            schedules: shown,
            grants: Box::pin(assembly.grants()).await?,
        };
        let names = choice.artifacts().iter().map(|fact| fact.artifact.r#ref.name().clone()).collect();
        let body = serde_json::to_vec(&answer).map_err(Failure::internal)?;
        Ok(LookupAnswer { body: Bytes::from(body), names, scheduled })
    }
}

fn channel_head(service: &Service, head: &Head, choice: &Choice, seen: Timestamp) -> ChannelHead {
    let line = |line: &ChosenLine| HeadLine {
        name: line.name.clone(),
        issued: line.issued,
        answered: Some(line.pin.number),
    };
    ChannelHead {
        origin: service.log().keys().origin.clone(),
        channel: choice.channel.clone(),
        size: head.size(),
        root: head.root(),
        time: seen,
        newest_entry: choice.newest_entry,
        lines: choice.lines.iter().map(line).collect(),
    }
}

/// How the channel stands, where there is anything to say, and the artifacts that its schedules name.
fn schedules(
    view: &View<'_>,
    choice: &Choice,
    now: Timestamp,
) -> Result<(Option<ChannelSchedules>, BTreeSet<ArtifactName>), FactsError> {
    let Some(in_force) = view.policy()? else { return Ok((None, BTreeSet::new())) };
    let lines: Vec<&ChosenLine> = choice.lines.iter().collect();
    let shown = Schedules { facts: view, in_force: &in_force, now }.with(&choice.channel, &lines)?;
    let shown = shown.filter(|shown| !shown.due.is_empty() || !shown.objectives.is_empty());
    let scheduled = shown.as_ref().map(|shown| scheduled_names(&in_force.policy, shown));
    Ok((shown, scheduled.unwrap_or_default()))
}

fn warnings(choice: &Choice, schedules: Option<&ChannelSchedules>, now: Timestamp) -> Vec<Reason> {
    let warn =
        |line: &ChosenLine| expiry_warning(&line.name, line.pin.number, line.pin.time, line.pin.expires, now);
    let expiring = choice.lines.iter().filter_map(warn);
    expiring.chain(schedules.into_iter().flat_map(schedules::warnings)).collect()
}
