//! What registry and auditor choose from facts.

use std::cell::Cell;

use holdfast_formats::name::ArtifactName;
use holdfast_formats::statement::{Artifact, EntryIndex, Lift};
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery, PassReason};

use super::answers::EVERYTHING;
use super::world::{PROD, World, ana, component, of, policy};
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
    assert!(matches!(&error, ChooseError::NothingQualifies { passed_over, .. } if passed_over.is_empty()), "{error}");
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
    world.change_policy(&[&ana()], |policy| policy.channels[0].follows = Some(of("shop/web")));
    assert_eq!(names(&world), [of("shop/web")]);
}

#[test]
fn not_and_back_need_a_component_where_there_are_several_lines() {
    let mut world = World::solo();
    let one = pinned(&mut world, "shop/api@1");
    let web = pinned(&mut world, "shop/web@1");
    pinned(&mut world, "shop/web@2");
    let not = Some(Excluded::Digest(holdfast_formats::digest::NamedDigest::Blake3(one.digests.blake3)));
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
        $(fn $name(&self, $($arg: $t),*) -> Result<$r, crate::facts::FactsError> {
            crate::facts::Facts::$name(&self.world.ledger, $($arg),*)
        })*
    };
}

impl crate::facts::Facts for Counting<'_> {
    forward! {
        size() -> holdfast_formats::tree::TreeSize;
        newest_time() -> Option<holdfast_formats::time::Timestamp>;
        policy() -> Option<crate::facts::PolicyFact>;
        entry_of_payload(payload: &holdfast_formats::digest::Sha256Digest) -> Option<holdfast_formats::tree::LeafIndex>;
        artifact(artifact: &holdfast_formats::reference::ArtifactRef) -> Option<crate::facts::ArtifactFact>;
        artifact_by_digest(name: &ArtifactName, digests: &holdfast_formats::digest::Digests) -> Option<crate::facts::ArtifactFact>;
        lines(channel: &holdfast_formats::name::ChannelName) -> Vec<ArtifactName>;
        deny(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::DenyFact>;
        denies_of(digests: &holdfast_formats::digest::Digests) -> Vec<crate::facts::DenyFact>;
        freeze(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::FreezeFact>;
        freezes(channel: &holdfast_formats::name::ChannelName) -> Vec<crate::facts::FreezeFact>;
        deploy(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::DeployFact>;
        deploys(channel: &holdfast_formats::name::ChannelName, name: &ArtifactName, after: Option<holdfast_formats::tree::LeafIndex>, limit: usize) -> Vec<crate::facts::DeployFact>;
        attest(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::AttestFact>;
        grant(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::GrantFact>;
        grant_by_token(token: &holdfast_formats::digest::Sha256Digest) -> Option<crate::facts::GrantFact>;
        grant_by_key(key: &holdfast_formats::key::KeyId) -> Option<crate::facts::GrantFact>;
        rollback(index: holdfast_formats::tree::LeafIndex) -> Option<crate::facts::RollbackFact>;
        newest_rollback(id: &holdfast_formats::text::Label) -> Option<crate::facts::RollbackFact>;
    }

    fn pins(
        &self,
        channel: &holdfast_formats::name::ChannelName,
        name: &ArtifactName,
        below: Option<holdfast_formats::number::PinNumber>,
        limit: usize,
    ) -> Result<Vec<crate::facts::PinFact>, crate::facts::FactsError> {
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
