//! Keys that change while the registry runs: what was signed before stays valid, what comes after needs the new key, and a
//! node that does not have it signs nothing.

use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_client::{ClientError, Draft};
use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::key::{PublicKey, SigningKey};
use holdfast_formats::policy::{Policy, Role};
use holdfast_formats::proof::TlogProof;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery, ProblemCode, Receipt};
use holdfast_registry::log::{KeyKind, NodeKeys, ReplayError};
use holdfast_registry::node::NodeError;
use holdfast_tests::{Backing, Index, Person, TestRegistry, of};
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::receipt::{verify_policies, verify_receipt};

fn keys_of(policy: &mut Policy, kind: KeyKind) -> &mut Vec<PublicKey> {
    match kind {
        KeyKind::Log => &mut policy.log_keys,
        KeyKind::Head => &mut policy.head_keys,
        KeyKind::Registry => &mut policy.registry_keys,
    }
}

/// Makes the next key of a kind, and has the policy name it, instead of the old ones or beside them.
async fn rotate(registry: &TestRegistry, ana: &Person, kind: KeyKind, keep_old: bool) -> Result<PublicKey> {
    let (_, new) = NodeKeys::add(&registry.keys_folder(), kind)?;
    let named = new.clone();
    ana.amend(move |policy| {
        let keys = keys_of(policy, kind);
        if !keep_old {
            keys.clear();
        }
        keys.push(named);
    })
    .await?;
    Ok(new)
}

