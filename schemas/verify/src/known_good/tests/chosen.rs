//! What registry and auditor choose from facts.

use std::cell::Cell;

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{
    Artifact, EntryIndex, Freeze, Lift, ObjectClass, RollbackPhase, ScrubOutcome, Thaw,
};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery, PassReason};

use super::answers::EVERYTHING;
use super::world::{PROD, World, ana, component, of, policy};
use crate::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, Facts, FactsError, FreezeFact, GrantFact, HoldFact,
    PinFact, PolicyFact, RollbackFact, SweepFact,
};
use crate::known_good::{BACK_MAX, ChooseError, choose};

fn pinned(world: &mut World, artifact: &str) -> Artifact {
    let artifact = world.build(artifact);
    world.pin(&artifact);
    artifact
}

fn error(world: &World, channel: &str, query: &KnownGoodQuery) -> ChooseError {
    choose(&world.ledger, &of(channel), query, world.now).unwrap_err()
}

fn component_query(name: &str) -> KnownGoodQuery {
    KnownGoodQuery { component: Some(of(name)), ..EVERYTHING }
}

#[test]
fn a_channel_without_pins_is_unknown_unless_a_rule_names_it_alone() {
    let mut world = World::solo();
    assert!(matches!(error(&world, PROD, &EVERYTHING), ChooseError::ChannelUnknown { .. }));
    world.change_policy(&[&ana()], |policy| {
        let mut own = policy.channels[0].clone();
        own.pattern = of(PROD);
        own.follows = Some(of("shop/release"));
        policy.channels.insert(0, own);
    });
    let error = error(&world, PROD, &EVERYTHING);
    assert!(
        matches!(&error, ChooseError::NothingQualifies { passed_over, .. } if passed_over.is_empty()),
        "{error}"
    );
}

#[test]
fn every_line_of_a_composed_channel_must_answer_and_the_failing_one_is_named() {
    let mut world = World::solo();
    pinned(&mut world, "shop/api@1");
    let web = pinned(&mut world, "shop/web@1");
    assert_eq!(world.choose(&EVERYTHING).lines.len(), 2);
    world.deny(&web);
    match error(&world, PROD, &EVERYTHING) {
        ChooseError::NothingQualifies { line, passed_over, .. } => {
            assert_eq!(line, of("shop/web"));
            assert_eq!(passed_over[0].reason, PassReason::Denied);
        }
        other => panic!("{other}"),
    }
    assert_eq!(world.choose(&component_query("shop/api")).lines.len(), 1);
}

#[test]
fn members_say_which_lines_must_answer_and_follows_says_the_one() {
    let mut world = World::solo();
    for name in ["shop/api@1", "shop/web@1", "shop/old@1"] {
        pinned(&mut world, name);
    }
    world.change_policy(&[&ana()], |policy| {
        policy.channels[0].members = Some(vec![of("shop/web"), of("shop/api")]);
    });
    let names = |world: &World| -> Vec<ArtifactName> {
        world.choose(&EVERYTHING).lines.into_iter().map(|line| line.name).collect()
    };
    assert_eq!(names(&world), [of("shop/api"), of("shop/web")]);
    assert!(matches!(error(&world, PROD, &component_query("shop/old")), ChooseError::LineUnknown { .. }));
    world.change_policy(&[&ana()], |policy| {
        policy.channels[0].members = None;
        policy.channels[0].follows = Some(of("shop/web"));
    });
    assert_eq!(names(&world), [of("shop/web")]);
}

#[test]
fn not_and_back_need_a_component_where_there_are_several_lines() {
    let mut world = World::solo();
    let one = pinned(&mut world, "shop/api@1");
    let web = pinned(&mut world, "shop/web@1");
    pinned(&mut world, "shop/web@2");
    let not = Some(Excluded::Digest(NamedDigest::Blake3(one.digests.blake3)));
    for query in [KnownGoodQuery { not, ..EVERYTHING }, KnownGoodQuery { back: Some(1), ..EVERYTHING }] {
        assert!(matches!(error(&world, PROD, &query), ChooseError::NeedsComponent { lines: 2, .. }));
    }
    let query = KnownGoodQuery { back: Some(1), ..component_query("shop/web") };
    assert_eq!(world.choose(&query).lines[0].pin.artifact, web);
    let query = KnownGoodQuery { back: Some(BACK_MAX + 1), ..component_query("shop/web") };
    assert!(matches!(error(&world, PROD, &query), ChooseError::BackTooFar));
}

