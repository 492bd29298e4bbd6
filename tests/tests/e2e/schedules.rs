//! What policy schedules and what a channel should reach: overdue and unmet in status, metrics and known-good, until it is done.

use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_client::{About, PushRequest};
use holdfast_formats::manifest::{Body, Consistency, DataAsOf, Objectives, SnapshotBody, SnapshotSource};
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::Schedule;
use holdfast_formats::statement::{
    Achieved, Action, Artifact, Rollback, RollbackPhase, RollbackTimes, Trigger,
};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{
    ChannelSchedules, DueState, KnownGood, ObjectiveKind, ObjectiveState, ScheduleList, ScheduleQuery,
};
use holdfast_tests::evil::{EvilProxy, EvilWorld, Reply, change};
use holdfast_tests::{Folder, Index, Person, Program, TestRegistry, of};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// For so long the counts of `/metrics` may be old.
const COUNTED: Duration = Duration::from_secs(31);
const ALL: ScheduleQuery = ScheduleQuery { after: None, limit: None, all: Some(true) };
const CONCERNS: ScheduleQuery = ScheduleQuery { after: None, limit: None, all: None };

fn seconds(time: Duration) -> Seconds {
    Seconds::new(time.as_secs()).expect("it is short")
}

/// Daily snapshots, a drill a month, two days of data lost at most and an hour until all is back.
async fn schedule(ana: &Person) -> Result<()> {
    let every = |name: &str, time| Schedule { name: of(name), every_s: seconds(time) };
    let due = [every("shop/db", DAY), every("drill", DAY * 30)];
    let (two_days, one_hour) = (Some(seconds(DAY * 2)), Some(seconds(HOUR)));
    let objectives = Objectives { rpo_s: two_days, rto_s: one_hour, rollback_window_s: None };
    ana.amend(|policy| {
        for rule in &mut policy.channels {
            rule.schedules = Some(due.to_vec());
            rule.objectives = Some(objectives.clone());
        }
    })
    .await?;
    Ok(())
}

async fn snapshot(ana: &Person, registry: &TestRegistry, reference: &str) -> Result<()> {
    let now = registry.clock().timestamp();
    let source =
        SnapshotSource { system_id: of("db"), engine: of("sqlite"), version: of("3"), dataset: of("all") };
    let body = SnapshotBody {
        source,
        data_as_of: DataAsOf { not_before: now, not_after: now, position: None },
        consistency: Consistency::Transaction,
        schema_state: None,
        parent: None,
        derived_from: None,
        tool: of("a test"),
        catalog: None,
    };
    let folder = Folder::with("dump", reference)?;
    let (artifact, source) = (of(reference), folder.path().to_owned());
    let body = Body::Snapshot(Box::new(body));
    ana.registry().push(&PushRequest { artifact, source, body, about: About::nothing() }).await?;
    Ok(())
}

/// Logs how a drill ended, and how long going back took.
async fn drill(ana: &Person, web: &Artifact, took: Option<Duration>) -> Result<LeafIndex> {
    let (detected, decided, started, restored, verified, ended) = (None, None, None, None, None, None);
    let (rule, threshold, observed) = (None, None, None);
    let rollback = Rollback {
        rollback_id: of(&holdfast_client::new_id().to_string()),
        drill: true,
        phase: if took.is_some() { RollbackPhase::Succeeded } else { RollbackPhase::Failed },
        channel: of("shop/prod"),
        from: web.clone(),
        to: None,
        plan_digest: None,
        trigger: Trigger { signal: of("a drill"), source: of("a test"), threshold, observed, rule },
        calendar_window: None,
        owner: of("ana"),
        lead: None,
        approvals: None,
        scope: None,
        irreversible_accepted: None,
        safety_snapshot: None,
        steps: None,
        times: RollbackTimes { detected, decided, started, restored, verified, ended },
        downtime_s: None,
        achieved: took.map(|took| Achieved { rpo_s: seconds(HOUR), rto_s: seconds(took) }),
        inconsistencies: None,
        checks: None,
        reason: of("monthly"),
        cause: None,
        near_miss: None,
        actions: None,
    };
    Ok(ana.say(rollback).await?.index)
}

async fn shown(ana: &Person) -> Result<ChannelSchedules> {
    Ok(ana.registry().schedules(&of("shop/prod")).await?)
}

fn states(shown: &ChannelSchedules) -> Vec<DueState> {
    shown.due.iter().map(|due| due.state).collect()
}

