//! Evidence of a pin: the entries that it cites, and whether they show what the channel's policy wants.

use std::collections::BTreeSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{ChannelRule, EvidenceRule, Role};
use holdfast_formats::statement::{Action, DeployPhase, Evidence, EvidenceKind, Grant, Pin, RollbackPhase};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use super::Case;
use super::apart::{Earlier, are_separate};
use crate::facts::{ArtifactFact, AttestFact, DeployFact, FactsError, RollbackFact};
use crate::refusal::{JudgeError, Refusal};
use crate::signature::trusted;

/// Most pieces of evidence that one pin may cite.
const EVIDENCE_MAX: usize = 64;

/// The entries that a pin cites.
pub(super) struct Shown {
    attests: Vec<AttestFact>,
    deploys: Vec<DeployFact>,
    drills: Vec<RollbackFact>,
}

impl Shown {
    /// Who signed the cited attestations and deployments.
    pub(super) fn earlier(&self) -> impl Iterator<Item = Earlier<'_>> {
        let attested = self.attests.iter().map(|fact| Earlier {
            role: Role::Attester,
            index: fact.index,
            signers: &fact.signers,
        });
        let deployed = self.deploys.iter().map(|fact| Earlier {
            role: Role::Deployer,
            index: fact.index,
            signers: &fact.signers,
        });
        attested.chain(deployed)
    }
}

/// Looks up what a pin cites; an entry that is not what it is said to be is refused.
pub(super) fn gather(case: &Case<'_>, pin: &Pin) -> Result<Shown, JudgeError> {
    let mut shown = Shown { attests: Vec::new(), deploys: Vec::new(), drills: Vec::new() };
    let cited = pin.evidence.as_deref().unwrap_or_default();
    if cited.len() > EVIDENCE_MAX {
        return Err(Refusal::Malformed { rule: "a pin cites at most 64 pieces of evidence" }.into());
    }
    for evidence in cited {
        gather_one(case, evidence, &mut shown)?;
    }
    if let Some(deploy) = &pin.deploy {
        let index = deploy.index;
        let fact = case.facts.deploy(index)?.filter(|fact| shows_success(fact, pin));
        let what = "successful deploy of this artifact to this channel";
        shown.deploys.push(fact.ok_or(Refusal::EntryNotFound { what, index })?);
    }
    Ok(shown)
}

fn gather_one(case: &Case<'_>, evidence: &Evidence, shown: &mut Shown) -> Result<(), JudgeError> {
    let missing = |what, index| Refusal::EntryNotFound { what, index };
    match (evidence.kind, evidence.entry) {
        (EvidenceKind::Attest, Some(index)) => {
            shown.attests.push(case.facts.attest(index)?.ok_or_else(|| missing("attest", index))?);
        }
        (EvidenceKind::Deploy, Some(index)) => {
            shown.deploys.push(case.facts.deploy(index)?.ok_or_else(|| missing("deploy", index))?);
        }
        (EvidenceKind::Drill, Some(index)) => {
            let drill = case.facts.rollback(index)?.filter(|fact| fact.drill);
            shown.drills.push(drill.ok_or_else(|| missing("drill", index))?);
        }
        (EvidenceKind::Outside, None) => {}
        _ => {
            let rule = "evidence inside the log names its entry, evidence outside names none";
            return Err(Refusal::Malformed { rule }.into());
        }
    }
    Ok(())
}

/// Checks that every evidence rule of the channel is met by something that the pin shows.
pub(super) fn check(
    case: &Case<'_>,
    pin: &Pin,
    fact: &ArtifactFact,
    rule: &ChannelRule,
    shown: &Shown,
) -> Result<(), JudgeError> {
    for wanted in &rule.evidence {
        if !is_met(case, pin, fact, wanted, shown)? {
            return Err(Refusal::EvidenceMissing {
                kind: wanted.kind,
                predicate_type: wanted.predicate_type.clone(),
                signer: wanted.signer.clone(),
                younger_than_s: wanted.younger_than_s.map(u64::from),
            }
            .into());
        }
    }
    Ok(())
}

