//! Channels: pins, what is answered, what is passed over and why, and what may be deployed.

use std::time::Duration;

use anyhow::Result;
use holdfast_client::{Draft, Lookup};
use holdfast_formats::limits::INTEGER_MAX;
use holdfast_formats::number::{ByteSize, PinNumber};
use holdfast_formats::statement::{DeployPhase, Direction, EntryIndex, Predicate, Scrub, ScrubOutcome};
use holdfast_formats::wire::v1::{Excluded, ExitCode, HistoryQuery, PassReason, ProblemCode};
use holdfast_registry::log::NodeKeys;
use holdfast_tests::{Person, TestRegistry, deploy, of};

const MINUTE: Duration = Duration::from_mins(1);

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

/// What was passed over on the one line of an answer: version and reason, newest first.
fn passed(lookup: &Lookup) -> Vec<(String, PassReason)> {
    let passed = lookup.answer.get().lines.iter().flat_map(|line| &line.passed_over);
    passed.map(|link| (link.artifact.r#ref.to_string(), link.reason)).collect()
}

fn answered(lookup: &Lookup) -> Vec<String> {
    lookup.answer.get().lines.iter().map(|line| line.artifact.r#ref.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_with_a_stale_predecessor_is_refused() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let (one, two) = (ana.publish("shop/web@1", "1").await?, ana.publish("shop/web@2", "2").await?);
    let first = ana.draft_pin("shop/prod", &one, |_| {}).await?;
    let second = ana.draft_pin("shop/prod", &two, |_| {}).await?;
    ana.registry().submit(first).await?;
    let refused = ana.registry().submit(second).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::StalePredecessor), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Conflict);
    assert!(refused.to_string().contains("holdfast history shop/prod"), "{refused}");
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_number_at_the_maximum_is_refused() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let mut draft = ana.draft_pin("shop/prod", &artifact, |_| {}).await?;
    let Predicate::Pin(pin) = &mut draft.predicate else { panic!("a pin was drafted") };
    pin.number = PinNumber::new(INTEGER_MAX)?;
    let refused = ana.registry().submit(draft).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::StalePredecessor), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_starts_the_missing_scrub_and_waits_for_it() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    assert!(ana.registry().artifact(&of("shop/web@1")).await?.scrub().is_none());
    let pinned = ana.pin("shop/prod", &artifact).await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    let scrub = record.scrub().expect("the pin made the registry read it back").get();
    assert!(scrub.index() < pinned.index);
    let Predicate::Scrub(said) = &scrub.statement().predicate else { panic!("it is a scrub") };
    assert_eq!(
        (said.outcome, said.artifacts.as_slice()),
        (ScrubOutcome::Good, [artifact.clone()].as_slice())
    );

    // The second pin of the same bytes finds them read back already.
    let again = ana.pin("shop/canary", &artifact).await?;
    assert_eq!(again.index.get(), pinned.index.get() + 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_passes_the_pin_over_and_a_lift_brings_it_back() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    let deny = ana.deny(&two, None).await?;
    let lookup = ana.known_good("shop/prod").await?;
    assert_eq!(answered(&lookup), ["shop/web@1"]);
    assert_eq!(passed(&lookup), [("shop/web@2".to_owned(), PassReason::Denied)]);
    let line = &lookup.answer.get().lines[0];
    assert_eq!(
        (line.passed_over[0].ended_by, line.issued.get(), line.number.get()),
        (Some(deny.index), 2, 1)
    );

    let refused = ana.pin("shop/prod", &two).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Denied), "{refused}");
    ana.lift(deny.index).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    let twice = ana.lift(deny.index).await.unwrap_err();
    assert_eq!(twice.exit(), ExitCode::Ended, "{twice}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_on_one_channel_leaves_the_others_alone() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    ana.pin("shop/canary", &one).await?;
    ana.pin("shop/canary", &two).await?;
    ana.deny(&two, Some("shop/canary")).await?;
    assert_eq!(ana.answer("shop/canary").await?, ["shop/web@1"]);
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_to_pass_a_pin_over_is_given_with_its_proof() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let bob = ana.colleague(None)?;
    ana.amend(|policy| {
        policy.principals.push(bob.principal("bob"));
        for rule in &mut policy.roles {
            rule.principals.push(of("bob"));
        }
    })
    .await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;

    let expiring = ana.publish("shop/web@2", "2").await?;
    let soon = registry.clock().timestamp().plus_ms(3_600_000);
    let draft = ana.draft_pin("shop/prod", &expiring, |pin| pin.expires = Some(soon)).await?;
    ana.registry().submit(draft).await?;

    let distrusted = ana.publish("shop/web@3", "3").await?;
    let draft = ana.draft_pin("shop/prod", &distrusted, |_| {}).await?;
    let prepared = ana.registry().prepare(draft)?.signed_by(&bob.signer()).await?;
    ana.registry().submit_prepared(&prepared).await?;

    let rotten = ana.publish_and_pin("shop/prod", "shop/web@4").await?;
    let denied = ana.publish_and_pin("shop/prod", "shop/web@5").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@5"]);

    registry.advance(Duration::from_secs(3601)).await?;
    let policy = ana
        .amend(|policy| {
            policy.distrust.push(holdfast_formats::policy::Distrust {
                key: bob.key().public(),
                from_entry: of("0"),
                reason: of("the laptop was stolen"),
            });
        })
        .await?;
    let now = registry.clock().timestamp();
    let scrub = Scrub {
        artifacts: vec![rotten],
        outcome: ScrubOutcome::Bad,
        bytes: ByteSize::of(b"4"),
        started: now,
        ended: now,
        bad: None,
    };
    let keys = NodeKeys::load(&registry.keys_folder())?.expect("the registry has keys");
    let prepared = ana
        .registry()
        .prepare(Draft::new(scrub))?
        .signed_by(&keys.acting(None)?.registry().clone().into())
        .await?;
    let scrub = ana.registry().submit_prepared(&prepared).await?;
    let deny = ana.deny(&denied, None).await?;

    let lookup = ana.known_good("shop/prod").await?;
    assert_eq!(answered(&lookup), ["shop/web@1"]);
    let expected = [
        ("shop/web@5", PassReason::Denied),
        ("shop/web@4", PassReason::ScrubFailed),
        ("shop/web@3", PassReason::Distrusted),
        ("shop/web@2", PassReason::Expired),
    ];
    assert_eq!(passed(&lookup), expected.map(|(version, reason)| (version.to_owned(), reason)));
    let ended: Vec<_> = lookup.answer.get().lines[0].passed_over.iter().map(|link| link.ended_by).collect();
    assert_eq!(ended, [Some(deny.index), Some(scrub.index), Some(policy.index), None]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn not_current_is_what_the_last_deployment_reported() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    let unknown = ana.ask("shop/prod", |query| query.not = Some(Excluded::Current)).await.unwrap_err();
    assert_eq!(unknown.exit(), ExitCode::NothingQualifies, "{unknown}");

    ana.deploy("shop/prod", &two, DeployPhase::Started).await?;
    let lookup = ana.ask("shop/prod", |query| query.not = Some(Excluded::Current)).await?;
    assert_eq!(answered(&lookup), ["shop/web@1"]);
    assert_eq!(passed(&lookup), [("shop/web@2".to_owned(), PassReason::Excluded)]);
    assert_eq!(lookup.answer.get().lines[0].current.as_ref(), Some(&two));

    // A version that nobody ever pinned may be current as well.
    let three = ana.publish("shop/web@3", "3").await?;
    ana.deploy("shop/prod", &three, DeployPhase::Failed).await?;
    let lookup = ana.ask("shop/prod", |query| query.not = Some(Excluded::Current)).await?;
    assert_eq!(answered(&lookup), ["shop/web@2"]);

    let digest = Excluded::Digest(holdfast_formats::digest::NamedDigest::Blake3(two.digests.blake3));
    let lookup = ana.ask("shop/prod", |query| query.not = Some(digest)).await?;
    assert_eq!(answered(&lookup), ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn back_steps_over_answers_and_at_looks_at_pins_of_then_with_denies_of_now() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let mut times = Vec::new();
    for version in 1..=4 {
        ana.publish_and_pin("shop/prod", &format!("shop/web@{version}")).await?;
        times.push(registry.clock().timestamp());
        registry.advance(MINUTE).await?;
    }
    let back = ana.ask("shop/prod", |query| query.back = Some(2)).await?;
    assert_eq!(answered(&back), ["shop/web@2"]);
    assert_eq!(
        passed(&back).iter().map(|(_, reason)| *reason).collect::<Vec<_>>(),
        [PassReason::SteppedBack; 2]
    );

    let at = ana.ask("shop/prod", |query| query.at = Some(times[2])).await?;
    assert_eq!(answered(&at), ["shop/web@3"]);
    assert_eq!(passed(&at), [("shop/web@4".to_owned(), PassReason::TooNew)]);

    let three = ana.registry().resolve(&of("shop/web@3")).await?;
    ana.deny(&three, None).await?;
    let at = ana.ask("shop/prod", |query| query.at = Some(times[2])).await?;
    assert_eq!(answered(&at), ["shop/web@2"], "what is denied now was not known to be bad then");

    let too_far = ana.ask("shop/prod", |query| query.back = Some(3)).await.unwrap_err();
    assert_eq!(too_far.exit(), ExitCode::NothingQualifies, "{too_far}");
    assert_eq!(ana.ask("shop/prod", |q| q.back = Some(101)).await.unwrap_err().exit(), ExitCode::Usage);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_refuses_only_the_start_of_a_forward_deployment() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let (channel, reference) = (of("shop/prod"), of("shop/web@1"));
    assert!(ana.registry().gate(&channel, &reference).await?.allowed);
    ana.deploy("shop/prod", &one, DeployPhase::Started).await?;
    let freeze = ana.freeze("shop/prod").await?;

    let gate = ana.registry().gate(&channel, &reference).await?;
    assert!(!gate.allowed && gate.reasons[0].as_str().contains("a holiday"), "{gate:?}");
    let refused = ana.deploy("shop/prod", &one, DeployPhase::Started).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Frozen), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Refused);
    ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    let mut back = deploy("shop/prod", &one, DeployPhase::Started, registry.clock().timestamp());
    back.direction = Direction::Rollback;
    ana.say(back).await?;
    ana.deploy("shop/canary", &one, DeployPhase::Started).await?;

    ana.thaw(freeze.index).await?;
    assert!(ana.registry().gate(&channel, &reference).await?.allowed);
    ana.deploy("shop/prod", &one, DeployPhase::Started).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_is_shut_for_what_is_denied() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = ana.publish("shop/web@1", "1").await?;
    ana.deny(&one, Some("shop/prod")).await?;
    let gate = ana.registry().gate(&of("shop/prod"), &of("shop/web@1")).await?;
    assert!(!gate.allowed && gate.reasons[0].as_str().contains("it loses orders"), "{gate:?}");
    assert!(ana.registry().gate(&of("shop/canary"), &of("shop/web@1")).await?.allowed);
    let refused = ana.deploy("shop/prod", &one, DeployPhase::Started).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Denied), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_and_a_line_that_do_not_exist_are_not_found() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let unknown = ana.known_good("shop/nowhere").await.unwrap_err();
    assert_eq!(unknown.exit(), ExitCode::NotFound, "{unknown}");
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("shop/prod", "shop/api@1").await?;
    let unknown = ana.ask("shop/prod", |query| query.component = Some(of("shop/db"))).await.unwrap_err();
    assert!(matches!(unknown.exit(), ExitCode::NotFound | ExitCode::NothingQualifies), "{unknown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_qualifies_when_every_pin_is_denied() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.deny(&one, None).await?;
    let nothing = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(nothing.exit(), ExitCode::NothingQualifies, "{nothing}");
    assert!(nothing.to_string().contains("shop/web"), "it names the line: {nothing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_everything_newest_first_and_page_by_page() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    let freeze = ana.freeze("shop/prod").await?;
    ana.thaw(freeze.index).await?;
    ana.publish_and_pin("shop/other", "shop/web@2").await?;
    let (mut before, mut kinds) = (None, Vec::new());
    loop {
        let query = HistoryQuery { before, limit: Some(2) };
        let page = ana.registry().history(&of("shop/prod"), &query).await?;
        kinds.extend(page.entries.iter().map(|entry| entry.statement.kind().to_string()));
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    assert_eq!(kinds, ["thaw", "freeze", "deploy", "pin"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_expires_soon_warns_and_then_ends() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let one = ana.publish("shop/web@1", "1").await?;
    let day = Duration::from_hours(24);
    let expires = registry.clock().timestamp().plus_ms(24 * 3600 * 1000);
    let draft = ana.draft_pin("shop/prod", &one, |pin| pin.expires = Some(expires)).await?;
    ana.registry().submit(draft).await?;
    assert!(ana.known_good("shop/prod").await?.answer.get().warnings.is_empty());
    registry.advance(day * 4 / 5).await?;
    let warned = ana.known_good("shop/prod").await?;
    assert_eq!(warned.answer.get().warnings.len(), 1, "{:?}", warned.answer.get().warnings);
    registry.advance(day / 4).await?;
    assert_eq!(ana.known_good("shop/prod").await.unwrap_err().exit(), ExitCode::NothingQualifies);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_may_name_the_deployment_that_showed_it() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = ana.publish("shop/web@1", "1").await?;
    let failed = ana.deploy("shop/prod", &one, DeployPhase::Failed).await?;
    let draft = ana.draft_pin("shop/prod", &one, |pin| pin.deploy = Some(failed.index)).await?;
    let refused = ana.registry().submit(draft).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::NotFound, "{refused}");
    let good = ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    let draft = ana.draft_pin("shop/prod", &one, |pin| pin.deploy = Some(good.index)).await?;
    let Predicate::Pin(pin) = &draft.predicate else { panic!("a pin was drafted") };
    assert_eq!(pin.deploy, Some(EntryIndex { index: good.index }));
    ana.registry().submit(draft).await?;
    Ok(())
}
