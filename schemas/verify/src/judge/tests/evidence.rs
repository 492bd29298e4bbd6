//! What a channel's policy wants a pin to show.

use holdfast_formats::key::SigningKey;
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::{EvidenceRule, Role};
use holdfast_formats::statement::{
    Action, Artifact, DeployPhase, EntryIndex, Evidence, EvidenceKind, Revoke, RollbackPhase,
};
use holdfast_formats::tree::LeafIndex;

use super::access::grant;
use super::upkeep::rollback;
use super::world::{HOUR_MS, World, ana, bob, deploy, of, policy};
use crate::refusal::{Refusal, RefusalKind};

fn rule(kind: EvidenceKind) -> EvidenceRule {
    EvidenceRule { kind, predicate_type: None, signer: None, younger_than_s: None }
}

/// A log whose channels want this, where Ana and Bob attest, with one artifact ready to be pinned.
fn wanting(rule: &EvidenceRule) -> (World, Artifact) {
    let mut policy = policy();
    policy.channels.iter_mut().for_each(|channel| channel.evidence = vec![rule.clone()]);
    for role in policy.roles.iter_mut().filter(|role| role.role == Role::Attester) {
        role.principals = vec![of("ana"), of("bob")];
    }
    let mut world = World::with(policy);
    let artifact = world.scrubbed("shop/web@1.0.0");
    (world, artifact)
}

fn cite(kind: EvidenceKind, entry: Option<LeafIndex>) -> Evidence {
    Evidence { kind, predicate_type: None, digest: None, entry, uri: None }
}

fn pin_citing(world: &mut World, artifact: &Artifact, evidence: Vec<Evidence>) -> Result<LeafIndex, Refusal> {
    let mut pin = world.next_pin("shop/prod", artifact);
    pin.evidence = Some(evidence);
    world.say(pin, &[&ana()])
}

fn is_missing(answer: Result<LeafIndex, Refusal>) -> bool {
    answer.unwrap_err().kind() == RefusalKind::EvidenceMissing
}

#[test]
fn a_pin_without_the_wanted_evidence_is_refused() {
    for kind in [EvidenceKind::Attest, EvidenceKind::Deploy, EvidenceKind::Drill] {
        let (mut world, artifact) = wanting(&rule(kind));
        assert!(is_missing(world.pin("shop/prod", &artifact, &[&ana()])), "{kind}");
        let outside = vec![cite(EvidenceKind::Outside, None)];
        assert!(is_missing(pin_citing(&mut world, &artifact, outside)), "{kind}");
    }
}

#[test]
fn an_attestation_counts_for_its_own_digest_type_signer_and_age_only() {
    let wanted = EvidenceRule {
        predicate_type: Some(of("https://slsa.dev/provenance/v1")),
        signer: Some(of("bob")),
        younger_than_s: Some(Seconds::new(3600).unwrap()),
        ..rule(EvidenceKind::Attest)
    };
    let (mut world, artifact) = wanting(&wanted);
    let other = world.published("shop/web@2.0.0");
    let good = world.attest(&artifact, "https://slsa.dev/provenance/v1");
    let about_other = world.attest(&other, "https://slsa.dev/provenance/v1");
    let other_type = world.attest(&artifact, "https://example.com/tests/v1");
    for (attest, by) in [(&about_other, bob()), (&other_type, bob()), (&good, ana())] {
        let entry = world.say(attest.clone(), &[&by]).unwrap();
        assert!(is_missing(pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Attest, Some(entry))])));
    }
    let entry = world.say(good, &[&bob()]).unwrap();
    let evidence = vec![cite(EvidenceKind::Attest, Some(entry))];
    world.later(HOUR_MS);
    pin_citing(&mut world, &artifact, evidence.clone()).unwrap();
    world.later(1);
    assert!(is_missing(pin_citing(&mut world, &artifact, evidence)), "it is too old now");
}

#[test]
fn an_attestation_by_somebody_who_does_not_attest_that_name_is_no_evidence() {
    let mut policy = policy();
    policy.channels.iter_mut().for_each(|channel| channel.evidence = vec![rule(EvidenceKind::Attest)]);
    for role in policy.roles.iter_mut().filter(|role| role.role == Role::Attester) {
        role.principals = vec![of("bob")];
        role.names = vec![of("bank/*")];
    }
    let mut world = World::with(policy);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let attest = world.attest(&artifact, "x");
    let entry = world.say(attest, &[&bob()]).unwrap();
    assert!(is_missing(pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Attest, Some(entry))])));
}