/// The chain of policies as somebody follows it who starts from trust.json.
async fn chain(ana: &Person) -> Result<PolicyChain> {
    let mut receipts: Vec<Receipt> = Vec::new();
    let mut next = Some(ana.registry().policy().await?);
    while let Some((index, policy)) = next {
        receipts.insert(0, ana.registry().receipt(index).await?.0);
        let before = policy.predecessor.map(|before| before.index);
        next = None;
        if let Some(index) = before {
            let (_, logged) = ana.registry().receipt(index).await?;
            let holdfast_formats::statement::Predicate::Policy(policy) = &logged.get().statement().predicate
            else {
                anyhow::bail!("entry {index} is a policy")
            };
            next = Some((index, policy.as_ref().clone()));
        }
    }
    Ok(verify_policies(ana.registry().trust(), &receipts)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_of_the_registry_rotates_and_nothing_from_before_is_lost() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let mut ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@0").await?;
    let first = ana.registry().policy().await?.0;
    let (old_receipt, _) = ana.registry().receipt(first).await?;
    let bundled = registry.home().join("before.bundle");
    ana.registry().bundle(&of("shop/prod"), &KnownGoodQuery::EVERYTHING, &bundled).await?;

    for (version, kind) in KeyKind::ALL.into_iter().enumerate().map(|(at, kind)| (at + 1, kind)) {
        rotate(&registry, &ana, kind, false).await.with_context(|| format!("{kind:?}"))?;
        // Whoever saw the log before follows, and so does whoever knows only the old trust.json.
        let reference = format!("shop/web@{version}");
        ana.publish_and_pin("shop/prod", &reference).await.with_context(|| format!("{kind:?}"))?;
        let late = ana.colleague(Some(ana.token()?))?;
        for person in [&ana, &late] {
            assert_eq!(person.answer("shop/prod").await?, std::slice::from_ref(&reference), "{kind:?}");
        }
        assert!(late.audit().await?.findings.is_empty(), "{kind:?}");
        registry.restart(if version == 2 { Index::Removed } else { Index::Kept }).await?;
        ana = ana.again()?;
        assert_eq!(ana.answer("shop/prod").await?, [reference], "{kind:?}");
    }

    verify_receipt(&old_receipt, &chain(&ana).await?)?;
    let newcomer = ana.without_memory(registry.clock().clone())?;
    newcomer.registry().open_bundle(&bundled).await?;
    // The old private keys may be destroyed now.
    registry.stop().await?;
    for kind in KeyKind::ALL {
        std::fs::remove_file(registry.keys_folder().join(format!("{}.pem", kind.as_str())))?;
    }
    registry.try_start().await?;
    assert_eq!(ana.again()?.answer("shop/prod").await?, ["shop/web@3"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t30_a_checkpoint_of_the_new_size_signed_by_the_old_key_alone_is_refused() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let old = SigningKey::from_pkcs8_pem(&std::fs::read_to_string(registry.keys_folder().join("log.pem"))?)?;
    // While both count, whoever knows only the old key believes it still.
    let new = rotate(&registry, &ana, KeyKind::Log, true).await?;
    let note = ana.registry().sync().await?.checkpoint;
    for key in [old.public(), new.clone()] {
        Checkpoint::from_signed(note.as_bytes(), ana.registry().origin(), &[key])?;
    }
    let both = ana.registry().policy().await?.0;
    let (before, _) = ana.registry().receipt(both).await?;

    ana.amend(|policy| policy.log_keys = vec![new.clone()]).await?;
    let newest = ana.registry().policy().await?.0;
    let (receipt, _) = ana.registry().receipt(newest).await?;
    let chain = chain(&ana).await?;
    verify_receipt(&receipt, &chain)?;
    verify_receipt(&before, &chain)?;
    let proof: TlogProof = receipt.proof.parse()?;
    let honest = Checkpoint::from_signed(proof.checkpoint().as_bytes(), ana.registry().origin(), &[new])?;
    let forged = sign_checkpoint(&honest, &old);
    let proof = TlogProof::new(proof.index(), proof.hashes().to_vec(), forged)?.to_string();
    let refused = verify_receipt(&Receipt { proof, ..receipt }, &chain);
    assert!(refused.is_err(), "the old key signs no size that the new policy is part of");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_whose_keys_the_node_does_not_hold_is_refused() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    for kind in KeyKind::ALL {
        let stranger = SigningKey::from_seed([99; 32]).public();
        let refused = ana.amend(|policy| *keys_of(policy, kind) = vec![stranger]).await.unwrap_err();
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::StatementInvalid), "{refused}");
        assert_eq!(refused.exit(), ExitCode::Refused);
        assert!(refused.to_string().contains(&format!("--add {}", kind.as_str())), "{refused}");
    }
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_new_key_signs_nothing_until_it_has_it() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let mut second = registry.another_node().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let (path, new) = NodeKeys::add(&registry.keys_folder(), KeyKind::Log)?;
    let rotated = ana.amend(|policy| policy.log_keys = vec![new]).await?;

    // The other node has seen the policy's entry and stays before it.
    let of_second = second.http()?;
    let freeze =
        holdfast_formats::statement::Freeze { channel: of("shop/x"), reason: of("why"), until: None };
    let prepared = ana.registry().prepare(Draft::new(freeze))?.signed_by(&ana.signer()).await?.to_json()?;
    let answer = of_second.send(reqwest::Method::POST, "/v1/submissions", prepared.clone()).await?;
    assert_eq!(answer.status().as_u16(), 503);
    let said = answer.text().await?;
    assert!(said.contains("no log key that this node holds"), "{said}");
    let head = second.node()?.log().head();
    assert!(head.size().get() <= rotated.index.get(), "it signed {} entries", head.size());
    registry.clock().advance(Duration::from_secs(3));
    let ready = of_second.send(reqwest::Method::GET, "/readyz", Vec::new()).await?;
    assert_eq!(ready.status().as_u16(), 503, "it answers stale, not wrong");

    // It cannot be started either.
    second.stop().await?;
    let error = second.try_start().await.unwrap_err();
    let keys = matches!(error.downcast_ref(), Some(NodeError::Replay(ReplayError::Keys(_))));
    assert!(keys && error.to_string().contains("--add log"), "{error:#}");

    std::fs::copy(&path, second.keys_folder().join(path.file_name().context("it has a name")?))?;
    second.try_start().await?;
    let answer = second.http()?.send(reqwest::Method::POST, "/v1/submissions", prepared).await?;
    assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await?);
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_that_is_given_the_key_goes_on_by_itself() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let second = registry.another_node().await?;
    let (path, new) = NodeKeys::add(&registry.keys_folder(), KeyKind::Head)?;
    let rotated = ana.amend(|policy| policy.head_keys = vec![new]).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(second.node()?.log().head().size().get() <= rotated.index.get());
    std::fs::copy(&path, second.keys_folder().join(path.file_name().context("it has a name")?))?;
    let wanted = registry.node()?.log().head().size();
    let reached = second.node()?.log().reached(wanted);
    let head = tokio::time::timeout(Duration::from_secs(10), reached).await?;
    assert_eq!(head.root(), registry.node()?.log().head().root());
    Ok(())
}