#[test]
fn current_means_nothing_where_nothing_was_deployed() {
    let mut world = World::solo();
    pinned(&mut world, "shop/web@1");
    let query = KnownGoodQuery { not: Some(Excluded::Current), ..EVERYTHING };
    assert!(matches!(error(&world, PROD, &query), ChooseError::CurrentUnknown { .. }));
}

#[test]
fn a_denied_component_ends_its_release_and_a_lift_brings_it_back() {
    let mut world = World::solo();
    let web = world.build("shop/web@1");
    let release = world.release("shop/release@1", vec![component("web", 1, &web)]);
    world.pin(&release);
    let index = world.deny(&web);
    assert!(matches!(error(&world, PROD, &EVERYTHING), ChooseError::NothingQualifies { .. }));
    world.say(Lift { deny: EntryIndex { index }, reason: of("it was the network") }, &[&ana()]);
    assert_eq!(world.choose(&EVERYTHING).lines[0].artifact.artifact, release);
}

#[test]
fn pinning_an_older_artifact_again_answers_it_under_a_higher_number() {
    let mut world = World::solo();
    let one = pinned(&mut world, "shop/web@1");
    pinned(&mut world, "shop/web@2");
    world.pin(&one);
    let choice = world.choose(&EVERYTHING);
    assert_eq!((choice.lines[0].pin.number.get(), &choice.lines[0].artifact.artifact), (3, &one));
    assert_eq!(choice.newest_entry, Some(choice.lines[0].pin.entry.index));
}

#[test]
fn the_newest_entry_is_the_newest_that_touches_the_channel() {
    let mut world = World::solo();
    let web = pinned(&mut world, "shop/web@1");
    let newest = |world: &World| world.choose(&EVERYTHING).newest_entry;
    // A freeze, its end, a deny of something else in the namespace, its end, a deployment of another line.
    let freeze = world.say(Freeze { channel: of(PROD), reason: of("a holiday"), until: None }, &[&ana()]);
    assert_eq!(newest(&world), Some(freeze));
    let entry = EntryIndex { index: freeze };
    let thaw = world.say(Thaw { freeze: entry, reason: of("back at work") }, &[&ana()]);
    assert_eq!(newest(&world), Some(thaw));
    let api = world.build("shop/api@1");
    let denied = world.deny(&api);
    assert_eq!(newest(&world), Some(denied));
    let entry = EntryIndex { index: denied };
    let lifted = world.say(Lift { deny: entry, reason: of("it was the network") }, &[&ana()]);
    assert_eq!(newest(&world), Some(lifted));
    let deployed = world.deploy(&api);
    assert_eq!(newest(&world), Some(deployed));
    // What is about another channel or about none does not touch it.
    world.build("shop/web@2");
    world.say(Freeze { channel: of("shop/staging"), reason: of("a holiday"), until: None }, &[&ana()]);
    assert_eq!(newest(&world), Some(deployed));
    world.scrub(&web, ScrubOutcome::Bad);
    let two = pinned(&mut world, "shop/web@3");
    let bad = world.scrub(&two, ScrubOutcome::Bad);
    world.scrub(&web, ScrubOutcome::Good);
    assert_eq!(newest(&world), Some(bad), "the answer follows from the scrub that failed");
}

#[test]
fn the_same_facts_give_the_same_choice() {
    let mut world = World::solo();
    for name in ["shop/api@1", "shop/web@1", "shop/web@2"] {
        let artifact = pinned(&mut world, name);
        world.deploy(&artifact);
    }
    assert_eq!(world.choose(&EVERYTHING), world.clone().choose(&EVERYTHING));
}

