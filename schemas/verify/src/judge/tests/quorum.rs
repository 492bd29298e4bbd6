//! Who may: thresholds, roles kept apart, distrusted keys, and which signatures a leaf carries.

use holdfast_formats::key::{KeyId, SigningKey};
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::policy::{Distrust, EvidenceRule, Policy, Role, RoleRule};
use holdfast_formats::statement::{Action, Artifact, DeployPhase, Evidence, EvidenceKind, ScrubOutcome};

use super::world::{World, ana, bob, cleo, deploy, of, policy, registry_key};
use crate::judge::judge_logged;
use crate::refusal::{Refusal, RefusalKind};

fn rule_of(role: Role, principals: &[&str], threshold: u16) -> RoleRule {
    let principals = principals.iter().map(|id| of(id)).collect();
    RoleRule { role, principals, names: vec![of("*")], channels: vec![of("*")], threshold }
}

/// The solo policy with other rules for one role.
fn with_rules(rules: Vec<RoleRule>) -> Policy {
    let mut policy = policy();
    policy.roles.retain(|rule| rules.iter().all(|other| other.role != rule.role));
    policy.roles.extend(rules);
    policy
}

fn counted(world: &mut World, by: &[&SigningKey]) -> Vec<KeyId> {
    let publish = world.build("shop/web@1.0.0", "a");
    let statement = world.statement(publish);
    let (judgement, _) = world.judge(&statement, by, RULE_BOOK_VERSION).unwrap();
    judgement.counted.iter().map(|s| s.keyid).collect()
}

#[test]
fn t30_a_threshold_counts_distinct_keys_of_the_rule() {
    let mut world = World::with(with_rules(vec![rule_of(Role::Releaser, &["ana", "bob"], 2)]));
    let artifact = world.scrubbed("shop/web@1.0.0");
    for by in [&[&ana()][..], &[&ana(), &ana()], &[&ana(), &cleo()], &[&bob(), &registry_key()]] {
        let refusal = world.pin("shop/prod", &artifact, by).unwrap_err();
        let about = "shop/web in shop/prod".to_owned();
        assert_eq!(refusal, Refusal::ThresholdNotMet { role: Role::Releaser, about, have: 1, need: 2 });
    }
    world.pin("shop/prod", &artifact, &[&bob(), &ana()]).unwrap();
}

#[test]
fn one_satisfied_rule_is_enough_and_signers_of_different_rules_do_not_add_up() {
    let rules = vec![rule_of(Role::Releaser, &["ana", "bob"], 2), rule_of(Role::Releaser, &["cleo"], 1)];
    let mut world = World::with(with_rules(rules));
    let artifact = world.scrubbed("shop/web@1.0.0");
    world.pin("shop/prod", &artifact, &[&cleo()]).unwrap();
    let rules =
        vec![rule_of(Role::Releaser, &["ana", "bob"], 2), rule_of(Role::Releaser, &["bob", "cleo"], 2)];
    let mut world = World::with(with_rules(rules));
    let artifact = world.scrubbed("shop/web@1.0.0");
    let refusal = world.pin("shop/prod", &artifact, &[&ana(), &cleo()]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::ThresholdNotMet);
}

#[test]
fn a_leaf_carries_only_keys_that_count_for_the_statement() {
    let stranger = SigningKey::from_seed([77; 32]);
    let mut world = World::solo();
    let by = [&stranger, &bob(), &ana(), &registry_key()];
    assert_eq!(counted(&mut world, &by), [ana().public().id()]);
    let mut world = World::with(with_rules(vec![rule_of(Role::Publisher, &["ana", "bob"], 1)]));
    let mut both = vec![ana().public().id(), bob().public().id()];
    both.sort();
    assert_eq!(counted(&mut world, &by), both);
}

#[test]
fn t22_a_logged_entry_with_a_signature_that_does_not_count_is_refused() {
    let mut world = World::solo();
    let publish = world.build("shop/web@1.0.0", "a");
    let statement = world.statement(publish);
    let judged =
        |by: &[&SigningKey]| world.judge_by(judge_logged, &statement, by, RULE_BOOK_VERSION).map(|_| ());
    let key = bob().public().id();
    assert_eq!(judged(&[&ana(), &bob()]), Err(Refusal::SignatureSurplus { key }));
    assert_eq!(judged(&[&ana()]), Ok(()));
}