async fn warnings(ana: &Person) -> Result<Vec<String>> {
    let lookup = ana.known_good("shop/prod").await?;
    Ok(lookup.answer.get().warnings.iter().map(ToString::to_string).collect())
}

/// What `/metrics` says is overdue: snapshots, drills, and RTOs that are unmet or unknown.
async fn counted(ana: &Person) -> Result<[u64; 4]> {
    let page = ana.http()?.get("/metrics").await?.text().await?;
    let of_series = |series: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(series)).context(series.to_owned())?;
        Ok::<u64, anyhow::Error>(line.trim().parse()?)
    };
    Ok([
        of_series(r#"holdfast_overdue{what="snapshot"}"#)?,
        of_series(r#"holdfast_overdue{what="drill"}"#)?,
        of_series(r#"holdfast_objective_unmet{what="rto"}"#)?,
        of_series(r#"holdfast_objective_unknown{what="rto"}"#)?,
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_shows_in_status_metrics_and_known_good_until_it_is_done() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    schedule(&ana).await?;
    assert!(ana.registry().list_schedules(&ALL).await?.channels.is_empty(), "a pattern makes no channels");
    let web = ana.publish_and_pin("shop/prod", "shop/web@1").await?;

    // Never done, never measured.
    assert_eq!(states(&shown(&ana).await?), [DueState::Overdue, DueState::Overdue]);
    assert_eq!(counted(&ana).await?, [1, 1, 0, 1]);
    let said = warnings(&ana).await?;
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "overdue: snapshot of shop/db, never made, every 1d");

    // Both are done, but going back took too long.
    registry.advance(COUNTED).await?;
    snapshot(&ana, &registry, "shop/db@1").await?;
    let slow = drill(&ana, &web, Some(HOUR * 2)).await?;
    let now = shown(&ana).await?;
    assert_eq!(states(&now), [DueState::Kept, DueState::Kept]);
    let rto = now.objectives.iter().find(|o| o.what == ObjectiveKind::Rto).context("an RTO")?;
    assert_eq!((rto.state, rto.entry), (ObjectiveState::Unmet, Some(slow)));
    assert_eq!(counted(&ana).await?, [0, 0, 1, 0]);
    let said = warnings(&ana).await?;
    assert_eq!(said, [format!("unmet: RTO 1h: going back took 2h (entry {slow})")]);

    // A fast drill: nothing is left to say.
    registry.advance(COUNTED).await?;
    drill(&ana, &web, Some(HOUR)).await?;
    assert_eq!(counted(&ana).await?, [0, 0, 0, 0]);
    assert!(warnings(&ana).await?.is_empty());
    assert!(ana.registry().list_schedules(&CONCERNS).await?.channels.is_empty());

    // Time passes over a log in which nothing is said.
    registry.advance(DAY + HOUR * 3).await?;
    let late = shown(&ana).await?;
    assert_eq!(states(&late), [DueState::Overdue, DueState::Kept]);
    assert_eq!(late.due[0].late_s.map(|late| late.get() / 3600), Some(3));
    assert_eq!(counted(&ana).await?, [1, 0, 0, 0]);
    let said = warnings(&ana).await?;
    assert!(said.len() == 1 && said[0].ends_with("every 1d, 3h late"), "{said:?}");
    let ScheduleList { channels, next } = ana.registry().list_schedules(&CONCERNS).await?;
    assert_eq!((channels, next), (vec![late.clone()], None));

    // An index that is made anew answers the same, and a failed drill is named.
    registry.restart(Index::Removed).await?;
    let ana = ana.again()?;
    assert_eq!(shown(&ana).await?, late);
    registry.advance(DAY * 5).await?;
    ana.publish("shop/web@2", "2").await?;
    registry.advance(DAY * 6).await?;
    ana.publish("shop/web@3", "3").await?;
    registry.advance(DAY * 6).await?;
    ana.publish("shop/web@4", "4").await?;
    registry.advance(DAY * 6).await?;
    ana.publish("shop/web@5", "5").await?;
    registry.advance(DAY * 6).await?;
    let failed = drill(&ana, &web, None).await?;
    let late = shown(&ana).await?;
    assert_eq!((late.due[1].state, late.due[1].failed), (DueState::Overdue, Some(failed)));
    let rpo = late.objectives.iter().find(|o| o.what == ObjectiveKind::Rpo).context("an RPO")?;
    assert_eq!((rpo.state, rpo.name.as_ref()), (ObjectiveState::Unmet, Some(&of("shop/db"))));
    assert!(ana.audit().await?.is_clean());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_snapshot_does_not_count_and_the_one_before_it_does() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    schedule(&ana).await?;
    snapshot(&ana, &registry, "shop/db@1").await?;
    registry.advance(HOUR).await?;
    snapshot(&ana, &registry, "shop/db@2").await?;
    let newest = shown(&ana).await?.due[0].entry;
    let deny = ana.deny(&ana.registry().resolve(&of("shop/db@2")).await?, None).await?.index;
    let before = shown(&ana).await?.due[0].entry;
    assert!(before < newest && before.is_some(), "{before:?} {newest:?}");
    ana.lift(deny).await?;
    assert_eq!(shown(&ana).await?.due[0].entry, newest);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_a_reader_learns_nothing_of_snapshots_and_channels_that_are_not_theirs() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    schedule(&ana).await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("other/prod", "other/web@1").await?;
    snapshot(&ana, &registry, "shop/db@1").await?;
    let (token, _) = ana
        .grant(|grant| {
            grant.actions = vec![Action::Read];
            grant.names = vec![of("shop/web")];
            grant.channels = vec![of("shop/*")];
        })
        .await?;
    let bob = ana.colleague(Some(token))?;
    assert_eq!(warnings(&ana).await?.len(), 1, "the answer of whoever reads all is not given to bob");
    let hidden = shown(&bob).await?;
    assert_eq!(states(&hidden), [DueState::Hidden, DueState::Overdue]);
    assert!(hidden.objectives[0].measured_s.is_none() && hidden.objectives[0].name.is_none(), "{hidden:?}");
    let answer = bob.http()?.get("/v1/channels/shop/prod/known-good").await?.text().await?;
    let told = serde_json::from_str::<KnownGood>(&answer)?.schedules.context("schedules")?;
    assert_eq!((&told.due[0].last, states(&told)), (&None, states(&hidden)));
    assert_eq!(warnings(&bob).await?.len(), 1);
    let listed = |list: ScheduleList| list.channels.into_iter().map(|one| one.channel).collect::<Vec<_>>();
    assert_eq!(listed(bob.registry().list_schedules(&ALL).await?), [of("shop/prod")]);
    assert_eq!(listed(ana.registry().list_schedules(&ALL).await?), [of("other/prod"), of("shop/prod")]);
    assert_eq!(bob.http()?.get("/v1/channels/other/prod/schedules").await?.status(), 404);
    // Page after page comes to the same.
    let one = ScheduleQuery { limit: Some(1), ..ALL };
    let first = ana.registry().list_schedules(&one).await?;
    assert_eq!(first.next, Some(of("other/prod")));
    let second = ana.registry().list_schedules(&ScheduleQuery { after: first.next, ..one }).await?;
    assert_eq!((listed(second.clone()), second.next), (vec![of("shop/prod")], None));
    Ok(())
}

/// What a lying registry makes of an answer.
type Alter = fn(&mut ChannelSchedules);

#[tokio::test(flavor = "multi_thread")]
async fn t32_an_audit_finds_a_registry_that_hides_what_is_overdue() -> Result<()> {
    let world = EvilWorld::start().await?;
    schedule(&world.ana).await?;
    let token = world.ana.token()?.expose();
    let audit = async |alter: Alter| {
        let lie = change("/v1/channels/shop/prod/schedules", move |_, answer| {
            Reply::Answer(answer.edit::<ChannelSchedules>(alter))
        });
        let (proxy, victim) =
            (EvilProxy::start(&world.url(), lie).await?, world.newcomer(world.clock().clone())?);
        let program = Program::at(victim.home()).with("HOLDFAST_TOKEN", &token);
        program.with("HOLDFAST_URL", &proxy.url()).run("audit")
    };
    let honest = audit(|_| {}).await?;
    assert_eq!(honest.exit, Some(0), "{honest:?}");
    let lies: [(&str, Alter); 3] = [
        ("done just now", |told| {
            (told.due[0].state, told.due[0].last) = (DueState::Kept, Some(told.time));
        }),
        ("nothing is due", |told| told.due.clear()),
        ("of long ago", |told| {
            told.time = holdfast_formats::time::Timestamp::from_ms(told.time.as_ms() - 86_400_000);
        }),
    ];
    for (name, lie) in lies {
        let output = audit(lie).await?;
        let words = format!("{}{}", output.stdout, output.stderr);
        assert!(output.exit == Some(4) && words.contains("schedules"), "{name}: {output:?}");
    }
    Ok(())
}
