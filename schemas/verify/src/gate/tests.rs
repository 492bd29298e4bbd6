use holdfast_formats::policy::CalendarRule;
use holdfast_formats::statement::{EntryIndex, Freeze, Thaw};

use super::*;
use crate::known_good::tests::world::{PROD, World, ana, component, of};

fn reasons(world: &World, channel: &str, artifact: &str) -> Vec<GateReason> {
    gate(&world.ledger, &of(channel), &of(artifact), world.now).unwrap()
}

#[test]
fn what_is_published_and_intact_may_go() {
    let mut world = World::solo();
    world.build("shop/web@1");
    assert_eq!(reasons(&world, PROD, "shop/web@1"), []);
}

#[test]
fn what_is_not_published_may_not_go_and_an_unknown_channel_takes_nothing() {
    let mut world = World::solo();
    world.change_policy(&[&ana()], |policy| policy.channels[0].pattern = of("shop/*"));
    let said = reasons(&world, "bank/prod", "shop/web@1");
    assert!(
        matches!(said[..], [GateReason::ChannelUnknown { .. }, GateReason::NotPublished { .. }]),
        "{said:?}"
    );
}

#[test]
fn a_release_with_a_denied_or_damaged_component_may_not_go() {
    let mut world = World::solo();
    let web = world.build("shop/web@1");
    world.release("shop/release@1", vec![component("web", 1, &web)]);
    let deny = world.deny(&web);
    let scrub = world.scrub(&web, ScrubOutcome::Missing);
    let said = reasons(&world, PROD, "shop/release@1");
    let [GateReason::Denied { artifact, deny: by, .. }, GateReason::NotIntact { scrub: found, .. }] =
        &said[..]
    else {
        panic!("{said:?}")
    };
    assert_eq!((artifact, *by, *found), (&web.r#ref, deny, scrub));
}

#[test]
fn a_freeze_holds_until_it_is_thawed_or_its_time_is_up() {
    let mut world = World::solo();
    world.build("shop/web@1");
    let until = Some(world.now.plus_ms(1000));
    let freeze = Freeze { channel: of(PROD), reason: of("audit"), until };
    let first = world.say(freeze.clone(), &[&ana()]);
    let second = world.say(Freeze { until: None, ..freeze }, &[&ana()]);
    assert_eq!(reasons(&world, PROD, "shop/web@1").len(), 2);
    assert_eq!(reasons(&world, "shop/staging", "shop/web@1"), []);
    world.later(1000);
    let said = reasons(&world, PROD, "shop/web@1");
    assert!(matches!(said[..], [GateReason::Frozen { freeze, .. }] if freeze == second && freeze != first));
    world.say(Thaw { freeze: EntryIndex { index: second }, reason: of("done") }, &[&ana()]);
    assert_eq!(reasons(&world, PROD, "shop/web@1"), []);
}

#[test]
fn the_first_calendar_entry_that_covers_the_moment_decides() {
    let mut world = World::solo();
    world.build("shop/web@1");
    let now = world.now;
    let entry = |until_ms, rule| CalendarRule { from: now, until: now.plus_ms(until_ms), rule };
    world.change_policy(&[&ana()], |policy| {
        policy.channels[0].calendar =
            Some(vec![entry(1000, CalendarWord::Allow), entry(2000, CalendarWord::Freeze)]);
    });
    assert_eq!(reasons(&world, PROD, "shop/web@1"), []);
    world.later(1000);
    let until = now.plus_ms(2000);
    assert_eq!(reasons(&world, PROD, "shop/web@1"), [GateReason::CalendarFrozen { until }]);
    world.later(1000);
    assert_eq!(reasons(&world, PROD, "shop/web@1"), []);
}