/// Counts the pins that a lookup reads.
struct Counting<'a> {
    world: &'a World,
    pins: Cell<usize>,
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $t:ty),*) -> $r:ty;)*) => {
        $(fn $name(&self, $($arg: $t),*) -> Result<$r, FactsError> {
            Facts::$name(&self.world.ledger, $($arg),*)
        })*
    };
}

impl Facts for Counting<'_> {
    forward! {
        size() -> TreeSize;
        newest_time() -> Option<Timestamp>;
        policy() -> Option<PolicyFact>;
        policy_at(index: LeafIndex) -> Option<PolicyFact>;
        pin(index: LeafIndex) -> Option<PinFact>;
        newest_touching(channel: &ChannelName) -> Option<LeafIndex>;
        entry_of_payload(payload: &Sha256Digest) -> Option<LeafIndex>;
        artifact(artifact: &ArtifactRef) -> Option<ArtifactFact>;
        artifact_by_digest(name: &ArtifactName, digests: &Digests) -> Option<ArtifactFact>;
        lines(channel: &ChannelName) -> Vec<ArtifactName>;
        pins_above(channel: &ChannelName, name: &ArtifactName, above: PinNumber, limit: usize) -> Vec<PinFact>;
        pins_of(artifact: &ArtifactRef) -> Vec<PinFact>;
        policies_after(index: LeafIndex) -> Vec<PolicyFact>;
        containers(component: &ArtifactRef) -> Vec<ArtifactRef>;
        hold(index: LeafIndex) -> Option<HoldFact>;
        holds(artifact: &ArtifactRef) -> Vec<HoldFact>;
        sweep(index: LeafIndex) -> Option<SweepFact>;
        generation(class: ObjectClass, namespace: &Namespace, digest: &NamedDigest) -> LeafIndex;
        deny(index: LeafIndex) -> Option<DenyFact>;
        denies_of(digests: &Digests) -> Vec<DenyFact>;
        freeze(index: LeafIndex) -> Option<FreezeFact>;
        freezes(channel: &ChannelName) -> Vec<FreezeFact>;
        deploy(index: LeafIndex) -> Option<DeployFact>;
        deploys(channel: &ChannelName, name: &ArtifactName, after: Option<LeafIndex>, limit: usize)
            -> Vec<DeployFact>;
        attest(index: LeafIndex) -> Option<AttestFact>;
        grant(index: LeafIndex) -> Option<GrantFact>;
        grant_by_token(token: &Sha256Digest) -> Option<GrantFact>;
        grant_by_claims(claims: &Sha256Digest) -> Option<GrantFact>;
        grant_by_key(key: &KeyId) -> Option<GrantFact>;
        rollback(index: LeafIndex) -> Option<RollbackFact>;
        newest_rollback(id: &Label) -> Option<RollbackFact>;
        newest_in_phase(channel: &ChannelName, drill: bool, phase: RollbackPhase) -> Option<RollbackFact>;
        snapshots(name: &ArtifactName, below: Option<LeafIndex>, limit: usize) -> Vec<ArtifactFact>;
        channels_used(after: Option<&ChannelName>, limit: usize) -> Vec<ChannelName>;
    }

    fn pins(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        below: Option<PinNumber>,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let pins = self.world.ledger.pins(channel, name, below, limit)?;
        self.pins.set(self.pins.get() + pins.len());
        Ok(pins)
    }
}

#[test]
fn a_lookup_reads_as_many_pins_of_a_long_line_as_of_a_short_one() {
    let mut world = World::with(policy());
    let artifact = world.build("shop/web@1");
    let read = |world: &World| {
        let counting = Counting { world, pins: Cell::new(0) };
        choose(&counting, &of(PROD), &EVERYTHING, world.now).unwrap();
        counting.pins.get()
    };
    for _ in 0..40 {
        world.pin(&artifact);
    }
    let short = read(&world);
    for _ in 0..200 {
        world.pin(&artifact);
    }
    assert_eq!(read(&world), short);
}