#[test]
fn a_statement_that_nobody_known_signed_is_refused() {
    let mut world = World::solo();
    let publish = world.build("shop/web@1.0.0", "a");
    let stranger = SigningKey::from_seed([77; 32]);
    assert_eq!(world.say(publish, &[&stranger]), Err(Refusal::SignatureMissing));
}

#[test]
fn a_distrusted_key_counts_for_nothing_from_its_entry_on() {
    let mut policy = with_rules(vec![rule_of(Role::Publisher, &["ana", "bob"], 1)]);
    let from_entry = holdfast_formats::tree::LeafIndex::new(2).unwrap();
    policy.distrust.push(Distrust { key: bob().public(), from_entry, reason: of("stolen") });
    let mut world = World::with(policy);
    let before = world.build("shop/web@1", "1");
    world.say(before, &[&bob()]).unwrap();
    let after = world.build("shop/web@2", "2");
    assert_eq!(world.say(after.clone(), &[&bob()]), Err(Refusal::SignatureMissing));
    world.say(after, &[&bob(), &ana()]).unwrap();
}

/// Ana and Bob fill every role that can be kept apart, and policy keeps these two apart.
fn apart(a: Role, b: Role) -> World {
    let roles = [Role::Publisher, Role::Attester, Role::Deployer, Role::Releaser];
    let mut policy = with_rules(roles.iter().map(|role| rule_of(*role, &["ana", "bob"], 1)).collect());
    policy.separate.push((a, b));
    World::with(policy)
}

