//! Composed channels: every line must answer, and every declared need must hold.

use anyhow::Result;
use holdfast_client::{About, PushRequest};
use holdfast_formats::manifest::{Body, Kind, Need};
use holdfast_formats::wire::v1::{Excluded, ExitCode};
use holdfast_tests::{Folder, Person, TestRegistry, of};

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

/// Publishes and pins a build that needs something.
async fn pin_in_need(ana: &Person, reference: &str, name: &str, range: &str) -> Result<()> {
    let folder = Folder::with("app", reference)?;
    let need = Need { name: of(name), range: of(range) };
    let request = PushRequest {
        artifact: of(reference),
        source: folder.path().to_owned(),
        body: Body::None(Kind::Build),
        about: About { needs: vec![need], ..About::nothing() },
    };
    let artifact = ana.registry().push(&request).await?.artifact;
    ana.pin("shop/prod", &artifact).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_composed_channel_must_answer() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let api = ana.publish_and_pin("shop/prod", "shop/api@1").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/api@1", "shop/web@1"]);
    let deny = ana.deny(&api, None).await?;
    let nothing = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(nothing.exit(), ExitCode::NothingQualifies);
    assert!(nothing.to_string().contains("shop/api"), "it names the line: {nothing}");
    let line = ana.ask("shop/prod", |query| query.component = Some(of("shop/web"))).await?;
    assert_eq!(line.answer.get().lines[0].artifact.r#ref.to_string(), "shop/web@1");
    ana.lift(deny.index).await?;
    assert_eq!(ana.answer("shop/prod").await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_policy_must_all_answer_and_nothing_else_is_a_line() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.amend(|policy| {
        let mut rule = policy.channels[0].clone();
        rule.pattern = of("shop/prod");
        rule.members = Some(vec![of("shop/web"), of("shop/api")]);
        policy.channels.insert(0, rule);
    })
    .await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let nothing = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(nothing.exit(), ExitCode::NothingQualifies);
    assert!(nothing.to_string().contains("shop/api"), "it names the line: {nothing}");
    let stranger = ana.publish("shop/db@1", "db").await?;
    let refused = ana.pin("shop/prod", &stranger).await.unwrap_err();
    assert!(refused.to_string().contains("no line"), "{refused}");
    ana.publish_and_pin("shop/prod", "shop/api@1").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/api@1", "shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_needs_must_hold_across_lines() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    pin_in_need(&ana, "shop/web@2.0.0", "shop/api", "^1.4").await?;
    ana.publish_and_pin("shop/prod", "shop/api@1.3.9").await?;
    let nothing = ana.known_good("shop/prod").await.unwrap_err();
    assert_eq!(nothing.exit(), ExitCode::NothingQualifies, "{nothing}");
    let line = ana.ask("shop/prod", |query| query.component = Some(of("shop/web"))).await?;
    assert_eq!(line.answer.get().lines.len(), 1, "one line alone is not asked for its neighbours");
    ana.publish_and_pin("shop/prod", "shop/api@1.5.0").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/api@1.5.0", "shop/web@2.0.0"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn not_and_back_need_a_component_where_there_are_several_lines() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    ana.publish_and_pin("shop/prod", "shop/api@1").await?;
    for change in [
        |query: &mut holdfast_formats::wire::v1::KnownGoodQuery| query.back = Some(1),
        |query: &mut holdfast_formats::wire::v1::KnownGoodQuery| query.not = Some(Excluded::Current),
    ] {
        assert_eq!(ana.ask("shop/prod", change).await.unwrap_err().exit(), ExitCode::Usage);
    }
    let back = ana
        .ask("shop/prod", |query| {
            query.component = Some(of("shop/web"));
            query.back = Some(1);
        })
        .await?;
    assert_eq!(back.answer.get().lines[0].artifact.r#ref.to_string(), "shop/web@1");
    let several = ana.registry().resolve(&of("channel:shop/prod")).await.unwrap_err();
    assert_eq!(several.exit(), ExitCode::Usage, "{several}");
    Ok(())
}
