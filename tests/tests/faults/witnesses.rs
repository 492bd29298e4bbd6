//! T12, T13 and their kin: witnesses that see a fork, are raced, slow, down or lying; clients that demand a quorum.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use holdfast_client::{ClientError, fork};
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::SigningKey;
use holdfast_formats::note::{Note, NoteKey};
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery, WitnessStatus};
use holdfast_tests::{Backing, Folder, Mood, Person, TestClock, TestRegistry, TestWitness, of};
use holdfast_verify::fork::ForkVerdict;

use crate::forks::copy;

/// Witnesses of a registry, which asks them from now on.
async fn witnessed<const N: usize>(registry: &mut TestRegistry) -> Result<[TestWitness; N]> {
    let log = log_key(registry)?;
    let mut witnesses = Vec::new();
    for seed in 1..=u8::try_from(N)? {
        let witness = TestWitness::start(&format!("w{seed}.example"), seed, registry.clock()).await?;
        witness.follow(&log)?;
        witnesses.push(witness);
    }
    registry.ask_witnesses(witnesses.iter().map(TestWitness::config).collect()).await?;
    witnesses.try_into().ok().context("there are so many")
}

fn log_key(registry: &TestRegistry) -> Result<NoteKey> {
    let node = registry.node()?;
    let keys = node.log().keys();
    Ok(NoteKey::of_log(&keys.origin, keys.public()[0].clone()))
}

