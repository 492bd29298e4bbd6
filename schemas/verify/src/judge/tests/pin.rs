//! `pin`: places on a line, what may stand there, and until when.

use holdfast_formats::limits::INTEGER_MAX;
use holdfast_formats::number::{PinNumber, Seconds};
use holdfast_formats::statement::{Artifact, DenyScope, ScrubOutcome};

use super::world::{DAY_MS, HOUR_MS, World, ana, bob, deny, of, other_digests, policy, unpublished};
use crate::refusal::{Refusal, RefusalKind};

#[test]
fn pins_of_a_line_are_numbered_from_one_and_name_their_predecessor() {
    let mut world = World::solo();
    let one = world.scrubbed("shop/web@1.0.0");
    let two = world.scrubbed("shop/web@2.0.0");
    let other = world.scrubbed("shop/api@1.0.0");
    for artifact in [&one, &two, &one, &other] {
        world.pin("shop/prod", artifact, &[&ana()]).unwrap();
    }
    let newest = |name: &str| world.newest_pin("shop/prod", name).unwrap().number.get();
    assert_eq!((newest("shop/web"), newest("shop/api")), (3, 1), "lines do not wait for each other");
}

#[test]
fn pin_with_a_stale_predecessor_is_refused() {
    let mut world = World::solo();
    let artifact = world.scrubbed("shop/web@1.0.0");
    let first = world.next_pin("shop/prod", &artifact);
    world.say(first.clone(), &[&ana()]).unwrap();
    let expected = PinNumber::FIRST.next().unwrap();
    let stale = Refusal::StalePin { channel: of("shop/prod"), given: first.number, expected };
    assert_eq!(world.say(first, &[&ana()]).unwrap_err(), stale);
    world.pin("shop/prod", &artifact, &[&ana()]).unwrap();
    let good = world.next_pin("shop/prod", &artifact);
    let mut unnamed = good.clone();
    unnamed.predecessor = None;
    let mut forked = good.clone();
    forked.predecessor = forked.predecessor.map(|mut entry| {
        entry.leaf = holdfast_formats::tree::TreeHash::empty();
        entry
    });
    for wrong in [unnamed, forked] {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::StalePredecessor);
    }
    world.say(good, &[&ana()]).unwrap();
}

#[test]
fn t31_a_pin_number_that_jumps_is_refused() {
    let mut world = World::solo();
    let artifact = world.scrubbed("shop/web@1.0.0");
    world.pin("shop/prod", &artifact, &[&ana()]).unwrap();
    for number in [0, 1, 3, INTEGER_MAX] {
        let mut pin = world.next_pin("shop/prod", &artifact);
        pin.number = PinNumber::new(number).unwrap();
        assert_eq!(world.say(pin, &[&ana()]).unwrap_err().kind(), RefusalKind::StalePredecessor, "{number}");
    }
    world.pin("shop/prod", &artifact, &[&ana()]).unwrap();
}

#[test]
fn t19_only_the_published_artifact_under_its_own_name_is_pinned() {
    let mut world = World::solo();
    let artifact = world.scrubbed("shop/web@1.0.0");
    let mut under_another = world.next_pin("shop/prod", &artifact);
    under_another.name = of("shop/api");
    assert_eq!(world.say(under_another, &[&ana()]).unwrap_err().kind(), RefusalKind::Malformed);
    let swapped = world.pin("shop/prod", &other_digests(&artifact), &[&ana()]).unwrap_err();
    assert!(matches!(swapped, Refusal::DigestsDiffer { .. }), "{swapped}");
    let absent = world.pin("shop/prod", &unpublished("shop/web@9"), &[&ana()]).unwrap_err();
    assert!(matches!(absent, Refusal::ArtifactNotFound { .. }), "{absent}");
}

#[test]
fn a_channel_without_a_rule_is_not_pinned() {
    let mut policy = policy();
    policy.channels.iter_mut().for_each(|rule| rule.pattern = of("shop/prod"));
    let mut world = World::with(policy);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let refusal = world.pin("shop/staging", &artifact, &[&ana()]).unwrap_err();
    assert_eq!(refusal, Refusal::ChannelUnknown { channel: of("shop/staging") });
}