#[test]
fn an_attestation_counts_by_enough_attesters_whom_policy_trusts_and_keeps_apart() {
    let (mut world, artifact) = wanting(&rule(EvidenceKind::Attest));
    let attest = world.attest(&artifact, "x");
    let by_bob = world.say(attest.clone(), &[&bob()]).unwrap();
    let by_ana = world.say(attest.clone(), &[&ana()]).unwrap();
    let by_both = world.say(attest, &[&ana(), &bob()]).unwrap();
    let counting = |world: &mut World| {
        [by_bob, by_ana, by_both].map(|entry| {
            let answer = pin_citing(world, &artifact, vec![cite(EvidenceKind::Attest, Some(entry))]);
            answer.is_ok() || !is_missing(answer)
        })
    };
    assert_eq!(counting(&mut world), [true, true, true]);
    world.amend(|next| next.separate.push((Role::Publisher, Role::Attester)));
    assert_eq!(counting(&mut world), [true, false, true], "Ana published it");
    world.amend(|next| {
        next.separate.clear();
        next.roles.iter_mut().filter(|role| role.role == Role::Attester).for_each(|role| role.threshold = 2);
    });
    assert_eq!(counting(&mut world), [false, false, true], "it takes two");
    world.amend(|next| next.roles.iter_mut().for_each(|role| role.threshold = 1));
    world.distrust(&bob());
    assert_eq!(counting(&mut world), [false, true, true], "Bob is distrusted");
}

#[test]
fn an_attestation_by_an_ephemeral_key_counts_until_its_grant_is_revoked() {
    let (mut world, artifact) = wanting(&rule(EvidenceKind::Attest));
    let key = SigningKey::from_seed([50; 32]);
    let index = world.say(grant("a", &[Action::Attest], Some(key.public())), &[&ana()]).unwrap();
    let attest = world.attest(&artifact, "x");
    let entry = world.say(attest, &[&key]).unwrap();
    let evidence = vec![cite(EvidenceKind::Attest, Some(entry))];
    pin_citing(&mut world, &artifact, evidence.clone()).unwrap();
    world.say(Revoke { grant: EntryIndex { index }, reason: of("it leaked") }, &[&ana()]).unwrap();
    assert!(is_missing(pin_citing(&mut world, &artifact, evidence)));
}

#[test]
fn a_deploy_counts_when_this_artifact_succeeded_on_this_channel() {
    let (mut world, artifact) = wanting(&rule(EvidenceKind::Deploy));
    let other = world.published("shop/web@2.0.0");
    let now = world.now;
    let others = [
        deploy("shop/prod", &artifact, DeployPhase::Failed, now),
        deploy("shop/prod", &artifact, DeployPhase::Started, now),
        deploy("shop/staging", &artifact, DeployPhase::Succeeded, now),
        deploy("shop/prod", &other, DeployPhase::Succeeded, now),
    ];
    for wrong in others {
        let entry = world.say(wrong, &[&ana()]).unwrap();
        assert!(is_missing(pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Deploy, Some(entry))])));
        let mut pin = world.next_pin("shop/prod", &artifact);
        pin.deploy = Some(EntryIndex { index: entry });
        assert_eq!(world.say(pin, &[&ana()]).unwrap_err().kind(), RefusalKind::NotFound);
    }
    let good = world.say(deploy("shop/prod", &artifact, DeployPhase::Succeeded, now), &[&ana()]).unwrap();
    pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Deploy, Some(good))]).unwrap();
    let mut pin = world.next_pin("shop/prod", &artifact);
    pin.deploy = Some(EntryIndex { index: good });
    world.say(pin, &[&ana()]).unwrap();
}

#[test]
fn a_drill_counts_when_it_succeeded_on_this_channel() {
    let (mut world, artifact) = wanting(&rule(EvidenceKind::Drill));
    let drill = |id: &str, phase, channel: &str, is_drill| rollback(id, phase, channel, is_drill, &artifact);
    let failed = world.say(drill("r1", RollbackPhase::Failed, "shop/prod", true), &[&ana()]).unwrap();
    let elsewhere =
        world.say(drill("r2", RollbackPhase::Succeeded, "shop/staging", true), &[&ana()]).unwrap();
    for entry in [failed, elsewhere] {
        assert!(is_missing(pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Drill, Some(entry))])));
    }
    let real = world.say(drill("r3", RollbackPhase::Succeeded, "shop/prod", false), &[&ana()]).unwrap();
    let refusal = pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Drill, Some(real))]).unwrap_err();
    assert_eq!(refusal, Refusal::EntryNotFound { what: "drill", index: real });
    let good = world.say(drill("r4", RollbackPhase::Succeeded, "shop/prod", true), &[&ana()]).unwrap();
    pin_citing(&mut world, &artifact, vec![cite(EvidenceKind::Drill, Some(good))]).unwrap();
}

#[test]
fn evidence_that_names_no_entry_or_an_entry_of_another_kind_is_refused() {
    let mut world = World::solo();
    let artifact = world.scrubbed("shop/web@1.0.0");
    let first = LeafIndex::new(0).unwrap();
    let wrong = [
        (cite(EvidenceKind::Attest, None), RefusalKind::Malformed),
        (cite(EvidenceKind::Outside, Some(first)), RefusalKind::Malformed),
        (cite(EvidenceKind::Attest, Some(first)), RefusalKind::NotFound),
        (cite(EvidenceKind::Deploy, Some(world.next())), RefusalKind::NotFound),
    ];
    for (evidence, kind) in wrong {
        assert_eq!(pin_citing(&mut world, &artifact, vec![evidence]).unwrap_err().kind(), kind);
    }
    let flood = vec![cite(EvidenceKind::Outside, None); 65];
    assert_eq!(pin_citing(&mut world, &artifact, flood).unwrap_err().kind(), RefusalKind::Malformed);
}
