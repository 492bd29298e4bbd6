//! Honest answers are accepted, and say what was asked.

use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery, PassReason};

use super::answers::{Client, EVERYTHING};
use super::world::{World, ana, component, of};
use crate::known_good::Mode;

#[test]
fn the_newest_pin_is_answered_with_who_signed_it_and_why() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    let answer = Client::of(&world).ask(&world, &EVERYTHING);
    let [line] = answer.lines.as_slice() else { panic!("one line") };
    assert_eq!((line.number.get(), &line.artifact), (2, &two));
    assert_eq!(line.reason.as_str(), "smoke tests passed");
    assert_eq!(line.signers[0].key, ana().public().id());
    assert_eq!(line.signers[0].principal, Some(of("ana")));
    assert!(answer.extends_seen);
    assert!(line.passed_over.is_empty());
}

#[test]
fn a_release_is_answered_with_its_closure_in_reverse_deployment_order() {
    let mut world = World::solo();
    let schema = world.build("shop/schema@1");
    let web = world.build("shop/web@1");
    let release =
        world.release("shop/release@1", vec![component("web", 2, &web), component("schema", 1, &schema)]);
    world.pin(&release);
    let answer = Client::of(&world).ask(&world, &EVERYTHING);
    let order: Vec<String> = answer.closure.iter().map(|a| a.artifact.r#ref.to_string()).collect();
    assert_eq!(order, ["shop/web@1", "shop/schema@1", "shop/release@1"]);
    assert_eq!(answer.closure[0].component, Some(of("web")));
}

#[test]
fn a_log_that_grew_and_a_policy_that_changed_are_followed() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let mut client = Client::of(&world);
    client.ask(&world, &EVERYTHING);
    for _ in 0..3 {
        world.change_policy(&[&ana()], |_| ());
    }
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    let answer = client.ask(&world, &EVERYTHING);
    assert_eq!(answer.policies.newest().policy.number.get(), 4);
    assert_eq!(answer.lines[0].artifact, two);
    assert_eq!(client.ask(&world, &EVERYTHING).lines[0].artifact, two, "the same state again");
}

#[test]
fn what_runs_is_excluded_by_name_of_current() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.deploy(&one);
    world.pin(&one);
    let two = world.build("shop/web@2.0.0");
    world.deploy(&two);
    world.pin(&two);
    let query = KnownGoodQuery { not: Some(Excluded::Current), ..EVERYTHING };
    let answer = Client::of(&world).ask(&world, &query);
    assert_eq!(answer.lines[0].artifact, one);
    assert_eq!(answer.lines[0].current, Some(two));
    assert_eq!(answer.lines[0].passed_over[0].reason, PassReason::Excluded);
    assert_eq!(answer.lines[0].issued.get(), 2, "a query never lowers what was issued");
    assert_eq!(answer.plan.len(), 1);
}

#[test]
fn a_kept_answer_is_accepted_offline_however_old_and_after_a_larger_log_was_seen() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let mut client = Client::of(&world);
    let kept = world.answer(&EVERYTHING);
    let time = world.now;
    client.ask(&world, &EVERYTHING);
    world.later(30 * 24 * 3_600_000);
    let other = world.build("shop/api@1.0.0");
    assert_eq!(other.r#ref.name().as_str(), "shop/api");
    client.ask(&world, &EVERYTHING);
    let answer = client.verify_in(&kept, &EVERYTHING, world.now, Mode::Offline).unwrap();
    assert!(!answer.extends_seen);
    assert_eq!(answer.head.time, time);
}

#[test]
fn a_pin_with_a_quarter_of_its_time_left_is_answered_with_a_warning() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    let mut pin = world.next_pin("shop/prod", &one);
    pin.expires = Some(world.now.plus_ms(4_000_000));
    world.say(pin, &[&ana()]);
    let mut client = Client::of(&world);
    world.later(2_999_000);
    assert!(client.ask(&world, &EVERYTHING).warnings.is_empty());
    world.later(1_000);
    assert_eq!(client.ask(&world, &EVERYTHING).warnings.len(), 1);
}
