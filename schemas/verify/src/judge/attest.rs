//! `attest` and `tag`: statements about artifacts that never make one known-good by themselves.

use std::collections::BTreeSet;

use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Attest, Tag};

use super::common::check_alive;
use super::publish::check_same;
use super::{Case, Ruling};
use crate::facts::{AttestFact, Effect, TagFact};
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

/// Most digests that one attestation may be about.
const SUBJECTS_MAX: usize = 64;

/// An attestation names digests and no names, so any attester may make it; whether it is evidence for a name is judged
/// when a pin cites it.
pub(super) fn judge(case: &Case<'_>, attest: &Attest) -> Result<Ruling, JudgeError> {
    let counted = case.entitled(Ask::attesters())?;
    let distinct: BTreeSet<_> =
        attest.subjects.iter().map(|s| (s.digests.blake3, s.digests.sha256)).collect();
    if distinct.is_empty() || distinct.len() > SUBJECTS_MAX || distinct.len() != attest.subjects.len() {
        return Err(Refusal::Malformed { rule: "subjects must be 1 to 64, none of them twice" }.into());
    }
    if attest.envelope.size.get() > ATTACHMENT_BYTES_MAX as u64 {
        return Err(Refusal::Malformed { rule: "the attested envelope is over 64 MiB" }.into());
    }
    let attachment = attest.envelope.attachment();
    let bytes = case.candidate.attached.ok_or(Refusal::AttachmentMissing { attachment })?;
    check_same(bytes, attest.envelope.size, &attest.envelope.digests)?;
    let fact = AttestFact {
        index: case.candidate.index,
        subjects: attest.subjects.iter().map(|s| s.digests).collect(),
        envelope: attest.envelope.digests.sha256,
        predicate_type: attest.envelope.predicate_type.clone(),
        time: case.candidate.time,
        signers: counted.clone(),
    };
    Ok(Ruling::ready(counted, Effect::Attest(fact)))
}

pub(super) fn judge_tag(case: &Case<'_>, tag: &Tag) -> Result<Ruling, JudgeError> {
    let counted = case.entitled(Ask::publishers(&tag.name))?;
    let namespace = tag.name.namespace();
    let rule = case.policy.namespace(&namespace).ok_or(Refusal::NamespaceUnknown { namespace })?;
    if !rule.moving_tags.contains(&tag.tag) {
        let rule = "is no moving tag of the namespace; use one that the policy lists";
        return Err(Refusal::MovingTag { version: tag.tag.clone(), rule }.into());
    }
    let as_version = ArtifactRef::new(tag.name.clone(), tag.tag.clone());
    if let Some(taken) = case.facts.artifact(&as_version)? {
        return Err(Refusal::NameTaken { artifact: as_version, index: taken.index }.into());
    }
    let target = case.facts.artifact_by_digest(&tag.name, &tag.target.digests)?;
    let not_found = || Refusal::DigestNotFound { name: tag.name.clone() };
    check_alive(&target.ok_or_else(not_found)?)?;
    let fact = TagFact {
        index: case.candidate.index,
        name: tag.name.clone(),
        tag: tag.tag.clone(),
        target: tag.target.digests,
    };
    Ok(Ruling::ready(counted, Effect::Tag(fact)))
}
