//! T11: many writers, several nodes, one log.

use anyhow::Result;
use holdfast_client::Draft;
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::Receipt;
use holdfast_tests::{Backing, Index, TestRegistry, of};
use reqwest::Method;

const WRITERS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn t11_100_writers_on_two_nodes_are_all_logged_once_in_one_order() -> Result<()> {
    let mut first = TestRegistry::on(Backing::memory()).await?;
    let ana = first.login().await?;
    let second = first.another_node().await?;
    let before = first.node()?.log().head().size().get();
    let nodes = [first.http()?, second.http()?];
    let mut submissions = Vec::new();
    for number in 0..WRITERS {
        let freeze =
            Freeze { channel: of(&format!("shop/c{number}")), reason: of("one of many"), until: None };
        submissions
            .push(ana.registry().prepare(Draft::new(freeze))?.signed_by(&ana.signer()).await?.to_json()?);
    }
    let sent = submissions.iter().enumerate().map(|(number, body)| {
        let node = &nodes[number % 2];
        async move {
            let answer = node.send(Method::POST, "/v1/submissions", body.clone()).await?;
            anyhow::ensure!(answer.status() == 201, "{}", answer.text().await?);
            Ok(serde_json::from_slice::<Receipt>(&answer.bytes().await?)?.index.get())
        }
    });
    let mut indices: Vec<u64> = futures::future::try_join_all(sent).await?;
    indices.sort_unstable();
    let expected: Vec<u64> = (before..before + WRITERS as u64).collect();
    assert_eq!(indices, expected, "each has its own place, without a gap");

    // The same envelopes, each at the other node: no second effect anywhere.
    for (number, body) in submissions.iter().enumerate() {
        let answer = nodes[(number + 1) % 2].send(Method::POST, "/v1/submissions", body.clone()).await?;
        assert_eq!(answer.status(), 200, "{}", answer.text().await?);
    }
    let ends = [first.node()?.log(), second.node()?.log()].map(|log| (log.head().size(), log.head().root()));
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].0.get(), before + WRITERS as u64);
    assert!(ana.audit().await?.findings.is_empty());
    first.restart(Index::Removed).await?;
    assert_eq!(first.node()?.log().head().root(), ends[0].1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_of_100_pins_of_one_line_exactly_one_is_next() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let artifact = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let draft = ana.draft_pin("shop/prod", &artifact, |_| {}).await?;
    let http = ana.http()?;
    let mut bodies = Vec::new();
    for _ in 0..WRITERS {
        bodies.push(ana.registry().prepare(draft.clone())?.signed_by(&ana.signer()).await?.to_json()?);
    }
    let sent = bodies.into_iter().map(|body| http.send(Method::POST, "/v1/submissions", body));
    let answers = futures::future::try_join_all(sent).await?;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), WRITERS - 1, "{statuses:?}");
    let lookup = ana.known_good("shop/prod").await?;
    assert_eq!(lookup.answer.get().lines[0].number.get(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_logged_another_answers() -> Result<()> {
    let first = TestRegistry::on(Backing::memory()).await?;
    let ana = first.login().await?;
    let second = first.another_node().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let seen = first.node()?.log().head().size();
    let path = format!("/v1/channels/shop/prod/known-good?min_size={}", seen.get());
    let token = ana.token()?;
    let http = holdfast_tests::Http::new(&second.url(), Some(token))?;
    let answer = http.get(&path).await?;
    assert_eq!(answer.status(), 200, "the node catches up first");
    assert!(answer.text().await?.contains("shop/prod"));
    Ok(())
}
