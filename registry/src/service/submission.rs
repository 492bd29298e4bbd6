//! The one way in: an envelope becomes an entry, or is refused.
//!
//! verify signatures → judge against the newest state → store attachments → barrier → queue → receipt

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::EntryPayload;
use holdfast_formats::envelope::PAYLOAD_TYPE;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::login::LoginSecret;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::policy::Policy;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ProblemCode, Receipt, Submission};
use holdfast_verify::facts::{Facts as _, GrantFact};
use holdfast_verify::judge::{COMPONENT_ABSENT, Candidate, attachments_needed, judge};
use holdfast_verify::refusal::{JudgeError, Refusal};
use holdfast_verify::signature::{known_keys, verify_envelope};

use super::quotas::{Room, signing_grants};
use super::{Failure, Identity, Service};
use crate::index::View;
use crate::log::{AppendError, Appended, AtSlot, NodeKeys, Prepared, rules_for};

/// How often a publish looks for its content again because a sweep of another node came between.
const SWEPT_TRIES: usize = 8;

/// A statement is logged.
#[derive(Debug)]
pub struct Submitted {
    /// Its receipt.
    pub receipt: Receipt,
    /// Whether this submission put it there.
    pub new: bool,
}

/// What the first judgement came to.
enum FirstLook {
    /// The log has it already.
    Logged(LeafIndex),
    /// It would be accepted now.
    Acceptable(Box<Prepared>),
    /// It would be, once these are read back.
    Unscrubbed(Box<Prepared>, Vec<ArtifactRef>),
}

impl Service {
    /// Submits an envelope. `login` is the one-time secret that admits policy 1.
    pub async fn submit(
        &self,
        who: &Identity,
        submission: Submission,
        login: Option<&str>,
    ) -> Result<Submitted, Failure> {
        let malformed =
            |error: &dyn std::fmt::Display| Failure::new(ProblemCode::Malformed, error.to_string());
        submission.envelope.check().map_err(|error| malformed(&error))?;
        let first_policy = self.log().head().policy().is_none();
        let statement =
            Statement::parse(&submission.envelope.payload.0).map_err(|error| malformed(&error))?;
        if first_policy {
            self.admit_first(&statement, login)?;
        }
        let hidden = self.hidden_component(who, &statement);
        let (look, signing) = self.first_look(submission, statement, hidden).await?;
        let (prepared, unscrubbed) = match look {
            FirstLook::Logged(index) => return self.answer(index, false).await,
            FirstLook::Acceptable(prepared) => (prepared, Vec::new()),
            FirstLook::Unscrubbed(prepared, artifacts) => (prepared, artifacts),
        };
        let paid = self.pay(who, &signing)?;
        if !unscrubbed.is_empty() {
            self.scrub(&unscrubbed).await?;
        }
        let (appended, room) = self.log_prepared(prepared).await?;
        paid.keep();
        self.note_logged(room).await;
        if first_policy {
            NodeKeys::forget_login(&self.inner.keys_folder);
        }
        self.answer(appended.index, appended.new).await
    }

    /// Puts a statement into the log once all that it refers to is there. A sweep that comes between may have named some of
    /// that, so then it is looked for again.
    async fn log_prepared(&self, mut prepared: Box<Prepared>) -> Result<(Appended, Option<Room>), Failure> {
        for _ in 0..SWEPT_TRIES {
            let announced = self.log().announce();
            self.make_durable(&mut prepared).await?;
            let room = self.room_of(&prepared);
            match announced.append(*prepared).await {
                Err(AppendError::Swept(again)) => prepared = again,
                appended => return Ok((appended?, room)),
            }
        }
        Err(AppendError::Swept(prepared).into())
    }

    pub(super) async fn answer(&self, index: LeafIndex, new: bool) -> Result<Submitted, Failure> {
        Ok(Submitted { receipt: self.receipt(index).await?, new })
    }

    /// Policy 1 comes with the secret that the registry printed, and names the registry's own keys.
    fn admit_first(&self, statement: &Statement, login: Option<&str>) -> Result<(), Failure> {
        let Predicate::Policy(policy) = &statement.predicate else {
            return Err(Refusal::PolicyMissing.into());
        };
        let secret = login.and_then(|text| text.parse::<LoginSecret>().ok());
        if !secret.is_some_and(|secret| NodeKeys::is_login(&self.inner.keys_folder, &secret)) {
            return Err(Failure::new(
                ProblemCode::Unauthorized,
                "policy 1 is admitted by the login secret that the registry printed at its first start; use `holdfast login URL#SECRET`",
            ));
        }
        self.names_our_keys(policy)
    }

    fn names_our_keys(&self, policy: &Policy) -> Result<(), Failure> {
        let keys = self.log().keys();
        let [log, head, registry] = keys.public();
        let ours = policy.origin == keys.origin
            && policy.log_keys.contains(&log)
            && policy.head_keys.contains(&head)
            && policy.registry_keys.contains(&registry);
        let detail = "policy 1 must name this registry's origin, log, head and registry keys; take them from /v1/registry";
        if ours { Ok(()) } else { Err(Failure::new(ProblemCode::StatementInvalid, detail)) }
    }

