//! Releases: what is deployed together, and the way back.

use anyhow::Result;
use holdfast_formats::digest::{Digests, NamedDigest};
use holdfast_formats::manifest::{ComponentRole, Custody, Irreversible, UndoMode};
use holdfast_formats::statement::{Artifact, DeployPhase};
use holdfast_formats::wire::v1::{Excluded, ExitCode, PassReason, ProblemCode};
use holdfast_tests::{Person, TestRegistry, held, of, referenced, release_of};

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.amend(|policy| policy.channels[0].follows = Some(of("shop/release"))).await?;
    Ok((registry, ana))
}

/// Publishes a release of web, schema and config of one version.
async fn release(ana: &Person, version: u32) -> Result<Artifact> {
    let mut components = Vec::new();
    let parts = [
        ("web", ComponentRole::Code, 3),
        ("schema", ComponentRole::Schema, 2),
        ("config", ComponentRole::Config, 1),
    ];
    for (name, role, stage) in parts {
        let reference = format!("shop/{name}@{version}.0.0");
        ana.publish(&reference, &reference).await?;
        components.push(held(name, role, &reference, stage));
    }
    let image = NamedDigest::Sha256(Digests::of(b"an image").sha256);
    let location = "https://images.example/shop/edge";
    components.push(referenced("edge", "images.example/shop/edge:7", image, location));
    Ok(ana.release(&format!("shop/release@{version}.0.0"), release_of(components)).await?.artifact)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_answers_with_its_whole_closure_and_the_custody_of_each_part() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = release(&ana, 1).await?;
    ana.pin("shop/prod", &one).await?;
    let lookup = ana.known_good("shop/prod").await?;
    let answer = lookup.answer.get();
    let mut parts: Vec<_> = answer.closure.iter().map(|part| part.artifact.r#ref.to_string()).collect();
    parts.sort();
    assert_eq!(parts, ["shop/config@1.0.0", "shop/release@1.0.0", "shop/schema@1.0.0", "shop/web@1.0.0"]);
    let release = answer.closure.iter().find(|part| part.artifact == one).expect("it is there");
    let custody: Vec<_> = release
        .manifest
        .release()
        .expect("it is a release")
        .components
        .iter()
        .map(|component| (component.name.as_str(), component.custody))
        .collect();
    let expected = [
        ("web", Custody::Held),
        ("schema", Custody::Held),
        ("config", Custody::Held),
        ("edge", Custody::Referenced),
    ];
    assert_eq!(custody, expected);
    for part in &answer.closure {
        assert!(part.scrub > part.published.index, "{} was read back", part.artifact.r#ref);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_follows_a_release_has_no_other_line() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = release(&ana, 1).await?;
    let web = ana.registry().resolve(&of("shop/web@1.0.0")).await?;
    let refused = ana.pin("shop/prod", &web).await.unwrap_err();
    assert!(refused.to_string().contains("follows shop/release"), "{refused}");
    ana.pin("shop/prod", &one).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/release@1.0.0"]);
    assert_eq!(ana.registry().resolve(&of("channel:shop/prod")).await?, one);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_undoes_what_was_deployed_since_in_reverse_stage_order() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let mut releases = Vec::new();
    for version in 1..=3 {
        let artifact = release(&ana, version).await?;
        ana.deploy("shop/prod", &artifact, DeployPhase::Started).await?;
        ana.deploy("shop/prod", &artifact, DeployPhase::Succeeded).await?;
        if version == 1 {
            ana.pin("shop/prod", &artifact).await?;
        }
        releases.push(artifact);
    }
    ana.deny(&releases[2], None).await?;
    let lookup = ana.ask("shop/prod", |query| query.not = Some(Excluded::Current)).await?;
    let answer = lookup.answer.get();
    assert_eq!(answer.lines[0].artifact, releases[0]);
    assert_eq!(answer.lines[0].current.as_ref(), Some(&releases[2]));
    let steps: Vec<_> = answer
        .plan
        .iter()
        .map(|step| (step.release.to_string(), step.component.to_string(), step.stage))
        .filter(|(_, component, _)| component != "edge")
        .collect();
    let expected = [3, 2].into_iter().flat_map(|version| {
        [("web", 3), ("schema", 2), ("config", 1)]
            .map(|(name, stage)| (format!("shop/release@{version}.0.0"), name.to_owned(), stage))
    });
    assert_eq!(steps, expected.collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_irreversible_step_on_the_way_is_in_the_plan() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = release(&ana, 1).await?;
    ana.pin("shop/prod", &one).await?;
    ana.publish("shop/schema@2", "drops a column").await?;
    let mut schema = held("schema", ComponentRole::Schema, "shop/schema@2", 1);
    schema.undo.mode = UndoMode::None;
    schema.irreversible =
        Some(Irreversible { step: of("drop total_cents"), reason: of("the old totals are gone") });
    let two = ana.release("shop/release@2.0.0", release_of(vec![schema])).await?.artifact;
    ana.deploy("shop/prod", &two, DeployPhase::Succeeded).await?;
    match ana.ask("shop/prod", |query| query.not = Some(Excluded::Current)).await {
        Ok(lookup) => {
            let plan = &lookup.answer.get().plan;
            assert!(plan.iter().any(holdfast_verify::known_good::is_one_way), "{plan:?}");
        }
        Err(error) => assert_eq!(error.exit(), ExitCode::Irreversible, "{error}"),
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_of_a_component_passes_its_releases_over() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    for version in [1, 2] {
        let artifact = release(&ana, version).await?;
        ana.pin("shop/prod", &artifact).await?;
    }
    let schema = ana.registry().resolve(&of("shop/schema@2.0.0")).await?;
    ana.deny(&schema, None).await?;
    let lookup = ana.known_good("shop/prod").await?;
    let line = &lookup.answer.get().lines[0];
    assert_eq!(line.artifact.r#ref.to_string(), "shop/release@1.0.0");
    assert_eq!(line.passed_over[0].reason, PassReason::Denied);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_something_that_is_not_there_is_refused() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let missing = release_of(vec![held("web", ComponentRole::Code, "shop/web@9", 1)]);
    let refused = ana.release("shop/release@1", missing).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::NotFound, "{refused}");

    let web = ana.publish("shop/web@1", "1").await?;
    let mut wrong = held("web", ComponentRole::Code, "shop/web@1", 1);
    wrong.digest = Some(NamedDigest::Blake3(Digests::of(b"something else").blake3));
    let refused = ana.release("shop/release@1", release_of(vec![wrong])).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Usage, "{refused}");
    assert_ne!(web.digests, Digests::of(b"something else"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_release_is_not_deployed() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let one = release(&ana, 1).await?;
    let web = ana.registry().resolve(&of("shop/web@1.0.0")).await?;
    ana.deny(&web, None).await?;
    let refused = ana.deploy("shop/prod", &one, DeployPhase::Started).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Denied), "{refused}");
    Ok(())
}
