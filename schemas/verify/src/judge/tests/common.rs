//! What holds for every statement: log, rule book, times, subject, and that it is new.

use holdfast_formats::limits::{ISSUED_AHEAD_MS_MAX, QUIET_LOG_MS_MAX, STATEMENT_LIFE_MS_MAX};
use holdfast_formats::statement::{Freeze, ScrubOutcome, Statement};

use super::world::{HOUR_MS, World, ana, of, policy, registry_key, scrub_of};
use crate::refusal::{Refusal, RefusalKind};
use crate::subject::statement;

fn freeze() -> Freeze {
    Freeze { channel: of("shop/prod"), reason: of("audit"), until: None }
}

fn refused(world: &mut World, change: impl FnOnce(&mut Statement)) -> Refusal {
    let mut wrong = world.statement(freeze());
    change(&mut wrong);
    world.log(&wrong, &[&ana()]).unwrap_err()
}

#[test]
fn a_good_statement_is_accepted_up_to_the_last_moment_of_its_life() {
    let mut world = World::solo();
    let good = world.statement(freeze());
    world.now = good.header.not_after;
    world.log(&good, &[&ana()]).unwrap();
}

#[test]
fn t18_a_statement_for_another_log_is_refused() {
    let mut world = World::solo();
    let mut header = world.header();
    header.log = of("registry.example/other");
    let wrong = statement(header, freeze());
    assert_eq!(world.log(&wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::WrongLog);
}

#[test]
fn t18_a_statement_sent_again_has_no_second_effect() {
    let mut world = World::solo();
    let once = world.statement(freeze());
    let index = world.log(&once, &[&ana()]).unwrap();
    assert_eq!(world.log(&once, &[&ana()]), Err(Refusal::AlreadyLogged { index }));
}

#[test]
fn t18_a_statement_presented_after_its_end_is_refused() {
    let mut world = World::solo();
    let old = world.statement(freeze());
    world.later(HOUR_MS + 1);
    let refusal = world.log(&old, &[&ana()]).unwrap_err();
    assert_eq!(refusal, Refusal::Expired { not_after: old.header.not_after, time: world.now });
}

#[test]
fn t28_a_statement_from_the_future_is_refused() {
    let mut world = World::solo();
    let now = world.now;
    let refusal = refused(&mut world, |s| {
        s.header.issued_at = now.plus_ms(ISSUED_AHEAD_MS_MAX + 1);
        s.header.not_after = s.header.issued_at;
    });
    assert!(matches!(refusal, Refusal::IssuedAhead { .. }), "{refusal}");
}

#[test]
fn a_statement_that_would_live_for_more_than_seven_days_or_less_than_nothing_is_refused() {
    let mut world = World::solo();
    let now = world.now;
    let long = refused(&mut world, |s| s.header.not_after = now.plus_ms(STATEMENT_LIFE_MS_MAX + 1));
    assert!(matches!(long, Refusal::LifeWrong { .. }), "{long}");
    let reversed = refused(&mut world, |s| s.header.issued_at = s.header.not_after.plus_ms(1));
    assert!(matches!(reversed, Refusal::IssuedAhead { .. } | Refusal::LifeWrong { .. }), "{reversed}");
}

#[test]
fn an_entry_older_than_the_newest_is_refused() {
    let mut world = World::solo();
    let earlier = world.now;
    let statement = world.statement(freeze());
    world.later(1000);
    world.say(freeze(), &[&ana()]).unwrap();
    world.now = earlier;
    let refusal = world.log(&statement, &[&ana()]).unwrap_err();
    assert!(matches!(refusal, Refusal::TimeBackwards { .. }), "{refusal}");
}

#[test]
fn t22_a_statement_whose_subject_is_not_what_its_type_demands_is_refused() {
    let mut world = World::solo();
    let gone = refused(&mut world, |s| s.subject.clear());
    assert!(matches!(gone, Refusal::SubjectWrong { .. }), "{gone}");
    let twice = refused(&mut world, |s| s.subject.extend_from_within(..));
    assert!(matches!(twice, Refusal::SubjectWrong { .. }), "{twice}");
    let other = refused(&mut world, |s| {
        for subject in &mut s.subject {
            subject.name = of("shop/staging");
        }
    });
    assert!(matches!(other, Refusal::SubjectWrong { .. }), "{other}");
}

#[test]
fn nothing_but_policy_1_begins_a_log() {
    let mut world = World::empty();
    assert_eq!(world.say(freeze(), &[&ana()]), Err(Refusal::PolicyMissing));
    let mut second = policy();
    second.number = second.number.next().unwrap();
    assert_eq!(world.say(second, &[&ana()]).unwrap_err().kind(), RefusalKind::StalePredecessor);
    world.say(policy(), &[&ana()]).unwrap();
}

#[test]
fn after_a_long_silence_the_registry_does_not_speak_first() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    world.later(QUIET_LOG_MS_MAX + 1);
    let scrub = scrub_of(&[&artifact], ScrubOutcome::Good, world.now);
    let refusal = world.say(scrub.clone(), &[&registry_key()]).unwrap_err();
    assert_eq!(refusal, Refusal::QuietLog { time: world.now });
    world.say(freeze(), &[&ana()]).unwrap();
    world.say(scrub, &[&registry_key()]).unwrap();
}

#[test]
fn after_a_long_silence_only_a_fresh_statement_is_accepted() {
    let mut world = World::solo();
    world.later(QUIET_LOG_MS_MAX - 10 * 60 * 1000);
    let stale = world.statement(freeze());
    world.later(10 * 60 * 1000 + 1);
    assert_eq!(world.log(&stale, &[&ana()]), Err(Refusal::QuietLog { time: world.now }));
    world.say(freeze(), &[&ana()]).unwrap();
}