    /// Verifies signatures and judges once, outside the sequencer and in parallel with other submissions. Gives the grants
    /// with quotas that signed, too.
    async fn first_look(
        &self,
        submission: Submission,
        statement: Statement,
        hidden: Option<Refusal>,
    ) -> Result<(FirstLook, Vec<GrantFact>), Failure> {
        let now = self.now();
        self.log()
            .index()
            .read(move |view| {
                let prepared = prepare(view, submission, statement)?;
                if let Some(index) = view.entry_by_payload(&prepared.payload_sha256)? {
                    return Ok((FirstLook::Logged(index), Vec::new()));
                }
                if let Some(refusal) = hidden {
                    return Err(refusal.into());
                }
                let time = view.newest_time()?.map_or(now, |newest| newest.max(now));
                let candidate = Candidate {
                    index: view.size()?.next_index(),
                    time,
                    rules: rules_for(
                        view.policy()?.as_ref().map(|fact| fact.policy.as_ref()),
                        &prepared.statement,
                    ),
                    payload_sha256: prepared.payload_sha256,
                    statement: &prepared.statement,
                    signatures: &prepared.signatures,
                    manifest: prepared
                        .manifest
                        .as_ref()
                        .map(|(bytes, manifest)| (bytes.as_slice(), manifest)),
                    attached: prepared.attached.as_deref(),
                };
                let unscrubbed = match judge(&candidate, view) {
                    Ok(_) => None,
                    Err(JudgeError::Refused(Refusal::AlreadyPublished { index, .. })) => {
                        return Ok((FirstLook::Logged(index), Vec::new()));
                    }
                    Err(JudgeError::Refused(Refusal::NotScrubbed { artifacts })) => Some(artifacts),
                    Err(error) => return Err(error.into()),
                };
                let signing = signing_grants(view, &prepared)?;
                let prepared = Box::new(prepared);
                let look = match unscrubbed {
                    None => FirstLook::Acceptable(prepared),
                    Some(artifacts) => FirstLook::Unscrubbed(prepared, artifacts),
                };
                Ok((look, signing))
            })
            .await
    }

    /// Whoever names a component may read it; to everybody else it is as if it were not there.
    fn hidden_component(&self, who: &Identity, statement: &Statement) -> Option<Refusal> {
        let Predicate::Publish(publish) = &statement.predicate else { return None };
        let named = publish.components.iter().flatten();
        let hidden =
            named.map(|part| &part.r#ref).find(|part| self.require_read(who, part.name()).is_err())?;
        Some(Refusal::Component { component: hidden.clone(), rule: COMPONENT_ABSENT })
    }

    /// Everything that the statement refers to is durable before it queues.
    async fn make_durable(&self, prepared: &mut Prepared) -> Result<(), Failure> {
        if matches!(prepared.statement.predicate, Predicate::Publish(_)) {
            prepared.at_slot = self.log().ready_publish();
        }
        let attachments = self.log().attachments();
        if let (Predicate::Publish(publish), Some((bytes, manifest))) =
            (&prepared.statement.predicate, &prepared.manifest)
        {
            let namespace = publish.name.namespace();
            self.require_content(&namespace, manifest).await?;
            // The barrier for the blobs takes the manifest along.
            attachments.put_before_barrier(Bytes::copy_from_slice(bytes)).await?;
            self.inner.blobs.barrier().await?;
        }
        if let Some(attached) = &prepared.attached {
            attachments.put(Bytes::copy_from_slice(attached)).await?;
        }
        if let EntryPayload::Attached(_) = EntryPayload::place(&prepared.payload) {
            attachments.put(Bytes::copy_from_slice(&prepared.payload)).await?;
        }
        Ok(())
    }
}

/// Verifies the signatures and finds the attachments that the statement names among those sent.
fn prepare(view: &View<'_>, submission: Submission, statement: Statement) -> Result<Prepared, Failure> {
    let payload = submission.envelope.payload.0;
    let signatures = submission.envelope.signatures;
    let keys = known_keys(&statement, &signatures, view)?;
    let signatures = verify_envelope(PAYLOAD_TYPE, &payload, &signatures, &keys)?;
    if signatures.is_empty() {
        return Err(Refusal::SignatureMissing.into());
    }
    let mut prepared = Prepared {
        payload_sha256: Sha256Digest::of(&payload),
        statement,
        payload,
        signatures,
        manifest: None,
        attached: None,
        at_slot: AtSlot::Nothing,
    };
    for needed in attachments_needed(&prepared.statement) {
        let found = submission.attachments.iter().find(|a| Sha256Digest::of(&a.0) == needed.sha256);
        let Some(found) = found.filter(|a| a.0.len() <= ATTACHMENT_BYTES_MAX) else {
            return Err(Refusal::AttachmentMissing { attachment: needed }.into());
        };
        match &prepared.statement.predicate {
            Predicate::Publish(_) => {
                let manifest = Manifest::parse(&found.0).map_err(|error| {
                    Failure::new(ProblemCode::Malformed, format!("the manifest is refused: {error}"))
                })?;
                prepared.manifest = Some((found.0.clone(), manifest));
            }
            _ => prepared.attached = Some(found.0.clone()),
        }
    }
    Ok(prepared)
}
