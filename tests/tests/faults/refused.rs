//! An entry in the log that the rule book refuses: it has no effect, and nothing is written until a person has looked at it.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use holdfast_formats::commit::{Commit, CommitHeader};
use holdfast_formats::id::RandomId;
use holdfast_formats::number::{ByteSize, Seconds};
use holdfast_formats::policy::Window;
use holdfast_formats::statement::{Delete, Predicate, Sweep, SweepPhase, WindowMode};
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_registry::log::NodeKeys;
use holdfast_tests::evil::Operator;
use holdfast_tests::{Backing, TestRegistry, of};
use holdfast_verify::merkle::Edge;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

fn slot(number: u64) -> Path {
    Path::from(format!("log/commits/0/{number:020}"))
}

/// Every commit of the store.
async fn commits(objects: &dyn ObjectStore) -> Result<Vec<Commit>> {
    let mut all = Vec::new();
    while let Ok(object) = objects.get(&slot(all.len() as u64)).await {
        all.push(Commit::parse(&object.bytes().await?)?);
    }
    Ok(all)
}

/// The next commit, by a registry that does not judge: it logs the newest entry once more.
fn replayed(commits: &[Commit], keys: &NodeKeys) -> Result<(LeafIndex, Vec<u8>)> {
    let last = commits.last().and_then(|commit| commit.entries.last()).context("there is one")?;
    unjudged(commits, keys, last.clone())
}

/// The next commit, with this leaf, by a registry that does not judge.
fn unjudged(commits: &[Commit], keys: &NodeKeys, leaf: Vec<u8>) -> Result<(LeafIndex, Vec<u8>)> {
    let last = commits.last().context("there is one")?;
    let mut edge = Edge::empty();
    for leaf in commits.iter().flat_map(|commit| &commit.entries) {
        edge.push(TreeHash::leaf(leaf), &mut |_, _| {})?;
    }
    let size = edge.size();
    let index = size.next_index();
    edge.push(TreeHash::leaf(&leaf), &mut |_, _| {})?;
    let header = CommitHeader {
        number: last.header.number + 1,
        previous: last.hash,
        previous_size: size,
        count: 1,
        root: edge.root(),
        nonce: RandomId::from_bytes([7; 16]),
        ..last.header.clone()
    };
    Ok((index, header.encode(keys.acting(None)?.registry(), &[leaf])?.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn t36_a_refused_entry_halts_the_log_until_a_person_says_so() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    registry.stop().await?;
    let keys = NodeKeys::load(&registry.keys_folder())?.context("it has keys")?;
    let objects = registry.objects()?;
    let written = commits(objects.as_ref()).await?;
    let (index, object) = replayed(&written, &keys)?;
    objects.put(&slot(written.len() as u64), Bytes::from(object).into()).await?;

    registry.try_start().await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"], "what was good is still answered");
    let refused = ana.publish("shop/web@2", "2").await.expect_err("nothing is written");
    assert!(refused.to_string().contains(&format!("--acknowledge-refused {index}")), "{refused:#}");

    registry.stop().await?;
    registry.remove_index()?;
    registry.acknowledge(index);
    registry.try_start().await?;
    ana.publish("shop/web@2", "2").await.context("also with a new index")?;
    let findings = ana.audit().await?.findings;
    assert_eq!(findings.len(), 1, "auditors report it for ever: {findings:?}");
    Ok(())
}

/// Who runs a registry can write any entry, but none that ends what is kept has an effect for anybody who judges.
#[tokio::test(flavor = "multi_thread")]
async fn t32_an_entry_that_ends_what_is_kept_has_no_effect_and_is_found() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let keep = Window { keep_s: Seconds::new(1_000_000)?, mode: WindowMode::Compliance };
    ana.amend(|policy| {
        policy.namespaces[0].windows.insert(of("build"), keep);
    })
    .await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let delete = Delete { artifact: artifact.clone(), bypass: true, reason: of("nobody looks") };
    let sweep = Sweep {
        phase: SweepPhase::Intend,
        artifacts: vec![artifact],
        objects: None,
        bytes: ByteSize::new(1)?,
        intends: None,
    };
    let keys = NodeKeys::load(&registry.keys_folder())?.context("it has keys")?;
    let mut operator = Operator::of(&registry, &ana).await?;
    let lies: [(Predicate, _); 2] =
        [(delete.into(), ana.key()), (sweep.into(), operator.keys.registry.clone())];
    registry.stop().await?;
    for (found, (lie, key)) in (1..).zip(lies) {
        let index = operator.log(lie, &[&key]);
        let objects = registry.objects()?;
        let written = commits(objects.as_ref()).await?;
        let (_, object) = unjudged(&written, &keys, operator.entry(index).entry.0)?;
        objects.put(&slot(written.len() as u64), Bytes::from(object).into()).await?;
        registry.try_start().await?;
        let shown = ana.registry().retention(&of("shop/web@1")).await?;
        assert!(shown.ended.is_none() && !shown.delete && shown.intended.is_none(), "{shown:?}");
        let findings = ana.audit().await?.findings;
        assert_eq!(findings.len(), found, "{findings:?}");
        assert!(findings.iter().any(|finding| finding.index == Some(index)), "{findings:?}");
        assert!(findings.iter().all(|finding| finding.what.contains("is kept")), "{findings:?}");
        registry.stop().await?;
    }
    Ok(())
}
