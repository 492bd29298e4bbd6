//! Windows, holds and deletion, as people use them: what keeps an artifact, what ends it, and what stays for ever.

use std::time::Duration;

use anyhow::Result;
use holdfast_client::{Draft, PushRequest, Submitted};
use holdfast_formats::manifest::{Body, ComponentRole, Kind};
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::Window;
use holdfast_formats::statement::{
    Action, Artifact, Delete, EntryIndex, Extend, Hold, Keep, Tag, TagTarget, Unhold, WindowMode,
};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{Ended, EndedBy, ExitCode, KeptWhy, ListQuery, RetentionView};
use holdfast_tests::evil::{EvilProxy, EvilWorld, Reply, change};
use holdfast_tests::{Folder, Person, Program, TestRegistry, held, of, release_of};

const DAY: Duration = Duration::from_hours(24);

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

/// Builds are kept for so many days from now on.
async fn keep_builds(ana: &Person, days: u64, mode: WindowMode) -> Result<Submitted> {
    let keep_s = Seconds::new(days * DAY.as_secs())?;
    Ok(ana
        .amend(|policy| {
            policy.namespaces[0].windows.insert(of("build"), Window { keep_s, mode });
        })
        .await?)
}

async fn retention(person: &Person, artifact: &Artifact) -> Result<RetentionView> {
    Ok(person.registry().retention(&of(&artifact.r#ref.to_string())).await?)
}

fn delete(artifact: &Artifact, bypass: bool) -> Delete {
    Delete { artifact: artifact.clone(), bypass, reason: of("nobody needs it") }
}

fn extend(artifact: &Artifact, until: Timestamp) -> Extend {
    Extend { artifact: artifact.clone(), until, reason: of("tax records") }
}

fn hold(artifact: &Artifact, case: &str) -> Hold {
    Hold { artifact: artifact.clone(), case: of(case), reason: of("requested by counsel") }
}

/// The reasons that stand, with their dates.
fn standing(shown: &RetentionView) -> Vec<(KeptWhy, Option<Timestamp>)> {
    shown.reasons.iter().filter(|reason| reason.stands).map(|reason| (reason.why, reason.until)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_a_window_is_its_class_at_publication_and_only_grows() -> Result<()> {
    let (registry, ana) = fresh().await?;
    keep_builds(&ana, 10, WindowMode::Compliance).await?;
    let days = |count: u64| registry.clock().timestamp().plus_ms(count * 24 * 3600 * 1000);
    let first = ana.publish("shop/web@1", "1").await?;
    let (ten, twenty) = (days(10), days(20));
    assert_eq!(standing(&retention(&ana, &first).await?), [(KeptWhy::Class, Some(ten))]);

    // A policy that keeps for less, or less strictly, is for what comes after it.
    keep_builds(&ana, 1, WindowMode::Governance).await?;
    let second = ana.publish("shop/web@2", "2").await?;
    assert_eq!(standing(&retention(&ana, &second).await?), [(KeptWhy::Class, Some(days(1)))]);
    let shown = retention(&ana, &first).await?;
    assert_eq!(standing(&shown), [(KeptWhy::Class, Some(ten))]);
    assert_eq!(shown.reasons[0].mode, Some(WindowMode::Compliance));
    assert!(!shown.sweep && !shown.delete && !shown.bypass, "{shown:?}");

    for shorter in [days(9), ten, days(0)] {
        let refused = ana.say(extend(&first, shorter)).await.unwrap_err();
        assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    }
    let too_long = ana.say(extend(&first, days(11 * 365))).await.unwrap_err();
    assert!(too_long.exit() == ExitCode::Refused && too_long.to_string().contains("until"), "{too_long}");
    ana.say(extend(&first, twenty)).await?;
    let shown = retention(&ana, &first).await?;
    assert_eq!(standing(&shown), [(KeptWhy::Class, Some(ten)), (KeptWhy::Extend, Some(twenty))]);
    assert_eq!(shown.until, Some(twenty));

    // An administrator with every role ends nothing that is kept, not even with the special right.
    registry.advance(DAY * 15).await?;
    for bypass in [false, true] {
        let refused = ana.say(delete(&first, bypass)).await.unwrap_err();
        assert!(refused.exit() == ExitCode::Refused && refused.to_string().contains("is kept"), "{refused}");
    }
    registry.advance(DAY * 6).await?;
    let shown = retention(&ana, &first).await?;
    assert!(standing(&shown).is_empty() && shown.sweep && shown.delete, "{shown:?}");
    ana.say(delete(&first, false)).await?;
    assert!(ana.audit().await?.is_clean());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_asks_for_more_and_never_for_less() -> Result<()> {
    let (registry, ana) = fresh().await?;
    keep_builds(&ana, 10, WindowMode::Compliance).await?;
    let folder = Folder::with("app", "1")?;
    let now = registry.clock().timestamp();
    let push = async |version: &str, class: Option<&str>, days: Option<u64>, mode: Option<WindowMode>| {
        let mut about = holdfast_client::About::nothing();
        let until = days.map(|days| now.plus_ms(days * 24 * 3600 * 1000));
        about.keep = Some(Keep { class: class.map(of), until, mode });
        let artifact = of(&format!("shop/web@{version}"));
        let (source, body) = (folder.path().to_owned(), Body::None(Kind::Build));
        ana.registry().push(&PushRequest { artifact, source, body, about }).await
    };
    let until = async |artifact: &Artifact| retention(&ana, artifact).await.map(|shown| shown.until);
    let ten = Some(now.plus_ms(10 * 24 * 3600 * 1000));
    let shorter = push("1", None, Some(1), None).await?.artifact;
    assert_eq!(until(&shorter).await?, ten, "policy's window is longer");
    let longer = push("2", None, Some(700), None).await?.artifact;
    assert_eq!(until(&longer).await?, Some(now.plus_ms(700 * 24 * 3600 * 1000)));
    let weaker = push("3", None, None, Some(WindowMode::Governance)).await.unwrap_err();
    assert_eq!(weaker.exit(), ExitCode::Refused, "{weaker}");
    let too_long = push("3", None, Some(365 * 11), None).await.unwrap_err();
    assert_eq!(too_long.exit(), ExitCode::Refused, "{too_long}");

    // A class without a window: it stays until somebody deletes it, and no sweep does.
    let own = push("3", Some("nightly"), None, None).await?.artifact;
    let shown = retention(&ana, &own).await?;
    assert_eq!(standing(&shown), [(KeptWhy::Unlimited, None)]);
    assert!(!shown.sweep && shown.delete, "{shown:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_a_hold_keeps_whatever_the_window_says() -> Result<()> {
    let (registry, ana) = fresh().await?;
    keep_builds(&ana, 1, WindowMode::Governance).await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let first = ana.say(hold(&artifact, "2026-C-117")).await?.index;
    let second = ana.say(hold(&artifact, "2026-C-118")).await?.index;
    registry.advance(DAY * 2).await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(record.holds().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [first, second]);
    for bypass in [false, true] {
        let refused = ana.say(delete(&artifact, bypass)).await.unwrap_err();
        assert!(
            refused.exit() == ExitCode::Refused && refused.to_string().contains("2026-C-117"),
            "{refused}"
        );
    }
    let unhold = |index| Unhold { hold: EntryIndex { index }, reason: of("the case is closed") };
    ana.say(unhold(first)).await?;
    let again = ana.say(unhold(first)).await.unwrap_err();
    assert_eq!(again.exit(), ExitCode::Ended, "{again}");
    let shown = retention(&ana, &artifact).await?;
    assert_eq!(standing(&shown), [(KeptWhy::Hold, None)]);
    assert!(!shown.sweep && !shown.delete && !shown.bypass, "{shown:?}");
    ana.say(unhold(second)).await?;
    ana.say(delete(&artifact, false)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_governance_window_is_ended_early_only_by_a_holder_who_says_so() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    keep_builds(&ana, 10, WindowMode::Governance).await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let shown = retention(&ana, &artifact).await?;
    assert!(!shown.delete && shown.bypass, "{shown:?}");
    let refused = ana.say(delete(&artifact, false)).await.unwrap_err();
    assert!(refused.to_string().contains("--bypass"), "{refused}");

    // Somebody who only publishes cannot, not even with the flag; a key without any role cannot at all.
    let bob = ana.colleague(Some(ana.token()?))?;
    ana.amend(|policy| {
        policy.principals.push(bob.principal("bob"));
        let own = policy.roles.iter_mut().find(|rule| rule.role == holdfast_formats::policy::Role::Publisher);
        own.expect("a solo policy has every role").principals.push(of("bob"));
    })
    .await?;
    let refused = bob.say(delete(&artifact, true)).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    let both = bob.registry().prepare(Draft::new(delete(&artifact, true)))?;
    let both = both.signed_by(&bob.signer()).await?.signed_by(&ana.signer()).await?;
    ana.registry().submit_prepared(&both).await?;
    assert_eq!(retention(&ana, &artifact).await?.ended.map(|ended| ended.by), Some(EndedBy::Delete));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_keeps_its_name_and_entry_and_nothing_begins_with_it() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let (gone, other) = (ana.publish("shop/web@1", "1").await?, ana.publish("shop/web@2", "2").await?);
    let index = ana.say(delete(&gone, false)).await?.index;

    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    let ended = record.ended().expect("it was deleted");
    assert_eq!((ended.entry, ended.by), (index, EndedBy::Delete));
    assert_eq!(record.deleted().map(|deleted| deleted.reason.as_str()), Some("nobody needs it"));
    let shown = retention(&ana, &gone).await?;
    assert!(shown.reasons.is_empty() && !shown.sweep && !shown.delete && !shown.bypass, "{shown:?}");

    assert_eq!(ana.list().await?, ["shop/web@2"]);
    let query = ListQuery { prefix: None, kind: None, after: None, limit: None, ended: Some(true) };
    let all = ana.registry().list(&query).await?.artifacts;
    let all: Vec<_> = all.iter().map(|one| (one.artifact.r#ref.to_string(), one.ended)).collect();
    assert_eq!(all, [("shop/web@1".to_owned(), Some(index)), ("shop/web@2".to_owned(), None)]);

    let tag = Tag { name: of("shop/web"), tag: of("latest"), target: TagTarget { digests: gone.digests } };
    let until = record.published_at().plus_ms(1_000_000);
    for (what, refused) in [
        ("pin", ana.pin("shop/prod", &gone).await.map(drop)),
        ("tag", ana.say(tag).await.map(drop)),
        ("hold", ana.say(hold(&gone, "too late")).await.map(drop)),
        ("extend", ana.say(extend(&gone, until)).await.map(drop)),
        ("delete", ana.say(delete(&gone, false)).await.map(drop)),
        ("publish", ana.push("shop/web@1", &Folder::with("app", "1")?).await.map(drop)),
    ] {
        let refused = refused.expect_err(what);
        assert_eq!(refused.exit(), ExitCode::Ended, "{what}: {refused}");
    }
    let body = release_of(vec![held("web", ComponentRole::Code, "shop/web@1", 1)]);
    let refused = ana.release("shop/release@1", body).await.expect_err("a component that is gone");
    assert_eq!(refused.exit(), ExitCode::Ended, "{refused}");

    // The same bytes under a new name are an ordinary publish, and what is said of it later is no new beginning.
    ana.publish("shop/web@3", "1").await?;
    ana.deny(&gone, None).await?;
    ana.pin("shop/prod", &other).await?;
    assert!(ana.audit().await?.is_clean());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_and_releases_keep_and_a_stranger_to_them_does_not_learn_their_names() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let web = ana.publish("shop/web@1", "1").await?;
    let body = release_of(vec![held("web", ComponentRole::Code, "shop/web@1", 1)]);
    let release = ana.release("shop/team/release@1", body).await?.artifact;
    ana.pin("shop/prod", &release).await?;
    ana.pin("shop/prod", &web).await?;
    for (artifact, why) in [(&release, KeptWhy::Answer), (&web, KeptWhy::Component)] {
        let shown = retention(&ana, artifact).await?;
        assert!(shown.reasons.iter().any(|reason| reason.why == why), "{shown:?}");
        let refused = ana.say(delete(artifact, true)).await.unwrap_err();
        assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    }
    let (token, _) = ana
        .grant(|grant| {
            grant.actions = vec![Action::Read];
            grant.names = vec![of("shop/web")];
            grant.channels = vec![of("other/*")];
        })
        .await?;
    let bob = ana.colleague(Some(token))?;
    let (full, seen) = (retention(&ana, &web).await?, bob.http()?);
    let path = "/v1/artifacts/shop/web@1/retention";
    let seen = seen.get(path).await?.text().await?;
    assert!(!seen.contains("shop/prod") && !seen.contains("shop/team"), "{seen}");
    let seen: RetentionView = serde_json::from_str(&seen)?;
    let kinds = |shown: &RetentionView| shown.reasons.iter().map(|reason| reason.why).collect::<Vec<_>>();
    assert_eq!((kinds(&seen), seen.until, seen.delete), (kinds(&full), full.until, full.delete));
    assert!(full.reasons.iter().any(|reason| reason.release == Some(of("shop/team/release@1"))), "{full:?}");
    let hidden = bob.http()?.get("/v1/artifacts/shop/team/release@1/retention").await?;
    assert_eq!(hidden.status(), 404);
    Ok(())
}

/// What a lying registry makes of an answer.
type Alter = fn(&mut RetentionView);

#[tokio::test(flavor = "multi_thread")]
async fn t32_an_audit_finds_a_registry_that_says_other_windows_than_its_log() -> Result<()> {
    let world = EvilWorld::start().await?;
    world.ana.say(hold(&world.ana.registry().resolve(&of("shop/web@1")).await?, "2026-C-117")).await?;
    let token = world.ana.token()?.expose();
    let audit = async |alter: Alter| {
        let lie = change("/v1/artifacts/shop/web@1/retention", move |_, answer| {
            Reply::Answer(answer.edit::<RetentionView>(alter))
        });
        let (proxy, victim) =
            (EvilProxy::start(&world.url(), lie).await?, world.newcomer(world.clock().clone())?);
        let program = Program::at(victim.home()).with("HOLDFAST_TOKEN", &token);
        let url = proxy.url();
        program.with("HOLDFAST_URL", &url).run("audit")
    };
    let honest = audit(|_| {}).await?;
    assert_eq!(honest.exit, Some(0), "{honest:?}");
    assert!(honest.stdout.contains("windows of"), "{honest:?}");
    let lies: [(&str, Alter); 6] = [
        ("a hold is left out", |told| told.reasons.retain(|reason| reason.why != KeptWhy::Hold)),
        ("it may be deleted", |told| told.delete = true),
        ("an end", |told| {
            let (by, entry, time) = (EndedBy::Delete, of("1"), told.time);
            told.ended = Some(Ended { by, entry, time });
        }),
        ("a date", |told| told.until = Some(told.time)),
        ("of long ago", |told| told.time = Timestamp::from_ms(told.time.as_ms() - 86_400_000)),
        ("of a log that nobody has", |told| {
            told.size = holdfast_formats::tree::TreeSize::new(1_000_000).expect("a size");
        }),
    ];
    for (name, lie) in lies {
        let output = audit(lie).await?;
        let words = format!("{}{}", output.stdout, output.stderr);
        assert!(output.exit == Some(4) && words.contains("shop/web@1"), "{name}: {output:?}");
    }
    Ok(())
}
