//! serve, login, push, pin, known-good.

use anyhow::Result;
use holdfast_client::{ClientError, LoginRequest, Places, login};
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Folder, TestRegistry, of};

#[tokio::test(flavor = "multi_thread")]
async fn the_five_lines_work_on_a_fresh_registry() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let pushed = ana.push("shop/web@1.4.2", &Folder::with("app", "v1")?).await?;
    let pinned = ana.pin("shop/prod", &pushed.artifact).await?;

    let lookup = ana.known_good("shop/prod").await?;
    let answer = lookup.answer.get();
    let [line] = answer.lines.as_slice() else { panic!("one line was pinned: {:?}", answer.lines) };
    assert_eq!(line.artifact, pushed.artifact);
    assert_eq!(line.entry, pinned.logged.get().entry());
    assert_eq!(line.reason.as_str(), "smoke tests passed");
    assert!(line.passed_over.is_empty());
    let [held] = answer.closure.as_slice() else { panic!("a build has no components") };
    assert_eq!(held.artifact, pushed.artifact);
    assert!(held.scrub > pushed.submitted.index, "it was read back after it was published");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_secret_works_once() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let url = registry.login_url()?;
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let request = LoginRequest { url, key_file: None, principal: None };
    login(&Places::under(first.path()), &request).await?;
    let refused = login(&Places::under(second.path()), &request).await.unwrap_err();
    assert!(matches!(refused, ClientError::AlreadySetUp { .. }), "{refused}");
    assert!(!Places::under(second.path()).trust_file().exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_login_secret_opens_nothing() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let genuine = registry.login_url()?;
    let other = TestRegistry::start().await?;
    let (_, foreign) = other.login_url()?.split_once('#').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let home = tempfile::tempdir()?;
    let url = format!("{}#{foreign}", registry.url());
    let request = LoginRequest { url, key_file: None, principal: None };
    let refused = login(&Places::under(home.path()), &request).await.unwrap_err();
    assert!(matches!(refused, ClientError::Fingerprint { .. }), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Integrity);

    // The right keys with another secret: it is the registry that refuses.
    let fingerprint = genuine.split('#').nth(1).unwrap();
    let mut secret = fingerprint.to_owned();
    let swapped = if secret.starts_with('a') { "b" } else { "a" };
    secret.replace_range(..1, swapped);
    let request =
        LoginRequest { url: format!("{}#{secret}", registry.url()), key_file: None, principal: None };
    let home = tempfile::tempdir()?;
    let refused = login(&Places::under(home.path()), &request).await.unwrap_err();
    let code = refused.problem().map(|problem| problem.code);
    assert!(
        code == Some(ProblemCode::Unauthorized) || matches!(refused, ClientError::BadSecret),
        "{refused}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_teams_on_one_channel_do_not_wait_for_each_other() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let web = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("shop/prod", "shop/api@7").await?;
    let next = ana.publish("shop/web@2", "two").await?;
    let pinned = ana.pin("shop/prod", &next).await?;
    let line = ana.ask("shop/prod", |query| query.component = Some(of("shop/web"))).await?;
    let line = &line.answer.get().lines[0];
    assert_eq!((line.number.get(), line.entry), (2, pinned.logged.get().entry()));
    assert_eq!(web.r#ref.name(), &line.name);
    assert_eq!(ana.answer("shop/prod").await?, ["shop/api@7", "shop/web@2"]);
    Ok(())
}