fn is_met(
    case: &Case<'_>,
    pin: &Pin,
    fact: &ArtifactFact,
    wanted: &EvidenceRule,
    shown: &Shown,
) -> Result<bool, FactsError> {
    let fresh = |time: Timestamp| {
        wanted.younger_than_s.is_none_or(|s| case.candidate.time.ms_since(time) <= s.as_ms())
    };
    match wanted.kind {
        EvidenceKind::Attest => {
            for attest in shown.attests.iter().filter(|a| fresh(a.time) && is_about(a, pin, wanted)) {
                if is_signed_for(case, attest, fact, wanted)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        EvidenceKind::Deploy => {
            for deploy in shown.deploys.iter().filter(|d| fresh(d.time) && shows_success(d, pin)) {
                let signers = still_trusted(case, &deploy.signers, deploy.index)?;
                if wanted.signer.as_ref().map_or(!signers.is_empty(), |id| signed_by(case, &signers, id)) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        EvidenceKind::Drill => Ok(shown.drills.iter().any(|drill| {
            fresh(drill.time) && drill.phase == RollbackPhase::Succeeded && drill.channel == pin.channel
        })),
        EvidenceKind::Outside => Ok(false),
    }
}

fn shows_success(deploy: &DeployFact, pin: &Pin) -> bool {
    deploy.phase == DeployPhase::Succeeded && deploy.channel == pin.channel && deploy.artifact == pin.artifact
}

fn is_about(attest: &AttestFact, pin: &Pin, wanted: &EvidenceRule) -> bool {
    attest.subjects.contains(&pin.artifact.digests)
        && wanted.predicate_type.as_ref().is_none_or(|wanted| attest.predicate_type == *wanted)
}

/// The attestation is by the signer that policy names or, when it names none, by enough attesters of the artifact's name;
/// never by who published the artifact, when policy keeps those apart.
fn is_signed_for(
    case: &Case<'_>,
    attest: &AttestFact,
    fact: &ArtifactFact,
    wanted: &EvidenceRule,
) -> Result<bool, FactsError> {
    let mut signers = still_trusted(case, &attest.signers, attest.index)?;
    if are_separate(case.policy, Role::Publisher, Role::Attester) {
        let publishers = case.persons(fact.index, &fact.signers)?;
        for keyid in signers.clone() {
            if !case.persons(attest.index, &[keyid])?.is_disjoint(&publishers) {
                signers.remove(&keyid);
            }
        }
    }
    if let Some(id) = &wanted.signer {
        return Ok(signed_by(case, &signers, id));
    }
    let name = fact.artifact.r#ref.name().as_str();
    let is_by_rule = case.policy.roles.iter().any(|rule| {
        let covers = rule.role == Role::Attester && rule.names.iter().any(|pattern| pattern.covers(name));
        let signed =
            rule.principals.iter().filter(|id| signed_by(case, &signers, id)).collect::<BTreeSet<_>>();
        covers && signed.len() >= usize::from(rule.threshold)
    });
    if is_by_rule {
        return Ok(true);
    }
    for keyid in &signers {
        let grant =
            case.facts.grant_by_key(keyid)?.filter(|fact| fact.revoked.is_none()).map(|fact| fact.grant);
        let covers = |grant: &Grant| {
            grant.actions.contains(&Action::Attest) && grant.names.iter().any(|pattern| pattern.covers(name))
        };
        if grant.as_ref().is_some_and(covers) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The signers of an earlier entry whom the policy in force still trusts there.
fn still_trusted(
    case: &Case<'_>,
    signers: &[KeyId],
    index: LeafIndex,
) -> Result<BTreeSet<KeyId>, FactsError> {
    let trusted = trusted(case.policy, index, signers, |key| case.facts.grant_by_key(key))?;
    Ok(trusted.into_iter().collect())
}

fn signed_by(case: &Case<'_>, signers: &BTreeSet<KeyId>, id: &PrincipalId) -> bool {
    let mut keys = case.policy.principals.iter().filter(|p| p.id == *id).filter_map(|p| p.key.as_ref());
    keys.any(|key| signers.contains(&key.id()))
}