#[test]
fn who_published_does_not_release_what_is_kept_apart() {
    for (a, b) in [(Role::Publisher, Role::Releaser), (Role::Releaser, Role::Publisher)] {
        let mut world = apart(a, b);
        let artifact = world.scrubbed("shop/web@1.0.0");
        let refusal = world.pin("shop/prod", &artifact, &[&ana()]).unwrap_err();
        let (role, other) = (Role::Releaser, Role::Publisher);
        assert_eq!(refusal, Refusal::SeparationOfDuties { role, other, artifact: artifact.r#ref.clone() });
        world.pin("shop/prod", &artifact, &[&ana(), &bob()]).unwrap();
        let pin = world.newest_pin("shop/prod", "shop/web").unwrap();
        assert_eq!(pin.signers, [bob().public().id()], "Ana's signature does not count");
    }
}

#[test]
fn an_ephemeral_key_that_published_does_not_release_what_is_kept_apart() {
    let mut world = apart(Role::Publisher, Role::Releaser);
    let key = SigningKey::from_seed([50; 32]);
    let actions = [Action::Publish, Action::Release];
    world.say(super::access::grant("a", &actions, Some(key.public())), &[&ana()]).unwrap();
    let publish = world.build("shop/web@1", "1");
    let artifact = Artifact { r#ref: of("shop/web@1"), digests: publish.manifest.digests };
    world.say(publish, &[&key]).unwrap();
    world.scrub(&[&artifact], ScrubOutcome::Good);
    let refusal = world.pin("shop/prod", &artifact, &[&key]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::SeparationOfDuties);
    let other = world.scrubbed("shop/api@1");
    world.pin("shop/prod", &other, &[&key]).unwrap();
}

/// Ana gets a new key; her name stays.
fn rotate_ana(world: &mut World) -> SigningKey {
    let new = SigningKey::from_seed([70; 32]);
    let key = new.public();
    world.amend(|policy| {
        let ana = policy.principals.iter_mut().find(|principal| principal.id == of("ana")).unwrap();
        ana.key = Some(key);
    });
    new
}

#[test]
fn who_published_stays_the_same_person_with_a_new_key() {
    let mut world = apart(Role::Publisher, Role::Releaser);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let new = rotate_ana(&mut world);
    let refusal = world.pin("shop/prod", &artifact, &[&new]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::SeparationOfDuties);
    world.pin("shop/prod", &artifact, &[&bob()]).unwrap();
    // What she signs from now on is hers too, and what others published is not.
    let publish = world.build("shop/web@2", "2");
    let two = Artifact { r#ref: of("shop/web@2"), digests: publish.manifest.digests };
    world.say(publish, &[&bob()]).unwrap();
    world.scrub(&[&two], ScrubOutcome::Good);
    world.pin("shop/prod", &two, &[&new]).unwrap();
}

#[test]
fn a_key_that_went_to_somebody_else_is_still_the_key_that_published() {
    let mut world = apart(Role::Publisher, Role::Releaser);
    let artifact = world.scrubbed("shop/web@1.0.0");
    rotate_ana(&mut world);
    world.amend(|policy| {
        let bob = policy.principals.iter_mut().find(|principal| principal.id == of("bob")).unwrap();
        bob.key = Some(ana().public());
    });
    let refusal = world.pin("shop/prod", &artifact, &[&ana()]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::SeparationOfDuties);
}

#[test]
fn two_tokens_of_one_pipeline_are_the_same_pipeline() {
    let mut world = apart(Role::Publisher, Role::Releaser);
    let keys: Vec<SigningKey> = [50, 51, 52].map(|seed| SigningKey::from_seed([seed; 32])).into();
    let actions = [Action::Publish, Action::Release];
    for (at, (key, subject)) in keys.iter().zip(["ci", "ci", "release robot"]).enumerate() {
        let mut grant = super::access::grant(&at.to_string(), &actions, Some(key.public()));
        grant.subject = of(subject);
        world.say(grant, &[&ana()]).unwrap();
    }
    let publish = world.build("shop/web@1", "1");
    let artifact = Artifact { r#ref: of("shop/web@1"), digests: publish.manifest.digests };
    world.say(publish, &[&keys[0]]).unwrap();
    world.scrub(&[&artifact], ScrubOutcome::Good);
    for key in &keys[..2] {
        let refusal = world.pin("shop/prod", &artifact, &[key]).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::SeparationOfDuties);
    }
    world.pin("shop/prod", &artifact, &[&keys[2]]).unwrap();
}

#[test]
fn evidence_by_who_published_does_not_count_after_a_new_key_either() {
    let mut world = apart(Role::Publisher, Role::Attester);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let new = rotate_ana(&mut world);
    world.amend(|policy| {
        for rule in &mut policy.channels {
            rule.evidence = vec![EvidenceRule {
                kind: EvidenceKind::Attest,
                predicate_type: None,
                signer: None,
                younger_than_s: None,
            }];
        }
    });
    let pin_on = |world: &mut World, by: &SigningKey| {
        let attest = world.attest(&artifact, "x");
        let entry = Some(world.say(attest, &[by]).unwrap());
        let mut pin = world.next_pin("shop/prod", &artifact);
        let kind = EvidenceKind::Attest;
        pin.evidence = Some(vec![Evidence { kind, predicate_type: None, digest: None, entry, uri: None }]);
        world.say(pin, &[&bob()])
    };
    assert_eq!(pin_on(&mut world, &new).unwrap_err().kind(), RefusalKind::EvidenceMissing);
    pin_on(&mut world, &bob()).unwrap();
}

#[test]
fn who_attested_or_deployed_does_not_release_on_that_evidence() {
    let mut world = apart(Role::Attester, Role::Releaser);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let attest = world.attest(&artifact, "x");
    let attested = world.say(attest, &[&bob()]).unwrap();
    let mut pin = world.next_pin("shop/prod", &artifact);
    let kind = EvidenceKind::Attest;
    pin.evidence =
        Some(vec![Evidence { kind, predicate_type: None, digest: None, entry: Some(attested), uri: None }]);
    assert_eq!(world.say(pin.clone(), &[&bob()]).unwrap_err().kind(), RefusalKind::SeparationOfDuties);
    world.say(pin, &[&ana()]).unwrap();

    let mut world = apart(Role::Deployer, Role::Releaser);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let deployed =
        world.say(deploy("shop/prod", &artifact, DeployPhase::Succeeded, world.now), &[&bob()]).unwrap();
    let mut pin = world.next_pin("shop/prod", &artifact);
    pin.deploy = Some(holdfast_formats::statement::EntryIndex { index: deployed });
    assert_eq!(world.say(pin.clone(), &[&bob()]).unwrap_err().kind(), RefusalKind::SeparationOfDuties);
    world.say(pin, &[&ana()]).unwrap();
    let again = deploy("shop/prod", &artifact, DeployPhase::Failed, world.now);
    assert_eq!(world.say(again.clone(), &[&ana()]).unwrap_err().kind(), RefusalKind::SeparationOfDuties);
    world.say(again, &[&bob()]).unwrap();
}

#[test]
fn who_published_does_not_deploy_what_is_kept_apart() {
    let mut world = apart(Role::Publisher, Role::Deployer);
    let artifact = world.published("shop/web@1.0.0");
    let started = deploy("shop/prod", &artifact, DeployPhase::Started, world.now);
    assert_eq!(world.say(started.clone(), &[&ana()]).unwrap_err().kind(), RefusalKind::SeparationOfDuties);
    world.say(started, &[&bob()]).unwrap();
}