#[test]
fn a_channel_that_follows_a_line_or_has_members_takes_no_other_line() {
    let mut follows = policy();
    follows.channels.iter_mut().for_each(|rule| rule.follows = Some(of("shop/web")));
    let mut members = policy();
    members.channels.iter_mut().for_each(|rule| rule.members = Some(vec![of("shop/db"), of("shop/web")]));
    for policy in [follows, members] {
        let mut world = World::with(policy);
        let web = world.scrubbed("shop/web@1.0.0");
        let api = world.scrubbed("shop/api@1.0.0");
        world.pin("shop/prod", &web, &[&ana()]).unwrap();
        assert!(matches!(world.pin("shop/prod", &api, &[&ana()]), Err(Refusal::NotALine { .. })));
    }
}

#[test]
fn what_is_denied_here_is_not_pinned_and_what_is_denied_elsewhere_is() {
    let mut world = World::solo();
    let artifact = world.scrubbed("shop/web@1.0.0");
    world.say(deny(&artifact, DenyScope::Channel, Some("shop/prod")), &[&ana()]).unwrap();
    assert_eq!(world.pin("shop/prod", &artifact, &[&ana()]).unwrap_err().kind(), RefusalKind::Denied);
    world.pin("shop/staging", &artifact, &[&ana()]).unwrap();
}

/// A release of two builds, all of it published and none of it read back.
fn release(world: &mut World) -> [Artifact; 3] {
    let web = world.published("shop/web@1.0.0");
    let api = world.published("shop/api@1.0.0");
    let publish = world.release("shop/release@1.0.0", &[web.clone(), api.clone()]);
    let release = Artifact { r#ref: of("shop/release@1.0.0"), digests: publish.manifest.digests };
    world.say(publish, &[&ana()]).unwrap();
    [release, web, api]
}

#[test]
fn a_pin_waits_for_a_good_scrub_of_every_held_component() {
    let mut world = World::solo();
    let [release, web, api] = release(&mut world);
    let missing = |world: &mut World| match world.pin("shop/prod", &release, &[&ana()]) {
        Err(Refusal::NotScrubbed { artifacts }) => {
            artifacts.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&mut world), ["shop/release@1.0.0", "shop/web@1.0.0", "shop/api@1.0.0"]);
    world.scrub(&[&release, &web], ScrubOutcome::Good);
    world.scrub(&[&api], ScrubOutcome::Missing);
    assert_eq!(missing(&mut world), ["shop/api@1.0.0"]);
    world.scrub(&[&api], ScrubOutcome::Good);
    world.scrub(&[&web], ScrubOutcome::Bad);
    assert_eq!(missing(&mut world), ["shop/web@1.0.0"], "the newest scrub counts");
    world.scrub(&[&web], ScrubOutcome::Good);
    world.pin("shop/prod", &release, &[&ana()]).unwrap();
}

#[test]
fn a_release_with_a_denied_component_is_not_pinned() {
    let mut world = World::solo();
    let [release, web, api] = release(&mut world);
    world.scrub(&[&release, &web, &api], ScrubOutcome::Good);
    let index = world.say(deny(&api, DenyScope::Namespace, None), &[&ana()]).unwrap();
    let refusal = world.pin("shop/prod", &release, &[&ana()]).unwrap_err();
    assert_eq!(refusal, Refusal::Denied { artifact: api.r#ref, deny: index, reason: of("it loses orders") });
}

#[test]
fn a_pin_expires_at_its_own_date_or_at_the_channels_whichever_is_earlier() {
    let mut policy = policy();
    policy.channels.iter_mut().for_each(|rule| rule.pin_expires_s = Some(Seconds::new(24 * 3600).unwrap()));
    let mut world = World::with(policy);
    let artifact = world.scrubbed("shop/web@1.0.0");
    let now = world.now;
    for (own, effective) in [(None, DAY_MS), (Some(HOUR_MS), HOUR_MS), (Some(2 * DAY_MS), DAY_MS)] {
        let mut pin = world.next_pin("shop/prod", &artifact);
        pin.expires = own.map(|ms| now.plus_ms(ms));
        world.say(pin, &[&ana()]).unwrap();
        let newest = world.newest_pin("shop/prod", "shop/web").unwrap();
        assert_eq!(newest.expires, Some(now.plus_ms(effective)));
    }
    let mut past = world.next_pin("shop/prod", &artifact);
    past.expires = Some(now);
    assert!(matches!(world.say(past, &[&ana()]), Err(Refusal::NotInTheFuture { .. })));
}

#[test]
fn who_may_not_pin_starts_no_scrub_and_learns_nothing() {
    let mut world = World::solo();
    for artifact in [world.published("shop/web@1.0.0"), unpublished("shop/web@9")] {
        let refusal = world.pin("shop/prod", &artifact, &[&bob()]).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::RoleMissing);
    }
}
