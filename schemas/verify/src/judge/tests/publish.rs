//! `publish`: names, manifests, components and windows.

use holdfast_formats::StrictMap;
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::Kind;
use holdfast_formats::number::{ByteSize, Seconds};
use holdfast_formats::policy::Window;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, Keep, Publish, WindowMode};

use super::world::{DAY_MS, World, ana, bob, of, other_digests, policy, registry_key, unpublished};
use crate::facts::{ArtifactFact, Facts as _};
use crate::refusal::{Refusal, RefusalKind};

fn fact(world: &World, artifact: &str) -> ArtifactFact {
    world.ledger.artifact(&of::<ArtifactRef>(artifact)).unwrap().unwrap()
}

fn refused(change: impl FnOnce(&mut Publish)) -> Refusal {
    let mut world = World::solo();
    let mut wrong = world.build("shop/web@1.0.0", "a");
    change(&mut wrong);
    world.say(wrong, &[&ana()]).unwrap_err()
}

#[test]
fn a_name_taken_with_another_digest_is_refused_and_with_the_same_says_which_entry() {
    let mut world = World::solo();
    let first = world.build("shop/web@1.0.0", "a");
    let index = world.say(first.clone(), &[&ana()]).unwrap();
    let artifact: ArtifactRef = of("shop/web@1.0.0");
    let again = world.say(first, &[&ana()]).unwrap_err();
    assert_eq!(again, Refusal::AlreadyPublished { artifact: artifact.clone(), index });
    let other = world.build("shop/web@1.0.0", "b");
    assert_eq!(world.say(other, &[&ana()]).unwrap_err(), Refusal::NameTaken { artifact, index });
}

#[test]
fn a_moving_tag_is_never_a_version() {
    assert!(matches!(refused(|p| p.version = of("latest")), Refusal::MovingTag { .. }));
}

#[test]
fn a_namespace_without_a_rule_takes_nothing() {
    let mut policy = policy();
    policy.namespaces.clear();
    let mut world = World::with(policy);
    let publish = world.build("shop/web@1.0.0", "a");
    assert!(matches!(world.say(publish, &[&ana()]), Err(Refusal::NamespaceUnknown { .. })));
}

#[test]
fn a_manifest_that_is_missing_or_another_is_refused() {
    let missing = refused(|p| p.manifest.digests = Digests::of(b"never stored"));
    assert_eq!(missing.kind(), RefusalKind::AttachmentMissing);
    let blake3 = Digests::of(b"other").blake3;
    assert_eq!(refused(|p| p.manifest.digests.blake3 = blake3).kind(), RefusalKind::AttachmentMismatch);
    assert_eq!(refused(|p| p.manifest.size = ByteSize::of(b"1")).kind(), RefusalKind::AttachmentMismatch);
    assert_eq!(refused(|p| p.size_bytes = ByteSize::of(b"12")).kind(), RefusalKind::AttachmentMismatch);
    assert_eq!(refused(|p| p.kind = Kind::Config).kind(), RefusalKind::AttachmentMismatch);
}

#[test]
fn a_manifest_of_another_media_type_is_not_accepted_yet() {
    let refusal = refused(|p| p.manifest.media_type = of("application/vnd.oci.image.manifest.v1+json"));
    assert_eq!(refusal.kind(), RefusalKind::Unsupported);
}

#[test]
fn t19_a_release_repeats_exactly_the_held_components_of_its_manifest() {
    let mut world = World::solo();
    let web = world.published("shop/web@1.0.0");
    let config = world.published("shop/config@1.0.0");
    let good = world.release("shop/release@1.0.0", &[web.clone(), config]);
    let mut none = good.clone();
    none.components = None;
    let mut reversed = good.clone();
    reversed.components.as_mut().unwrap().reverse();
    let mut other = good.clone();
    other.components.as_mut().unwrap()[0].digests = other_digests(&web).digests;
    for wrong in [none, reversed, other] {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::AttachmentMismatch);
    }
    world.say(good, &[&ana()]).unwrap();
    assert_eq!(fact(&world, "shop/release@1.0.0").components.len(), 2);
}

#[test]
fn t19_components_are_published_before_their_release_with_the_same_digests() {
    let mut world = World::solo();
    let web = world.published("shop/web@1.0.0");
    let absent = world.release("shop/release@1.0.0", &[unpublished("shop/config@1.0.0")]);
    assert!(matches!(world.say(absent, &[&ana()]), Err(Refusal::Component { .. })));
    let mixed = Artifact { r#ref: of("shop/web@1.0.0"), digests: Digests::of(b"other") };
    let mixed = world.release("shop/release@1.0.0", &[mixed]);
    assert!(matches!(world.say(mixed, &[&ana()]), Err(Refusal::Component { .. })));
    let inner = world.release("shop/inner@1.0.0", &[web]);
    let inner_artifact = Artifact { r#ref: of("shop/inner@1.0.0"), digests: inner.manifest.digests };
    world.say(inner, &[&ana()]).unwrap();
    let outer = world.release("shop/outer@1.0.0", &[inner_artifact]);
    assert!(matches!(world.say(outer, &[&ana()]), Err(Refusal::Component { .. })));
}

#[test]
fn a_window_is_the_longer_of_class_and_wish_within_the_most_that_policy_allows() {
    let mut policy = policy();
    let week = Window { keep_s: Seconds::new(7 * 24 * 3600).unwrap(), mode: WindowMode::Compliance };
    for rule in &mut policy.namespaces {
        rule.windows = StrictMap::from_iter([(of("build"), week.clone())]);
        rule.keep_max_s = Seconds::new(30 * 24 * 3600).unwrap();
    }
    let mut world = World::with(policy);
    let now = world.now;
    let ask = |days: u64| Some(Keep { class: None, until: Some(now.plus_ms(days * DAY_MS)), mode: None });
    for (version, keep, days) in [("1", None, 7), ("2", ask(3), 7), ("3", ask(30), 30)] {
        let artifact = format!("shop/web@{version}");
        let mut publish = world.build(&artifact, version);
        publish.keep = keep;
        world.say(publish, &[&ana()]).unwrap();
        assert_eq!(fact(&world, &artifact).window.until, Some(now.plus_ms(days * DAY_MS)), "{artifact}");
    }
    let mut long = world.build("shop/web@4", "4");
    long.keep = ask(31);
    assert!(matches!(world.say(long, &[&ana()]), Err(Refusal::KeepTooLong { .. })));
    let mut weaker = world.build("shop/web@4", "4");
    weaker.keep = Some(Keep { class: None, until: None, mode: Some(WindowMode::Governance) });
    assert!(matches!(world.say(weaker, &[&ana()]), Err(Refusal::KeepWeaker { .. })));
}

#[test]
fn a_publisher_is_needed_and_the_registry_is_none() {
    let mut world = World::solo();
    let publish = world.build("shop/web@1.0.0", "a");
    for key in [bob(), registry_key()] {
        assert_eq!(world.say(publish.clone(), &[&key]).unwrap_err().kind(), RefusalKind::RoleMissing);
    }
}
