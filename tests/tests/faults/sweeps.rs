//! What a sweep must never do, and what it must: T10, T28, and the mistakes of others with garbage and retention.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use holdfast_client::PushRequest;
use holdfast_formats::manifest::{Body, ComponentRole, Kind};
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::Window;
use holdfast_formats::statement::{Extend, WindowMode};
use holdfast_formats::wire::v1::{SweepReport, SweptArtifact};
use holdfast_registry::retention::SweepError;
use holdfast_tests::{
    Disk, Folder, Index, Person, Server, TestClock, TestRegistry, Tree, held, of, release_of,
};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::disks::{SMALL, anywhere, noise};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A registry where builds, releases and snapshots are kept for an hour.
async fn kept_for_an_hour() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    keep_for_an_hour(&ana).await?;
    Ok((registry, ana))
}

async fn keep_for_an_hour(ana: &Person) -> Result<()> {
    let window = Window { keep_s: Seconds::new(3600)?, mode: WindowMode::Governance };
    ana.amend(|policy| {
        for rule in &mut policy.namespaces {
            let classes = [Kind::Build, Kind::Release, Kind::Snapshot];
            rule.windows = classes.into_iter().map(|kind| (of(kind.as_str()), window.clone())).collect();
            rule.keep_max_s = Seconds::new(10 * 365 * 24 * 3600).unwrap_or(rule.keep_max_s);
        }
    })
    .await?;
    Ok(())
}

async fn sweep(registry: &TestRegistry) -> Result<SweepReport> {
    Ok(registry.node()?.service().sweeper().sweep(false).await?)
}

async fn dry_run(registry: &TestRegistry) -> Result<SweepReport> {
    Ok(registry.node()?.service().sweeper().sweep(true).await?)
}

fn names(artifacts: &[SweptArtifact]) -> Vec<String> {
    artifacts.iter().map(|swept| swept.artifact.r#ref.to_string()).collect()
}

async fn objects(registry: &TestRegistry, prefix: &str) -> Result<BTreeSet<String>> {
    let below = Path::from(prefix);
    let objects = registry.objects()?;
    let listed: Vec<_> = objects.list(Some(&below)).try_collect().await?;
    Ok(listed.into_iter().map(|object| object.location.to_string()).collect())
}

async fn content(registry: &TestRegistry) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for prefix in ["chunks", "blobs", "aliases"] {
        all.extend(objects(registry, prefix).await?);
    }
    Ok(all)
}

/// Whether every byte of an artifact is there.
async fn is_whole(ana: &Person, reference: &str) -> Result<()> {
    let record = ana.registry().artifact(&of(reference)).await?;
    ana.registry().verify_artifact(&record).await.with_context(|| format!("{reference} must be whole"))?;
    Ok(())
}

/// Keeps an artifact for ten days.
async fn extend(registry: &TestRegistry, ana: &Person, reference: &str) -> Result<()> {
    let artifact = ana.registry().resolve(&of(reference)).await?;
    let until = registry.clock().timestamp().plus_ms(10 * 24 * 3600 * 1000);
    ana.say(Extend { artifact, until, reason: of("it is needed for longer") }).await?;
    Ok(())
}

