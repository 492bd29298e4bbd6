//! Monitoring: what becomes an alert, for whom, when, and how often.

use std::time::Duration;

use anyhow::Result;
use holdfast_client::monitor::{Alert, AlertKind, Looked, Monitor, Sinks, Watch};
use holdfast_formats::statement::Action;
use holdfast_formats::wire::v1::ExitCode;
use holdfast_tests::{Person, TestRegistry, of};

const HOUR: Duration = Duration::from_hours(1);

async fn monitor(person: &Person, channels: &[&str]) -> Result<Monitor> {
    let watch = Watch {
        channels: channels.iter().map(|channel| of(channel)).collect(),
        silence: Duration::from_mins(10),
        describe: |statement| statement.kind().as_str().to_owned(),
    };
    Ok(Monitor::begin(person.registry().clone(), watch).await?)
}

/// One look that is told to a list.
async fn look(monitor: &Monitor) -> Result<(Vec<Alert>, Looked)> {
    let mut alerts = Vec::new();
    let mut tell = |alert: &Alert| {
        alerts.push(alert.clone());
        Ok(())
    };
    let looked = monitor.look(&mut Sinks { tell: &mut tell, webhook: None }).await?;
    Ok((alerts, looked))
}

async fn kinds(monitor: &Monitor) -> Result<Vec<AlertKind>> {
    let (alerts, looked) = look(monitor).await?;
    anyhow::ensure!(looked.failure.is_none(), "{:?}", looked.failure);
    Ok(alerts.into_iter().map(|alert| alert.kind).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_an_alert_once_and_what_was_before_is_none() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);

    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    assert_eq!(kinds(&one).await?, [AlertKind::Pin, AlertKind::Answer]);
    let deny = ana.deny(&two, None).await?.index;
    ana.publish_and_pin("shop/canary", "shop/api@1").await?;
    let freeze = ana.freeze("shop/prod").await?.index;
    let (alerts, looked) = look(&one).await?;
    assert_eq!(looked.exit(), ExitCode::Conflict);
    assert_eq!(alerts[0].entry, Some(deny));
    assert_eq!(alerts[1].entry, Some(freeze));
    assert_eq!(alerts[2].says, "known-good of shop/web is shop/web@1 and was shop/web@2");
    assert_eq!(alerts.len(), 3, "another channel's pin is not ours: {alerts:?}");
    ana.lift(deny).await?;
    ana.thaw(freeze).await?;
    assert_eq!(kinds(&one).await?, [AlertKind::Lift, AlertKind::Thaw, AlertKind::Answer]);
    let (alerts, looked) = look(&one).await?;
    assert_eq!((alerts.len(), looked.exit()), (0, ExitCode::Done));

    // Somebody else goes on where it stopped.
    drop(one);
    let again = monitor(&ana, &["shop/prod", "shop/canary"]).await?;
    assert_eq!(kinds(&again).await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_and_each_key_that_it_distrusts_are_alerts() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);
    let stolen = holdfast_formats::key::SigningKey::from_seed([77; 32]).public();
    ana.amend(|policy| {
        policy.distrust.push(holdfast_formats::policy::Distrust {
            key: stolen,
            from_entry: of_index(0),
            reason: of("it was on a laptop that is gone"),
        });
    })
    .await?;
    let (alerts, _) = look(&one).await?;
    let found: Vec<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(found, [AlertKind::Policy, AlertKind::Distrust]);
    assert!(alerts[1].says.contains("laptop"), "{}", alerts[1].says);
    assert_eq!(kinds(&one).await?, []);
    Ok(())
}

fn of_index(index: u64) -> holdfast_formats::tree::LeafIndex {
    of(&index.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_ends_soon_is_told_once_and_its_end_as_well() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let expires = registry.clock().timestamp().plus_ms(10 * 3_600_000);
    let draft = ana.draft_pin("shop/prod", &artifact, |pin| pin.expires = Some(expires)).await?;
    ana.registry().submit(draft).await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);
    registry.advance(HOUR * 8).await?;
    assert_eq!(kinds(&one).await?, [AlertKind::Expiry]);
    assert_eq!(kinds(&one).await?, []);
    registry.advance(HOUR * 3).await?;
    let (alerts, _) = look(&one).await?;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].says, "known-good of shop/web is nothing and was shop/web@1");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_silence_is_told_and_so_is_its_end() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);
    registry.stop().await?;
    let (alerts, looked) = look(&one).await?;
    assert_eq!((alerts.len(), looked.exit()), (0, ExitCode::Unreachable));
    registry.clock().advance(Duration::from_mins(11));
    let (alerts, looked) = look(&one).await?;
    assert_eq!((alerts[0].kind, looked.exit()), (AlertKind::Silence, ExitCode::Unreachable));
    assert_eq!(look(&one).await?.0.len(), 0);
    registry.try_start().await?;
    assert_eq!(kinds(&one).await?, [AlertKind::Heard]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_read_the_channel_may_monitor_it_and_nobody_else() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("shop/canary", "shop/api@1").await?;
    let (token, _) = ana
        .grant(|grant| {
            grant.actions = vec![Action::Read];
            grant.channels = vec![of("shop/prod")];
        })
        .await?;
    let reader = ana.colleague(Some(token))?;
    let own = monitor(&reader, &["shop/prod"]).await?;
    assert_eq!(kinds(&own).await?, []);
    ana.freeze("shop/prod").await?;
    assert_eq!(kinds(&own).await?, [AlertKind::Freeze]);
    drop(own);
    let other = monitor(&reader, &["shop/canary"]).await?;
    assert_eq!(look(&other).await?.1.exit(), ExitCode::NotFound);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_could_not_be_told_comes_again_with_the_same_id() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);
    ana.freeze("shop/prod").await?;
    let mut lost = Vec::new();
    let mut tell = |alert: &Alert| {
        lost.push(alert.id.clone());
        Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    };
    assert!(one.look(&mut Sinks { tell: &mut tell, webhook: None }).await.is_err());
    drop(one);
    let again = monitor(&ana, &["shop/prod"]).await?;
    let (alerts, _) = look(&again).await?;
    assert_eq!(alerts.iter().map(|alert| alert.id.clone()).collect::<Vec<_>>(), lost);
    assert_eq!(kinds(&again).await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn more_news_than_there_is_room_for_is_told_in_order_and_whole() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let one = monitor(&ana, &["shop/prod"]).await?;
    assert_eq!(kinds(&one).await?, []);
    // More than a page of history.
    let freezes = (0..280).map(|_| ana.freeze("shop/prod"));
    let mut indices: Vec<_> =
        futures::future::try_join_all(freezes).await?.into_iter().map(|done| Some(done.index)).collect();
    indices.sort();
    let (alerts, _) = look(&one).await?;
    assert_eq!(alerts.iter().map(|alert| alert.entry).collect::<Vec<_>>(), indices);
    Ok(())
}