/// Waits until what the registry says of its witnesses is as wanted.
async fn until(
    person: &Person,
    wanted: impl Fn(&[WitnessStatus]) -> bool + Send,
) -> Result<Vec<WitnessStatus>> {
    let mut said = Vec::new();
    for _ in 0..200 {
        said = person.registry().status().await?.witnesses;
        if wanted(&said) {
            return Ok(said);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("it never came to that: {said:?}")
}

fn words(error: &ClientError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_fork_shown_to_two_clients_is_refused_by_the_witness_and_leaves_evidence() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let [witness] = witnessed(&mut registry).await?;
    let ana = registry.login().await?;
    let careless = ana.without_memory(registry.clock().clone())?;
    let ana = ana.trusting(&[&witness], 1)?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let Backing::Directory(objects) = registry.backing().clone() else { panic!("it is in a directory") };
    let backup = registry.home().join("backup");
    registry.stop().await?;
    copy(&objects, &backup)?;
    registry.try_start().await?;
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    let log = log_key(&registry)?;
    let origin = log.name().as_str().parse()?;
    let first = witness.seen(&origin);

    registry.stop().await?;
    registry.remove_index()?;
    std::fs::remove_dir_all(&objects)?;
    copy(&backup, &objects)?;
    registry.try_start().await?;
    // The other branch is as long, so that it can be shown as if nothing had happened.
    careless.publish_and_pin("shop/prod", "shop/web@3").await?;
    assert_eq!(careless.answer("shop/prod").await?, ["shop/web@3"], "who asks no witness cannot know");
    let bob = ana.without_memory(registry.clock().clone())?;
    let refused = bob.known_good("shop/prod").await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Unreachable, "{refused}");
    assert!(words(&refused).contains("w1.example has cosigned nothing"), "{}", words(&refused));
    let said = until(&bob, |said| said.iter().all(|witness| witness.conflict)).await?;
    assert_eq!(said.first().and_then(|witness| witness.size), None, "{said:?}");
    assert_eq!(witness.seen(&origin), first, "the witness stands by what it saw");
    let metrics = bob.http()?.get("/metrics").await?.text().await?;
    assert!(metrics.contains(r#"holdfast_witness_conflicts_total{witness="w1.example"}"#), "{metrics}");

    let error = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Integrity, "{error}");
    let ClientError::Fork { evidence: Some(file), .. } = &error else { panic!("{error:?}") };
    let shown = fork::verify(file, std::slice::from_ref(log.key()), None)?;
    assert_eq!(shown.verdict, ForkVerdict::TwoRoots { size: first.0 });
    assert!(!shown.trusted_by_itself && shown.evidence.first != shown.evidence.second);
    let stranger = SigningKey::from_seed([77; 32]).public();
    let refused = fork::verify(file, &[stranger], None).unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Integrity, "another log's key says nothing about this one");

    // Later the two branches have different sizes.
    careless.publish("shop/web@4", "4").await?;
    for error in [ana.known_good("shop/prod").await.err(), ana.registry().sync().await.err()] {
        let Some(ClientError::Fork { evidence: Some(file), .. }) = error else { panic!("{error:?}") };
        let shown = fork::verify(&file, std::slice::from_ref(log.key()), None)?;
        let expected = !first.0.get().is_power_of_two();
        assert_eq!(shown.verdict.is_proof(), expected, "{:?}", shown.verdict);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_a_witness_raced_by_two_nodes_with_different_sizes_never_goes_back() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let [witness] = witnessed(&mut registry).await?;
    let ana = registry.login().await?;
    let other = registry.another_node().await?;
    let there = ana.without_memory(registry.clock().clone())?.at(&other.url())?;
    let origin = registry.node()?.log().keys().origin.clone();
    let count_kept = || {
        let mut count = 0;
        for node in [&registry, &other] {
            for (size, note) in node.node()?.log().cosignatures().checkpoints() {
                let text = Note::parse(note.as_bytes())?;
                text.verify(&[witness.key()]).context("only what it cosigned is kept")?;
                ensure!(size <= witness.seen(&origin).0);
                count += 1;
            }
        }
        Ok(count)
    };
    let (mut published, mut kept) = (TreeSize::ZERO, 0);
    for version in 0..12 {
        let person = if version % 2 == 0 { &ana } else { &there };
        person.publish(&format!("shop/web@{version}"), "x").await?;
        kept += count_kept()?;
        let shown = registry.node()?.log().published_checkpoint().await?.context("it is published")?;
        let shown = Checkpoint::from_signed(&shown, &origin, &registry.node()?.log().keys().public()[..1])?;
        published = published.max(shown.size());
    }
    let end = registry.node()?.log().head().size().max(other.node()?.log().head().size());
    let begun = Instant::now();
    while witness.seen(&origin).0 < end || kept == 0 {
        ensure!(begun.elapsed() < Duration::from_secs(20), "it sees the end at last");
        kept += count_kept()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let history = witness.history(&origin);
    assert!(history.is_sorted() && history.len() > 2, "{history:?}");
    assert!(published <= end);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_of_many_requests_at_once_only_those_that_extend_the_last_are_cosigned() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let witness = TestWitness::start("w1.example", 1, registry.clock()).await?;
    witness.follow(&log_key(&registry)?)?;
    let mut notes = Vec::new();
    for version in 0..4 {
        ana.publish(&format!("shop/web@{version}"), "x").await?;
        notes.push(registry.node()?.log().checkpoint());
    }
    let http = reqwest::Client::new();
    let asked = (0..40).map(|at| {
        let body = format!("old 0\n\n{}", notes.get(at % notes.len()).map_or("", String::as_str));
        http.post(format!("{}/add-checkpoint", witness.url())).body(body).send()
    });
    let answers: Vec<_> = futures::future::try_join_all(asked).await?;
    let cosigned = answers.iter().filter(|answer| answer.status() == 200).count();
    let refused = answers.iter().filter(|answer| answer.status() == 409).count();
    assert_eq!((cosigned, refused), (1, 39), "all prove from nothing, so one can be first");
    assert_eq!(witness.history(&registry.node()?.log().keys().origin).len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_logged_waits_for_the_witnesses_and_is_stale_without_them() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let [witness] = witnessed(&mut registry).await?;
    let ana = registry.login().await?.trusting(&[&witness], 1)?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    let view = ana.registry().sync().await?;
    let vouched = view.witnessed.context("it was demanded")?;
    assert!(vouched.size > TreeSize::ZERO && vouched.by == [witness.key().name().clone()]);

    witness.behave(Mood::Down);
    let error = ana.push("shop/web@2", &Folder::with("app", "2")?).await.unwrap_err();
    assert!(matches!(error, ClientError::LoggedUnwitnessed { .. }), "{error:?}");
    assert_eq!(error.exit(), ExitCode::Unreachable);
    assert_eq!(
        ana.answer("shop/prod").await?,
        ["shop/web@1"],
        "what does not touch the channel is waited for by nobody"
    );
    let error = ana.freeze("shop/prod").await.unwrap_err();
    assert!(matches!(error, ClientError::LoggedUnwitnessed { .. }), "{error:?}");
    let error = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Unreachable, "{error}");
    assert!(words(&error).contains("w1.example has cosigned"), "{}", words(&error));

    witness.behave(Mood::Honest);
    until(&ana, |said| said.iter().all(|witness| witness.error.is_none())).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_cosignatures_that_nobody_renews_grow_stale() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let [witness] = witnessed(&mut registry).await?;
    let ana = registry.login().await?.trusting(&[&witness], 1)?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    registry.advance(Duration::from_mins(6)).await?;
    let error = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Unreachable, "{error}");
    assert!(words(&error).contains("too long ago"), "{}", words(&error));
    ana.publish("shop/web@2", "2").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_lying_witnesses_hurt_nobody_and_none_of_their_lies_is_kept() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let witnesses: [TestWitness; 8] = witnessed(&mut registry).await?;
    let moods = [
        Mood::Slow(Duration::from_mins(1)),
        Mood::Down,
        Mood::OtherText,
        Mood::OtherKey,
        Mood::Empty,
        Mood::Endless,
        Mood::Restless,
    ];
    let [honest, others @ ..] = &witnesses;
    for (witness, mood) in others.iter().zip(moods) {
        witness.behave(mood);
    }
    let ana = registry.login().await?.trusting(&[honest], 1)?;
    let begun = Instant::now();
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "nobody waited for the slow one: {:?}",
        begun.elapsed()
    );
    let bad = |said: &[WitnessStatus]| said.iter().filter(|witness| witness.error.is_some()).count();
    let said = until(&ana, |said| bad(said) == 7).await?;
    assert_eq!(said.iter().filter(|witness| witness.size.is_some()).count(), 1, "{said:?}");
    assert!(said.iter().all(|witness| !witness.conflict), "{said:?}");
    let published = ana.http()?.get("/log/checkpoint").await?.text().await?;
    let lines = Note::parse(published.as_bytes())?;
    let names: Vec<&str> = lines.signatures().iter().map(|signature| signature.name().as_str()).collect();
    let origin = registry.node()?.log().keys().origin.clone();
    assert_eq!(names, [origin.as_str(), "w1.example"], "the log's own signature, and that of the honest one");

    let all: Vec<&TestWitness> = witnesses.iter().collect();
    let bob = ana.without_memory(registry.clock().clone())?.trusting(&all, 2)?;
    let error = bob.known_good("shop/prod").await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Unreachable);
    let words = words(&error);
    assert!(
        words.contains("1 of the 2 witnesses") && words.contains("w8.example has cosigned nothing"),
        "{words}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_carries_what_witnesses_vouch_for() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let [one, two] = witnessed(&mut registry).await?;
    let ana = registry.login().await?.trusting(&[&one, &two], 2)?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let file = registry.home().join("bundle");
    ana.registry().bundle(&of("shop/prod"), &KnownGoodQuery::EVERYTHING, &file).await?;
    let later = TestClock::at(registry.clock().timestamp().plus_ms(24 * 3600 * 1000));
    let bob = ana.without_memory(later.clone())?.trusting(&[&one, &two], 2)?;
    let opened = bob.registry().open_bundle(&file).await?;
    let vouched = opened.answer().get().witnessed.clone().context("it was demanded")?;
    assert_eq!(vouched.by.len(), 2);

    let stranger = TestWitness::start("w3.example", 3, registry.clock()).await?;
    let demanding = ana.without_memory(later)?.trusting(&[&stranger], 3)?;
    let refused = demanding.registry().open_bundle(&file).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Unreachable, "{refused}");
    assert!(words(&refused).contains("w3.example has cosigned nothing"), "{}", words(&refused));
    Ok(())
}