/// Announces what is over, and ends it a day later.
async fn announce_and_end(registry: &TestRegistry) -> Result<(SweepReport, SweepReport)> {
    let announced = sweep(registry).await?;
    registry.advance(DAY + HOUR).await?;
    Ok((announced, sweep(registry).await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_keeps_is_announced_and_goes_a_day_later_as_a_dry_run_says() -> Result<()> {
    let (mut registry, ana) = kept_for_an_hour().await?;
    ana.publish("shop/web@1", "the first").await?;
    ana.publish("shop/web@2", "the second").await?;
    extend(&registry, &ana, "shop/web@2").await?;
    let before = content(&registry).await?;

    assert_eq!(dry_run(&registry).await?.announced, [], "its hour is not over");
    registry.advance(DAY + HOUR).await?;
    let said = dry_run(&registry).await?;
    assert_eq!((names(&said.announced), said.ended.len()), (vec!["shop/web@1".to_owned()], 0));
    let done = sweep(&registry).await?;
    assert_eq!(SweepReport { dry_run: true, ..done.clone() }, said);
    assert!(done.announced[0].why[0].contains("window of its class build, until "), "{:?}", done.announced);
    assert_eq!(content(&registry).await?, before, "nothing goes yet");
    let again = sweep(&registry).await?;
    assert_eq!((again.announced.len(), again.waiting.get(), again.objects.get()), (0, 1, 0));

    registry.advance(DAY).await?;
    let said = dry_run(&registry).await?;
    assert_eq!(content(&registry).await?, before, "a dry run changes nothing");
    let done = sweep(&registry).await?;
    assert_eq!(SweepReport { dry_run: true, time: said.time, ..done.clone() }, said);
    assert_eq!(names(&done.ended), ["shop/web@1"]);
    // One small file: its chunk, its record, its alias.
    assert_eq!(done.objects.get(), 3);
    let after = content(&registry).await?;
    assert!(after.is_subset(&before) && after.len() + 3 == before.len());
    is_whole(&ana, "shop/web@2").await?;

    // The name stays taken, and the same bytes come in again under another one.
    let refused = ana.publish("shop/web@1", "another first").await.expect_err("the name is taken");
    assert!(refused.to_string().contains("shop/web@1"), "{refused}");
    ana.publish("shop/web@3", "the first").await?;
    is_whole(&ana, "shop/web@3").await?;
    registry.restart(Index::Removed).await?;
    is_whole(&ana, "shop/web@3").await?;
    assert_eq!(sweep(&registry).await?.objects.get(), 3, "what the refused push had brought");
    is_whole(&ana, "shop/web@3").await?;
    let report = ana.audit().await?;
    assert!(report.findings.is_empty(), "an auditor comes to the same: {:?}", report.findings);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_one_of_two_versions_keeps_what_the_other_shares() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    let shared = noise(1, 700_000);
    let one = Folder::with("app", &shared)?.file("only", "one")?;
    let two = Folder::with("renamed", &shared)?.file("only", "two")?;
    ana.push("shop/web@1", &one).await?;
    ana.push("shop/web@2", &two).await?;
    // The very same content, under two versions.
    ana.push("shop/web@3", &one).await?;
    extend(&registry, &ana, "shop/web@2").await?;
    registry.advance(DAY + HOUR).await?;
    let (_, done) = announce_and_end(&registry).await?;
    assert_eq!(names(&done.ended), ["shop/web@1", "shop/web@3"]);
    assert_eq!(done.objects.get(), 3, "only the file `only` of one goes");
    is_whole(&ana, "shop/web@2").await
}

#[tokio::test(flavor = "multi_thread")]
async fn components_stay_as_long_as_their_release_and_end_along_with_it() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    ana.publish("shop/web@1", "the shop").await?;
    let parts = || release_of(vec![held("web", ComponentRole::Code, "shop/web@1", 0)]);
    ana.release("shop/release@1", parts()).await?;
    ana.release("shop/release@2", parts()).await?;
    extend(&registry, &ana, "shop/release@2").await?;
    registry.advance(DAY + HOUR).await?;
    let (announced, done) = announce_and_end(&registry).await?;
    assert_eq!(names(&announced.announced), ["shop/release@1"], "the other release needs the component");
    assert_eq!(names(&done.ended), ["shop/release@1"]);
    is_whole(&ana, "shop/web@1").await?;

    for _ in 0..2 {
        // Somebody says something every week, as the registry alone may not after a long silence.
        registry.advance(5 * DAY).await?;
        ana.amend(|_| {}).await?;
    }
    let (announced, done) = announce_and_end(&registry).await?;
    assert_eq!(names(&announced.announced), ["shop/release@2", "shop/web@1"]);
    assert_eq!(names(&done.ended).len(), 2);
    assert_eq!(content(&registry).await?, BTreeSet::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chunks_of_a_living_tree_stay_and_those_of_an_ended_one_go() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    let (a, b, c) = (noise(1, 5000), noise(2, 5000), noise(3, 5000));
    let first = Tree::of_files(&[("a", &[&a]), ("b", &[&b])]);
    let second = Tree::of_files(&[("b", &[&b]), ("c", &[&c])]);
    ana.publish_tree("shop/db@1", &first).await?;
    ana.publish_tree("shop/db@2", &second.clone().after("shop/db@1")).await?;
    extend(&registry, &ana, "shop/db@2").await?;
    registry.advance(DAY + HOUR).await?;
    let (_, done) = announce_and_end(&registry).await?;
    assert_eq!(names(&done.ended), ["shop/db@1"]);
    let chunks = objects(&registry, "chunks/shop").await?;
    let has = |chunk| {
        chunks.iter().any(|key| key.contains(&holdfast_formats::digest::Blake3Digest::of(chunk).to_string()))
    };
    assert_eq!((has(&a), has(&b), has(&c)), (false, true, true));
    is_whole(&ana, "shop/db@2").await
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_a_sweep_that_is_cut_short_anywhere_is_gone_on_with() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    for version in 0..6_u8 {
        let folder = Folder::with("app", noise(u64::from(version), 3000))?.file("same", "in all of them")?;
        ana.push(&format!("shop/web@{version}"), &folder).await?;
    }
    ana.publish("shop/kept@1", "in all of them").await?;
    extend(&registry, &ana, "shop/kept@1").await?;
    registry.advance(DAY + HOUR).await?;
    let (mut cuts, mut days) = (0, 0);
    loop {
        // A run that nobody waits for any longer ends where it just is.
        let limit = Duration::from_micros(300) * cuts;
        match tokio::time::timeout(limit, sweep(&registry)).await {
            Err(_) => cuts += 1,
            Ok(report) => {
                report?;
                days += 1;
                registry.advance(DAY + HOUR).await?;
            }
        }
        is_whole(&ana, "shop/kept@1").await?;
        if days == 2 {
            break;
        }
    }
    assert!(cuts > 5, "it was cut short {cuts} times");
    assert_eq!(content(&registry).await?.len(), 3, "what is kept has one chunk, record and alias");
    let open = registry.node()?.log().index().read_now(|view| view.open_sweeps(10))?;
    assert_eq!(open, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t28_a_clock_that_jumps_ten_years_ahead_ends_nothing_early() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    ana.publish("shop/web@1", "the shop").await?;
    let before = content(&registry).await?;
    let years = Duration::from_hours(10 * 365 * 24);
    registry.clock().jump(years);
    // After years of silence the registry alone may say nothing.
    sweep(&registry).await.expect_err("the log was quiet for ten years, says the clock");
    ana.amend(|_| {}).await?;
    assert_eq!(names(&sweep(&registry).await?.announced), ["shop/web@1"]);
    registry.clock().jump(Duration::from_hours(25));
    let done = sweep(&registry).await?;
    assert_eq!((done.ended.len(), done.objects.get()), (0, 0), "nobody ran for a day");
    registry.clock().set_back(years);
    // The right time again: the log waits for its own to come, and so does every window.
    for _ in 0..3 {
        registry.clock().advance(Duration::from_hours(20));
        let done = sweep(&registry).await?;
        assert_eq!((done.ended.len(), done.objects.get()), (0, 0));
    }
    assert_eq!(content(&registry).await?, before);
    is_whole(&ana, "shop/web@1").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_of_a_living_artifact_aborts_the_sweep() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    ana.publish("shop/web@1", "the first").await?;
    ana.publish("shop/web@2", "the second").await?;
    extend(&registry, &ana, "shop/web@2").await?;
    registry.advance(DAY + HOUR).await?;
    sweep(&registry).await?;
    registry.advance(DAY + HOUR).await?;
    let digest = holdfast_formats::digest::Blake3Digest::of(b"the second").to_string();
    let store = registry.objects()?;
    let records = objects(&registry, "blobs/shop").await?;
    let record =
        Path::from(records.iter().find(|key| key.contains(&digest)).context("it is there")?.as_str());
    let good = store.get(&record).await?.bytes().await?;
    let before = content(&registry).await?;
    for bad in [None, Some(good.slice(1..))] {
        match bad {
            Some(bad) => drop(store.put(&record, bad.into()).await?),
            None => store.delete(&record).await?,
        }
        let error = registry
            .node()?
            .service()
            .sweeper()
            .sweep(false)
            .await
            .expect_err("it is not known what it needs");
        assert!(
            matches!(&error, SweepError::Blob { artifact, .. } if artifact.to_string() == "shop/web@2"),
            "{error}"
        );
        let last = registry.node()?.service().sweeper().last().context("it is remembered")?;
        assert_eq!(last.failed, Some(error.to_string()));
        store.put(&record, good.clone().into()).await?;
        assert_eq!(content(&registry).await?, before, "nothing was deleted");
    }
    assert_eq!(names(&sweep(&registry).await?.ended), ["shop/web@1"]);
    is_whole(&ana, "shop/web@2").await
}

/// Pushes the same few contents again and again, so that what just dies is needed again.
async fn keep_pushing(ana: &Person, name: &str, versions: u32) -> Result<()> {
    for version in 0..versions {
        let folder =
            Folder::with("a", format!("content {}", version % 5))?.file("b", format!("{}", version % 3))?;
        let request = PushRequest {
            artifact: of(&format!("shop/{name}@{version}")),
            source: folder.path().to_owned(),
            body: Body::None(Kind::Build),
            about: holdfast_client::About::nothing(),
        };
        ana.registry().push(&request).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_sweep_while_the_same_content_is_pushed_and_nothing_living_is_lost() -> Result<()> {
    let (registry, ana) = kept_for_an_hour().await?;
    let other = registry.another_node().await?;
    let bob = ana.without_memory(registry.clock().clone())?.at(&other.url())?;
    keep_pushing(&ana, "old", 15).await?;
    registry.advance(DAY + HOUR).await?;
    assert_eq!(sweep(&registry).await?.announced.len(), 15);
    other.advance(Duration::ZERO).await?;
    sweep(&other).await?;
    registry.advance(DAY + HOUR).await?;
    other.advance(Duration::ZERO).await?;
    let sweeping = async {
        let mut swept = 0;
        for _ in 0..4 {
            for node in [&registry, &other] {
                match node.node()?.service().sweeper().sweep(false).await {
                    Ok(report) => swept += report.ended.len(),
                    // The other node was faster with something.
                    Err(SweepError::Own(_) | SweepError::Changing) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        anyhow::Ok(swept)
    };
    let (first, second, swept) =
        tokio::join!(keep_pushing(&ana, "new", 20), keep_pushing(&bob, "newer", 20), sweeping);
    first?;
    second?;
    assert_eq!(swept?, 15);
    for node in [&registry, &other] {
        node.advance(Duration::from_secs(1)).await?;
    }
    for name in ["new", "newer"] {
        for version in 0..20 {
            is_whole(&ana, &format!("shop/{name}@{version}")).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_full_disk_is_swept_and_takes_pushes_again() -> Result<()> {
    if !Disk::can_be_made()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let often = ["--sweep-every", "500ms", "--sweep-grace", "2s"];
    let server = Server::start_on_disk(folder.path(), anywhere(), &often, SMALL)?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    ana.publish("shop/web@1", "the shop").await?;
    // Uploads that nobody ever publishes, until nothing fits any more.
    let mut seed = 0;
    let full = loop {
        seed += 1;
        if let Err(full) = ana.send_chunks("shop", &[noise(seed, 1_000_000)]).await {
            break full;
        }
        anyhow::ensure!(seed < 100, "the disk is small");
    };
    assert!(full.to_string().contains("507"), "{full}");
    let mut waited = 0;
    while let Err(full) = ana.send_chunks("shop", &[noise(1000, 3_000_000)]).await {
        waited += 1;
        assert!(waited < 150, "a sweep made room: {full}\n{}", server.log()?);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_whole(&ana, "shop/web@1").await
}
