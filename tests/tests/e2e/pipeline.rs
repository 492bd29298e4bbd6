//! A pipeline with a token and a short-lived key of its own: it publishes, deploys and pins without being in the policy,
//! and everybody can check what it signed.

use std::time::Duration;

use anyhow::Result;
use holdfast_formats::policy::Distrust;
use holdfast_formats::statement::{Action, DeployPhase, EntryIndex, Revoke};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, HistoryQuery};
use holdfast_tests::{Person, TestRegistry, of};

const HOUR: Duration = Duration::from_hours(1);

/// A registry, its administrator, and a pipeline with a key that only its grant names.
async fn pipeline(actions: &[Action]) -> Result<(TestRegistry, Person, Person, LeafIndex)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let ci = ana.colleague(None)?;
    let (key, expires) = (ci.key(), registry.clock().timestamp().plus_ms(3_600_000));
    let grant = ana.grant(|grant| {
        grant.subject = of("ci");
        grant.actions = actions.to_vec();
        grant.names = vec![of("shop/*")];
        grant.channels = vec![of("shop/*")];
        grant.expires = Some(expires);
        grant.key = Some(key.public());
    });
    let (token, index) = grant.await?;
    let ci = ci.with_token(token)?;
    Ok((registry, ana, ci, index))
}

const ALL: [Action; 5] = [Action::Read, Action::Publish, Action::Attest, Action::Deploy, Action::Release];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pipeline_signs_with_an_ephemeral_key_is_answered_and_verified() -> Result<()> {
    let (registry, ana, ci, grant) = pipeline(&ALL).await?;
    let artifact = ci.publish("shop/web@1", "1").await?;
    ci.deploy("shop/prod", &artifact, DeployPhase::Succeeded).await?;
    ci.pin("shop/prod", &artifact).await?;
    let denied = ci.publish("shop/web@2", "2").await?;
    ci.pin("shop/prod", &denied).await?;
    ci.deny(&denied, Some("shop/prod")).await?;
    let knows_nothing = ana.without_memory(registry.clock().clone())?;
    for reader in [&ana, &ci, &knows_nothing] {
        let lookup = reader.known_good("shop/prod").await?;
        assert_eq!(lookup.wire.grants.len(), 1);
        let [line] = lookup.answer.get().lines.as_slice() else { panic!("one line") };
        assert_eq!(line.artifact, artifact);
        assert_eq!(line.signers[0].subject, Some(of("ci")));
        let record = reader.registry().artifact(&of("shop/web@1")).await?;
        assert_eq!(reader.registry().verify_artifact(&record).await?.files, 1);
        assert_eq!(reader.registry().artifact(&of("shop/web@2")).await?.denies().len(), 1);
        let query = HistoryQuery { before: None, limit: None };
        assert_eq!(reader.registry().history(&of("shop/prod"), &query).await?.entries.len(), 4);
    }
    // A pin under a grant that has ended since stays what it was.
    registry.advance(2 * HOUR).await?;
    assert_eq!(knows_nothing.answer("shop/prod").await?, ["shop/web@1"]);
    ana.say(Revoke { grant: EntryIndex { index: grant }, reason: of("the run is over") }).await?;
    let lookup = ana.known_good("shop/prod").await?;
    assert!(lookup.wire.grants[0].revoke.is_some(), "the answer shows that the token has ended");
    assert_eq!(ana.audit().await?.findings, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_an_ephemeral_key_signs_nothing_after_its_grant_has_ended() -> Result<()> {
    let (registry, ana, ci, grant) = pipeline(&ALL).await?;
    let artifact = ci.publish("shop/web@1", "1").await?;
    let draft = ci.draft_pin("shop/prod", &artifact, |_| {}).await?;
    let prepared = ci.registry().prepare(draft)?.signed_by(&ci.signer()).await?;
    ana.say(Revoke { grant: EntryIndex { index: grant }, reason: of("it leaked") }).await?;
    // Submissions need no token, so the key itself must have stopped counting.
    let refused = ana.registry().submit_prepared(&prepared).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Integrity, "no signature counts: {refused}");
    assert_eq!(ci.list().await.unwrap_err().exit(), ExitCode::NotFound);
    drop(registry);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_may_only_publish_pins_nothing() -> Result<()> {
    let (_registry, ana, ci, _) = pipeline(&[Action::Read, Action::Publish]).await?;
    let artifact = ci.publish("shop/web@1", "1").await?;
    let refused = ci.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    ana.pin("shop/prod", &artifact).await?;
    assert_eq!(ci.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_falls_with_the_administrator_who_made_it() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let mallory = ana.colleague(Some(ana.token()?))?;
    ana.amend(|policy| {
        policy.principals.push(mallory.principal("mallory"));
        for rule in &mut policy.roles {
            rule.principals.push(of("mallory"));
        }
    })
    .await?;
    let (token, index) = mallory.grant(|_| {}).await?;
    let thief = ana.colleague(Some(token))?;
    assert_eq!(thief.list().await?, ["shop/web@1"]);
    let key = mallory.key().public();
    ana.amend(|policy| {
        policy.distrust.push(Distrust { key, from_entry: index, reason: of("the laptop was stolen") });
    })
    .await?;
    assert_eq!(thief.list().await.unwrap_err().exit(), ExitCode::NotFound);
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}
