//! Policies: who may, how many of them, with what evidence, and how the rules change.

use anyhow::Result;
use holdfast_client::{Draft, Prepared};
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::{EvidenceRule, Policy, Role};
use holdfast_formats::statement::{Evidence, EvidenceKind};
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Folder, Person, TestRegistry, of};

/// Ana, who logged in, and two colleagues who are principals without any role.
async fn team() -> Result<(TestRegistry, [Person; 3])> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let token = Some(ana.token()?);
    let (bob, cleo) = (ana.colleague(token.clone())?, ana.colleague(token)?);
    ana.amend(|policy| {
        policy.principals.push(bob.principal("bob"));
        policy.principals.push(cleo.principal("cleo"));
    })
    .await?;
    Ok((registry, [ana, bob, cleo]))
}

/// Two of Ana, Bob and Cleo release.
fn two_release(policy: &mut Policy) {
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        rule.principals.extend([of("bob"), of("cleo")]);
        rule.threshold = 2;
    }
}

/// A statement that travels as a file from person to person, each of whom signs it.
async fn pass_round(prepared: &Prepared, people: &[&Person]) -> Result<Prepared> {
    let mut file = prepared.to_json()?;
    for person in people {
        file = Prepared::parse(&file)?.signed_by(&person.signer()).await?.to_json()?;
    }
    Ok(Prepared::parse(&file)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_releasers_must_sign_a_pin() -> Result<()> {
    let (_registry, [ana, bob, cleo]) = team().await?;
    let second = ana.amend(two_release).await?;
    assert_eq!(ana.registry().policy().await?.0, second.index);
    let artifact = ana.publish("shop/web@1", "1").await?;

    let draft = ana.draft_pin("shop/prod", &artifact, |_| {}).await?;
    let prepared = ana.registry().prepare(draft)?;
    let alone = pass_round(&prepared, &[&bob]).await?;
    let refused = bob.registry().submit_prepared(&alone).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Refused);
    assert!(refused.to_string().contains("1 of the 2"), "{refused}");
    assert!(pass_round(&alone, &[&bob]).await.is_err(), "nobody signs twice");

    let both = pass_round(&alone, &[&cleo]).await?;
    bob.registry().submit_prepared(&both).await?;
    let lookup = ana.known_good("shop/prod").await?;
    let mut signers: Vec<_> =
        lookup.answer.get().lines[0].signers.iter().filter_map(|signer| signer.principal.clone()).collect();
    signers.sort();
    assert_eq!(signers, [of("bob"), of("cleo")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_them_may_deny_but_a_lift_takes_two() -> Result<()> {
    let (_registry, [ana, bob, cleo]) = team().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    ana.amend(two_release).await?;
    let deny = cleo.deny(&two, None).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    let refused = cleo.lift(deny.index).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    let lift = holdfast_formats::statement::Lift {
        deny: holdfast_formats::statement::EntryIndex { index: deny.index },
        reason: of("a false alarm"),
    };
    let prepared = pass_round(&ana.registry().prepare(Draft::new(lift))?, &[&ana, &bob]).await?;
    ana.registry().submit_prepared(&prepared).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_role_is_refused_by_name() -> Result<()> {
    let (_registry, [ana, bob, _]) = team().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let refused = bob.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Forbidden), "{refused}");
    assert!(refused.to_string().contains("releaser"), "{refused}");
    let refused = bob.push("shop/web@2", &Folder::with("app", "2")?).await.unwrap_err();
    assert!(refused.to_string().contains("publisher"), "{refused}");
    let stranger = ana.colleague(Some(ana.token()?))?;
    let refused = stranger.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::SignatureInvalid), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_threshold_of_both_policies_guards_the_next_one() -> Result<()> {
    let (_registry, [ana, bob, _]) = team().await?;
    let raised = |policy: &mut Policy| {
        policy.root.keys.push(bob.key().public());
        policy.root.threshold = 2;
    };
    let refused = ana.amend(raised).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    let next = ana.next_policy(raised).await?;
    let prepared = pass_round(&ana.registry().prepare(Draft::new(next))?, &[&ana, &bob]).await?;
    ana.registry().submit_prepared(&prepared).await?;

    let lowered = |policy: &mut Policy| policy.root.threshold = 1;
    let refused = ana.amend(lowered).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_with_a_stale_predecessor_is_refused() -> Result<()> {
    let (_registry, [ana, ..]) = team().await?;
    let one = ana.next_policy(|policy| policy.namespaces[0].public_read = true).await?;
    let other = ana.next_policy(two_release).await?;
    ana.say(one).await?;
    let refused = ana.say(other).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::StalePredecessor), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_may_want_evidence() -> Result<()> {
    let (_registry, [ana, ..]) = team().await?;
    let wanted: holdfast_formats::text::Uri = of("https://in-toto.io/attestation/test-result/v0.1");
    let rule = EvidenceRule {
        kind: EvidenceKind::Attest,
        predicate_type: Some(wanted.clone()),
        signer: None,
        younger_than_s: None,
    };
    ana.amend(|policy| policy.channels[0].evidence.push(rule)).await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let refused = ana.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::EvidenceMissing), "{refused}");
    assert!(refused.to_string().contains(wanted.as_str()), "{refused}");
    let draft = Draft::attest(b"{\"passed\":true}".to_vec(), wanted, vec![artifact.digests]);
    let attested = ana.registry().submit(draft).await?;
    let shown = Evidence {
        kind: EvidenceKind::Attest,
        predicate_type: None,
        digest: None,
        entry: Some(attested.index),
        uri: None,
    };
    let draft = ana.draft_pin("shop/prod", &artifact, |pin| pin.evidence.push(shown)).await?;
    ana.registry().submit(draft).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_published_does_not_release_where_duties_are_separate() -> Result<()> {
    let (_registry, [ana, bob, _]) = team().await?;
    ana.amend(|policy| {
        policy.separate.push((Role::Publisher, Role::Releaser));
        for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
            rule.principals.push(of("bob"));
        }
    })
    .await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let refused = ana.pin("shop/prod", &artifact).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    assert!(refused.to_string().contains("somebody else"), "{refused}");
    bob.pin("shop/prod", &artifact).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_an_old_policy_follows_the_chain_to_the_newest() -> Result<()> {
    let (_registry, [ana, ..]) = team().await?;
    // More than one answer brings.
    for _ in 0..68 {
        ana.amend(|policy| policy.namespaces[0].public_read = !policy.namespaces[0].public_read).await?;
    }
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let late = ana.colleague(Some(ana.token()?))?;
    assert_eq!(late.answer("shop/prod").await?, ["shop/web@1"]);
    let (index, policy) = late.registry().policy().await?;
    assert_eq!((index, policy.number), (ana.registry().policy().await?.0, PolicyNumber::new(70)?));
    Ok(())
}