/// More policies than one answer brings, the last of which changes the log's key.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_far_behind_follows_over_a_change_of_keys() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    for _ in 0..66 {
        ana.amend(|policy| policy.namespaces[0].public_read = !policy.namespaces[0].public_read).await?;
    }
    rotate(&registry, &ana, KeyKind::Log, false).await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let late = ana.colleague(Some(ana.token()?))?;
    assert_eq!(late.answer("shop/prod").await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_key_rotates_with_the_thresholds_of_both_roots() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let successor = ana.colleague(Some(ana.token()?))?;
    let (old, new) = (ana.key().public(), successor.key().public());
    let changed = |policy: &mut Policy| {
        holdfast_client::policy::rotate_root_key(policy, &old, &new).expect("the old key is a root key");
    };
    let refused = ana.amend(changed).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    let next = ana.next_policy(changed).await?;
    let prepared = ana.registry().prepare(Draft::new(next))?;
    let alone = prepared.clone().signed_by(&successor.signer()).await?;
    let refused = ana.registry().submit_prepared(&alone).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    ana.registry().submit_prepared(&alone.signed_by(&ana.signer()).await?).await?;

    let refused = ana.amend(|policy| policy.namespaces[0].public_read = true).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::SignatureInvalid), "{refused}");
    successor.amend(|policy| policy.namespaces[0].public_read = true).await?;
    successor.publish_and_pin("shop/prod", "shop/web@2").await?;
    // Both the old memory and the old trust.json lead there.
    for person in [&ana, &ana.colleague(Some(ana.token()?))?] {
        assert_eq!(person.answer("shop/prod").await?, ["shop/web@2"]);
    }
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t30_what_was_prepared_under_one_policy_is_judged_by_the_next() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let token = Some(ana.token()?);
    let (bob, cleo) = (ana.colleague(token.clone())?, ana.colleague(token)?);
    ana.amend(|policy| {
        policy.principals.extend([bob.principal("bob"), cleo.principal("cleo")]);
        for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
            rule.principals.extend([of("bob"), of("cleo")]);
            rule.threshold = 2;
        }
    })
    .await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let prepared = ana.registry().prepare(ana.draft_pin("shop/prod", &artifact, |_| {}).await?)?;
    // Each signs a copy of their own.
    let by_bob = prepared.clone().signed_by(&bob.signer()).await?;
    let by_cleo = prepared.clone().signed_by(&cleo.signer()).await?;
    let both = by_bob.merged(by_cleo)?;
    let approvals = ana.registry().approvals(&both).await?.context("a policy is known")?;
    assert_eq!(approvals.missing(), 0);

    // In between Cleo gets a new key: hers of before counts no more.
    let new = ana.colleague(Some(ana.token()?))?;
    ana.amend(|policy| {
        for principal in policy.principals.iter_mut().filter(|p| p.id == of("cleo")) {
            principal.key = Some(new.key().public());
        }
    })
    .await?;
    let refused = ana.registry().submit_prepared(&both).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::ThresholdNotMet), "{refused}");
    let approvals = ana.registry().approvals(&both).await?.context("a policy is known")?;
    assert_eq!((approvals.missing(), approvals.unknown.len()), (1, 1));

    // With the new key's signature the same statement is logged; the old one's is left out.
    let again = both.signed_by(&new.signer()).await?;
    let logged = ana.registry().submit_prepared(&again).await?;
    assert_eq!(logged.logged.get().signers().len(), 2);
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);

    let other = ana.registry().prepare(ana.draft_pin("shop/prod", &artifact, |_| {}).await?)?;
    assert!(matches!(other.merged(prepared), Err(ClientError::OtherStatement)));
    Ok(())
}
