//! `rollback` and `scrub`.

use holdfast_formats::statement::{
    Artifact, Rollback, RollbackPhase, RollbackTarget, RollbackTimes, ScrubOutcome, Trigger,
};

use RollbackPhase as P;

use super::world::{World, ana, bob, of, registry_key, scrub_of, unpublished};
use crate::refusal::{Refusal, RefusalKind};

/// One phase of a rollback.
pub(crate) fn rollback(
    id: &str,
    phase: RollbackPhase,
    channel: &str,
    drill: bool,
    from: &Artifact,
) -> Rollback {
    let times = RollbackTimes {
        detected: None,
        decided: None,
        started: None,
        restored: None,
        verified: None,
        ended: None,
    };
    let trigger =
        Trigger { signal: of("errors"), source: of("alerts"), threshold: None, observed: None, rule: None };
    Rollback {
        rollback_id: of(id),
        drill,
        phase,
        channel: of(channel),
        from: from.clone(),
        to: None,
        plan_digest: None,
        trigger,
        calendar_window: None,
        owner: of("ana"),
        lead: None,
        approvals: None,
        scope: None,
        irreversible_accepted: None,
        safety_snapshot: None,
        steps: None,
        times,
        downtime_s: None,
        achieved: None,
        inconsistencies: None,
        checks: None,
        reason: of("it loses orders"),
        cause: None,
        near_miss: None,
        actions: None,
    }
}

#[test]
fn the_phases_of_a_rollback_go_forward_and_end() {
    let mut world = World::solo();
    let from = world.published("shop/web@2.0.0");
    let mut say = |phase| world.say(rollback("r1", phase, "shop/prod", false, &from), &[&ana()]);
    say(P::Detected).unwrap();
    say(P::Started).unwrap();
    say(P::Started).expect("each step done is reported by saying again that it is started");
    for phase in [P::Detected, P::Decided] {
        assert!(matches!(say(phase), Err(Refusal::RollbackConflict { .. })), "{phase}");
    }
    say(P::Succeeded).unwrap();
    for phase in P::ALL {
        assert!(matches!(say(*phase), Err(Refusal::RollbackConflict { .. })), "{phase}");
    }
}

#[test]
fn a_rollback_keeps_its_channel_and_stays_a_drill_or_a_real_one() {
    let mut world = World::solo();
    let from = world.published("shop/web@2.0.0");
    world.say(rollback("r1", RollbackPhase::Detected, "shop/prod", false, &from), &[&ana()]).unwrap();
    let moved = rollback("r1", RollbackPhase::Started, "shop/staging", false, &from);
    let turned = rollback("r1", RollbackPhase::Started, "shop/prod", true, &from);
    for wrong in [moved, turned] {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::Conflict);
    }
    let absent = rollback("r2", RollbackPhase::Started, "shop/prod", false, &unpublished("shop/web@9"));
    assert_eq!(world.say(absent, &[&ana()]).unwrap_err().kind(), RefusalKind::NotFound);
    let by_nobody = rollback("r2", RollbackPhase::Started, "shop/prod", false, &from);
    assert_eq!(world.say(by_nobody, &[&bob()]).unwrap_err().kind(), RefusalKind::RoleMissing);
}

#[test]
fn a_rollback_goes_back_to_a_pin_of_its_channel_and_to_what_that_names() {
    let mut world = World::solo();
    let (to, from) = (world.scrubbed("shop/web@1"), world.published("shop/web@2"));
    let pin = world.pin("shop/prod", &to, &[&ana()]).unwrap();
    let elsewhere = world.pin("shop/staging", &to, &[&ana()]).unwrap();
    let goes = |pin, digests| {
        let to = Some(RollbackTarget { pin, digests });
        Rollback { to, ..rollback("r1", RollbackPhase::Decided, "shop/prod", false, &from) }
    };
    let what = "pin of these digests in this channel";
    for (index, digests) in [(elsewhere, to.digests), (pin, from.digests), (of("0"), to.digests)] {
        let refusal = world.say(goes(index, digests), &[&ana()]);
        assert_eq!(refusal, Err(Refusal::EntryNotFound { what, index }));
    }
    world.say(goes(pin, to.digests), &[&ana()]).unwrap();
}

#[test]
fn only_the_registry_says_what_it_read_back() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let good = scrub_of(&[&artifact], ScrubOutcome::Good, world.now);
    assert!(matches!(world.say(good.clone(), &[&ana()]), Err(Refusal::RegistryOnly { .. })));
    world.say(good, &[&registry_key()]).unwrap();
}

#[test]
fn a_scrub_covers_published_artifacts_with_their_digests() {
    let mut world = World::solo();
    let absent = unpublished("shop/web@9");
    let mut say = |artifacts: &[&Artifact]| {
        let scrub = scrub_of(artifacts, ScrubOutcome::Good, world.now);
        world.say(scrub, &[&registry_key()]).unwrap_err().kind()
    };
    assert_eq!(say(&[&absent]), RefusalKind::NotFound);
    assert_eq!(say(&[]), RefusalKind::Malformed);
}
