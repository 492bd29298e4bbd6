//! T18, T19, T22: entries of other places, swapped artifacts, statements taken for others.

use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::{Artifact, Header, Predicate, ScrubOutcome, Statement};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, HeldArtifact, KnownGood};

use super::answers::{Client, EVERYTHING};
use super::world::{PROD, World, ana, component, head_key, of, policy_of_log, registry_key, scrub};
use crate::channel_head::sign_head;
use crate::entitlement::EntitlementError;
use crate::known_good::{AnswerError, EvidenceError};
use crate::logged::LoggedError;

/// A registry with one pinned release of two builds.
fn shop() -> World {
    let mut world = World::solo();
    let (web, api) = (world.build("shop/web@1"), world.build("shop/api@1"));
    let release = world.release("shop/release@1", vec![component("web", 1, &web), component("api", 1, &api)]);
    world.pin(&release);
    world
}

pub(super) fn refusal(world: &World, answer: &KnownGood) -> AnswerError {
    let error = Client::of(world).verify(answer, &EVERYTHING, world.now).unwrap_err();
    assert_eq!(error.exit(), ExitCode::Integrity, "{error}");
    error
}

pub(super) fn evidence(error: AnswerError) -> EvidenceError {
    match error {
        AnswerError::Entry {
            source: EvidenceError::Entitlement(EntitlementError::Logged(error)), ..
        } => error.into(),
        AnswerError::Entry { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[test]
fn t18_the_answer_of_another_channel_is_refused() {
    let mut world = shop();
    let staged = world.build("shop/web@2");
    let pin = world.next_pin("shop/staging", &staged);
    let pin = world.say(pin, &[&ana()]);
    let mut renamed = world.answer(&EVERYTHING);
    renamed.channel = of("shop/staging");
    assert!(matches!(refusal(&world, &renamed), AnswerError::OtherChannel { .. }));
    let mut head = world.head(&world.choose(&EVERYTHING));
    head.channel = of("shop/staging");
    let other_head = KnownGood { head: sign_head(&head, &head_key()), ..world.answer(&EVERYTHING) };
    assert!(matches!(refusal(&world, &other_head), AnswerError::OtherChannel { .. }));
    let mut other_pin = world.answer(&EVERYTHING);
    other_pin.lines[0].pin = world.proven(pin);
    assert!(matches!(refusal(&world, &other_pin), AnswerError::Pin { .. }));
}

#[test]
fn t18_the_answer_of_another_log_is_refused_even_when_its_keys_are_the_same() {
    let world = shop();
    let mut twin = World::with(policy_of_log("twin.example/log"));
    let (web, api) = (twin.build("shop/web@1"), twin.build("shop/api@1"));
    let release = twin.release("shop/release@1", vec![component("web", 1, &web), component("api", 1, &api)]);
    twin.pin(&release);
    assert!(matches!(refusal(&world, &twin.answer(&EVERYTHING)), AnswerError::Policies(_)));
    let mut query = Client::of(&world).query(&EVERYTHING);
    query.min_size = None;
    assert!(matches!(refusal(&world, &twin.answer(&query)), AnswerError::Checkpoint(_)));
}

#[test]
fn t18_a_pin_of_another_log_that_an_operator_logs_here_is_refused() {
    let mut world = World::solo();
    let artifact = world.build("shop/web@1");
    world.pin(&artifact);
    let newer = world.build("shop/web@2");
    let mut foreign = Statement::parse(&world.leaves.last().unwrap().payload).unwrap();
    foreign = crate::subject::statement(
        Header { log: of("twin.example/log"), ..foreign.header },
        world.next_pin(PROD, &newer),
    );
    let index = world.force_statement(&foreign, &[&ana()]);
    let lie = with_pin(&world, index, 2, &newer);
    assert!(matches!(evidence(refusal(&world, &lie)), EvidenceError::Logged(LoggedError::OtherLog { .. })));
}

#[test]
fn t18_a_pin_that_is_logged_again_long_after_it_was_signed_is_refused() {
    let mut world = World::solo();
    let artifact = world.build("shop/web@1");
    let pin = world.pin(&artifact);
    let payload = world.leaves[usize::try_from(pin.get()).unwrap()].payload.clone();
    world.later(2 * 3_600_000);
    let again = world.force_statement(&Statement::parse(&payload).unwrap(), &[&ana()]);
    let mut lie = world.answer(&EVERYTHING);
    lie.lines[0].pin = world.proven(again);
    assert!(matches!(evidence(refusal(&world, &lie)), EvidenceError::Logged(LoggedError::OutOfTime { .. })));
}

/// The honest answer, but with a forced pin as the newest, for an artifact that is held.
pub(super) fn with_pin(world: &World, index: LeafIndex, number: u64, artifact: &Artifact) -> KnownGood {
    let mut choice = world.choose(&EVERYTHING);
    let number = PinNumber::new(number).unwrap();
    choice.lines[0].issued = number;
    choice.lines[0].pin.number = number;
    let fact = crate::facts::Facts::artifact(&world.ledger, &artifact.r#ref).unwrap().unwrap();
    let mut answer = world.answer(&EVERYTHING);
    answer.head = sign_head(&world.head(&choice), &head_key());
    answer.lines[0].pin = world.proven(index);
    answer.artifacts.push(HeldArtifact {
        artifact: artifact.clone(),
        publish: world.proven(fact.index),
        scrub: fact.scrub.map(|scrub| world.proven(scrub.index)),
        manifest: Base64Bytes(world.manifests[&artifact.digests.sha256].clone()),
    });
    answer
}

#[test]
fn t19_an_artifact_under_the_right_name_with_other_bytes_is_refused() {
    let mut world = shop();
    let other = world.build("shop/web@2");
    let honest = world.answer(&EVERYTHING);
    let at = honest.artifacts.iter().position(|held| held.artifact.r#ref == of("shop/web@1")).unwrap();
    let mut swapped_manifest = honest.clone();
    swapped_manifest.artifacts[at].manifest = Base64Bytes(world.manifests[&other.digests.sha256].clone());
    let mut swapped_digests = honest.clone();
    swapped_digests.artifacts[at].artifact.digests = other.digests;
    let mut renamed = with_pin(&world, honest.lines[0].pin.index, 1, &other);
    renamed.artifacts.retain(|held| held.artifact.r#ref != of("shop/web@1"));
    renamed.artifacts.last_mut().unwrap().artifact.r#ref = of("shop/web@1");
    let mut left_out = honest.clone();
    left_out.artifacts.remove(at);
    let mut twice = honest.clone();
    twice.artifacts.push(honest.artifacts[at].clone());
    for lie in [swapped_manifest, swapped_digests, renamed, left_out, twice] {
        let error = refusal(&world, &lie);
        assert!(matches!(error, AnswerError::Artifact { .. }), "{error}");
    }
}

#[test]
fn t19_a_mix_of_two_releases_is_refused() {
    let mut world = shop();
    let (web, api) = (world.build("shop/web@2"), world.build("shop/api@2"));
    let release = world.release("shop/release@2", vec![component("web", 1, &web), component("api", 1, &api)]);
    let old = world.answer(&EVERYTHING);
    world.pin(&release);
    let mut mixed = world.answer(&EVERYTHING);
    let sent = |held: &&mut HeldArtifact| held.artifact.r#ref == of("shop/web@2");
    let old_web = old.artifacts.iter().find(|held| held.artifact.r#ref == of("shop/web@1")).unwrap();
    let mut web = old_web.clone();
    web.publish = world.proven(old_web.publish.index);
    web.scrub = old_web.scrub.as_ref().map(|scrub| world.proven(scrub.index));
    *mixed.artifacts.iter_mut().find(sent).unwrap() = web;
    assert!(matches!(refusal(&world, &mixed), AnswerError::Artifact { .. }));
    // The older release's pin in place of the newer one's.
    let mut older = world.answer(&EVERYTHING);
    older.lines[0].pin = world.proven(old.lines[0].pin.index);
    assert!(matches!(refusal(&world, &older), AnswerError::Pin { .. }));
}

#[test]
fn t19_a_component_that_was_never_read_back_or_by_somebody_else_is_refused() {
    let mut world = shop();
    let web = Artifact {
        r#ref: of("shop/web@1"),
        digests: world.answer(&EVERYTHING).artifacts[2].artifact.digests,
    };
    let forged = world.force(scrub(&web, ScrubOutcome::Good, world.now), &[&ana()]);
    let other = world.build("shop/other@1");
    let of_other = world.scrub(&other, ScrubOutcome::Good);
    let bad = world.force(scrub(&web, ScrubOutcome::Bad, world.now), &[&registry_key()]);
    let honest = world.answer(&EVERYTHING);
    let at = honest.artifacts.iter().position(|held| held.artifact == web).unwrap();
    for scrub in [None, Some(forged), Some(of_other), Some(bad)] {
        let mut lie = honest.clone();
        lie.artifacts[at].scrub = scrub.map(|index| world.proven(index));
        match refusal(&world, &lie) {
            AnswerError::Artifact { .. } => assert_ne!(scrub, Some(forged)),
            AnswerError::Entry { .. } => assert_eq!(scrub, Some(forged)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn an_entry_that_is_not_in_the_log_is_refused() {
    let world = shop();
    let mut fork = world.clone();
    let evil = fork.build("shop/evil@1");
    fork.pin(&evil);
    let honest = world.answer(&EVERYTHING);
    let mut moved = honest.clone();
    moved.lines[0].pin.index = of("3");
    let mut cut = honest.clone();
    cut.lines[0].pin.proof.pop();
    let mut elsewhere = honest.clone();
    elsewhere.lines[0].pin = fork.proven(honest.lines[0].pin.index);
    let mut altered = honest.clone();
    let text = String::from_utf8(altered.lines[0].pin.entry.0.clone()).unwrap();
    altered.lines[0].pin.entry = Base64Bytes(text.replacen("\"time_ms\":1", "\"time_ms\":2", 1).into_bytes());
    for lie in [moved, cut, elsewhere, altered] {
        assert!(matches!(evidence(refusal(&world, &lie)), EvidenceError::Inclusion(_)));
    }
    let mut spaced = honest;
    spaced.lines[0].pin.entry.0.push(b' ');
    assert!(matches!(evidence(refusal(&world, &spaced)), EvidenceError::Logged(LoggedError::Entry(_))));
}

#[test]
fn t22_a_statement_of_one_type_is_never_taken_for_another() {
    let world = shop();
    let honest = world.answer(&EVERYTHING);
    let (pin, publish) = (honest.lines[0].pin.clone(), honest.artifacts[0].publish.clone());
    let scrub = honest.artifacts[0].scrub.clone();
    let mut as_pin = honest.clone();
    as_pin.lines[0].pin = publish.clone();
    let mut as_publish = honest.clone();
    as_publish.artifacts[0].publish = pin.clone();
    let mut as_scrub = honest.clone();
    as_scrub.artifacts[0].scrub = Some(publish);
    let mut as_deploy = honest.clone();
    as_deploy.deploys = scrub.into_iter().collect();
    for lie in [as_pin, as_publish, as_scrub, as_deploy] {
        assert!(matches!(evidence(refusal(&world, &lie)), EvidenceError::OtherType { .. }));
    }
    let mut as_policy = honest.clone();
    as_policy.policies = vec![pin];
    assert!(matches!(refusal(&world, &as_policy), AnswerError::Policies(_)));
    let mut head_as_checkpoint = honest.clone();
    head_as_checkpoint.checkpoint.clone_from(&honest.head);
    assert!(matches!(refusal(&world, &head_as_checkpoint), AnswerError::Checkpoint(_)));
    let mut checkpoint_as_head = honest.clone();
    checkpoint_as_head.head.clone_from(&honest.checkpoint);
    assert!(matches!(refusal(&world, &checkpoint_as_head), AnswerError::Head(_)));
}

#[test]
fn a_gap_in_the_line_or_a_pin_that_follows_another_is_refused() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.pin(&one);
    for version in ["shop/web@2", "shop/web@3"] {
        let artifact = world.build(version);
        world.pin(&artifact);
        world.deny(&artifact);
    }
    let honest = world.answer(&EVERYTHING);
    let mut gap = honest.clone();
    gap.lines[0].passed_over.remove(1);
    let mut reordered = honest.clone();
    reordered.lines[0].passed_over.reverse();
    let mut repeated = honest.clone();
    repeated.lines[0].passed_over[1] = repeated.lines[0].passed_over[0].clone();
    for lie in [gap, reordered, repeated] {
        assert!(matches!(refusal(&world, &lie), AnswerError::PassedOver { .. }));
    }
    // Another pin 2 that an operator made up and that pin 3 does not name.
    let mut pin = world.next_pin(PROD, &one);
    pin.number = PinNumber::new(2).unwrap();
    pin.predecessor = None;
    let made_up = world.force(pin, &[&ana()]);
    let mut unlinked = world.answer(&EVERYTHING);
    unlinked.lines[0].passed_over[1].pin = world.proven(made_up);
    assert!(matches!(refusal(&world, &unlinked), AnswerError::Pin { .. }));
}

#[test]
fn a_subject_that_does_not_fit_the_predicate_is_refused() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    let newest = Statement::parse(&world.leaves.last().unwrap().payload).unwrap();
    let subject = newest.subject.clone();
    let crooked =
        Statement { subject, header: newest.header, predicate: Predicate::from(world.next_pin(PROD, &two)) };
    let index = world.force_statement(&crooked, &[&ana()]);
    let lie = with_pin(&world, index, 2, &two);
    assert!(matches!(evidence(refusal(&world, &lie)), EvidenceError::Logged(LoggedError::Subject(_))));
}
