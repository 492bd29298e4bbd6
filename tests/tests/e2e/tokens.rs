//! Which tokens there are: listed with proof, page by page, and only for auditors.

use std::time::Duration;

use anyhow::Result;
use holdfast_client::Tokens;
use holdfast_formats::statement::{Action, EntryIndex, Revoke};
use holdfast_formats::wire::v1::{ExitCode, GrantList};
use holdfast_tests::{Person, TestRegistry, of};

async fn subjects(person: &Person, which: Tokens) -> Result<Vec<String>> {
    let grants = person.registry().grants(which).await?;
    Ok(grants.iter().map(|grant| grant.get().grant.subject.to_string()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_with_what_ended_them() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let expires = Some(registry.clock().timestamp().plus_ms(60_000));
    ana.grant(|grant| (grant.subject, grant.expires) = (of("short"), expires)).await?;
    let (_, leaked) = ana.grant(|grant| grant.subject = of("leaked")).await?;
    ana.grant(|grant| grant.subject = of("ci")).await?;
    let revoke =
        ana.say(Revoke { grant: EntryIndex { index: leaked }, reason: of("it leaked") }).await?.index;
    registry.advance(Duration::from_secs(61)).await?;
    let standing = subjects(&ana, Tokens::Standing).await?;
    assert_eq!(standing[1..], ["ci"], "the first is the one that login made: {standing:?}");
    assert_eq!(subjects(&ana, Tokens::All).await?[1..], ["short", "leaked", "ci"]);
    let all = ana.registry().grants(Tokens::All).await?;
    let ends: Vec<_> = all.iter().map(|grant| grant.get().revoked).collect();
    assert_eq!(ends, [None, None, Some(revoke), None]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_names_where_the_next_one_begins() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    for at in 0..5 {
        ana.grant(|grant| grant.subject = of(&format!("ci-{at}"))).await?;
    }
    let http = ana.http()?;
    let (mut seen, mut after) = (0, String::new());
    loop {
        let page: GrantList = http.read(&format!("/v1/grants?limit=2{after}")).await?;
        assert!(page.grants.len() <= 2);
        seen += page.grants.len();
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, 6);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_auditor_sees_no_tokens() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let most = Action::ALL.iter().filter(|action| **action != Action::Audit).copied().collect();
    let (token, _) = ana.grant(|grant| grant.actions = most).await?;
    let bob = ana.colleague(Some(token))?;
    assert_eq!(bob.registry().grants(Tokens::All).await.unwrap_err().exit(), ExitCode::NotFound);
    Ok(())
}
