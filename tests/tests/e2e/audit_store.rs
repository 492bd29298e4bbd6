//! Audits that read the store and ask nobody: what an operator edits there, or takes away, is found (T32).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use holdfast_client::{AuditReport, AuditRequest, FindingKind};
use holdfast_formats::commit::{Commit, CommitHeader};
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::key::SigningKey;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::ExitCode;
use holdfast_tests::{Backing, Person, TestRegistry};
use holdfast_verify::merkle::Edge;

/// A registry in a folder that has stopped, whoever trusts it, and how many commits there are.
struct Left {
    registry: TestRegistry,
    ana: Person,
    objects: PathBuf,
}

impl Left {
    async fn new() -> Result<Self> {
        let mut registry = TestRegistry::in_directory().await?;
        let ana = registry.login().await?;
        let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
        ana.publish_and_pin("shop/prod", "shop/web@2").await?;
        ana.deny(&one, None).await?;
        ana.freeze("shop/prod").await?;
        registry.stop().await?;
        let objects = registry.home().join("objects");
        Ok(Self { registry, ana, objects })
    }

    fn commit_file(&self, number: u64) -> PathBuf {
        self.objects.join(format!("log/commits/0/{number:020}"))
    }

    fn commits(&self) -> Result<u64> {
        Ok(std::fs::read_dir(self.objects.join("log/commits/0"))?.count() as u64)
    }

    async fn audit(&self, change: impl FnOnce(&mut AuditRequest)) -> Result<AuditReport> {
        let location = self.objects.to_str().context("a path of text")?;
        let mut request = AuditRequest { offline: true, ..AuditRequest::of_store(location) };
        change(&mut request);
        Ok(self.ana.registry().audit(&request).await?)
    }

    /// A first audit of somebody who has never seen the log.
    async fn anew(&self) -> Result<AuditReport> {
        let folder = self.ana.places().state_dir();
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        self.audit(|_| ()).await
    }

    /// Writes the log again from an entry on, every commit signed anew with the registry's key: what an operator can do.
    fn rewrite(&self, mut edit: impl FnMut(u64, &mut Vec<u8>)) -> Result<()> {
        let key = registry_key(&self.registry.keys_folder())?;
        let (mut edge, mut previous) =
            (Edge::empty(), holdfast_formats::digest::Sha256Digest::from_bytes([0; 32]));
        for number in 0..self.commits()? {
            let mut commit = Commit::parse(&std::fs::read(self.commit_file(number))?)?;
            let previous_size: TreeSize = edge.size();
            for leaf in &mut commit.entries {
                edit(edge.size().get(), leaf);
                edge.push(TreeHash::leaf(leaf), &mut |_, _| ())?;
            }
            let header = CommitHeader { previous, previous_size, root: edge.root(), ..commit.header };
            let (bytes, hash) = header.encode(&key, &commit.entries)?;
            std::fs::write(self.commit_file(number), bytes)?;
            previous = hash;
        }
        Ok(())
    }
}

fn registry_key(keys: &Path) -> Result<SigningKey> {
    for file in std::fs::read_dir(keys)? {
        let path = file?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("registry")) {
            return Ok(SigningKey::from_pkcs8_pem(&std::fs::read_to_string(path)?)?);
        }
    }
    anyhow::bail!("there is no registry key in {}", keys.display())
}

fn kinds(report: &AuditReport) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_store_has_no_findings_and_the_next_audit_goes_on() -> Result<()> {
    let left = Left::new().await?;
    let first = left.audit(|_| ()).await?;
    assert_eq!(first.findings, []);
    assert!(first.size.get() >= 7 && first.resumed_from == TreeSize::ZERO, "{first:?}");
    let again = left.audit(|_| ()).await?;
    assert_eq!((again.findings.len(), again.resumed_from, again.root), (0, first.size, first.root));
    let fresh = left.audit(|request| request.fresh = true).await?;
    assert_eq!((fresh.findings.len(), fresh.resumed_from, fresh.root), (0, TreeSize::ZERO, first.root));
    // What is judged from a size on has the same facts and the same root, and keeps nothing.
    let from = left.audit(|request| request.from = Some(first.size)).await?;
    assert_eq!((from.findings.len(), from.root), (0, first.root));
    assert_eq!(left.audit(|_| ()).await?.resumed_from, first.size);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_an_entry_that_the_operator_edits_and_signs_anew_is_found() -> Result<()> {
    let left = Left::new().await?;
    assert_eq!(left.audit(|_| ()).await?.findings, []);
    left.rewrite(|at, leaf| {
        let mut entry = Entry::parse(leaf).expect("an entry");
        if let EntryPayload::Inline(bytes) = &mut entry.payload
            && at >= 2
        {
            let text = String::from_utf8_lossy(bytes).replace("\"reason\":\"", "\"reason\":\"not ");
            *bytes = text.into_bytes();
            *leaf = entry.encode().expect("it fits");
        }
    })?;
    // Whoever audited before sees that it is another log; whoever comes new, that nobody signed what stands there.
    assert_eq!(kinds(&left.audit(|_| ()).await?), [FindingKind::Fork]);
    let report = left.anew().await?;
    assert!(kinds(&report).contains(&FindingKind::Signature), "{:?}", report.findings);
    assert!(
        kinds(&report).contains(&FindingKind::Checkpoint),
        "the published root is another: {:?}",
        report.findings
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_commits_that_are_dropped_are_missed() -> Result<()> {
    let left = Left::new().await?;
    let last = left.commits()? - 1;
    let whole = std::fs::read(left.commit_file(last))?;
    assert_eq!(left.audit(|_| ()).await?.findings, []);
    std::fs::remove_file(left.commit_file(last))?;
    assert_eq!(kinds(&left.audit(|_| ()).await?), [FindingKind::Fork]);
    let report = left.anew().await?;
    assert!(
        kinds(&report).contains(&FindingKind::CommitMissing),
        "the checkpoint is ahead: {:?}",
        report.findings
    );

    // One in the middle: what is behind it cannot be read, and it is remembered when it comes back.
    std::fs::write(left.commit_file(last), whole)?;
    let middle = std::fs::read(left.commit_file(last - 1))?;
    std::fs::remove_file(left.commit_file(last - 1))?;
    let report = left.anew().await?;
    assert!(kinds(&report).contains(&FindingKind::CommitMissing), "{:?}", report.findings);
    std::fs::write(left.commit_file(last - 1), middle)?;
    let report = left.audit(|_| ()).await?;
    assert_eq!(kinds(&report), [FindingKind::CommitMissing], "{:?}", report.findings);
    assert_eq!(left.audit(|request| request.fresh = true).await?.findings, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t7_a_torn_commit_ends_the_log_there() -> Result<()> {
    let left = Left::new().await?;
    let file = left.commit_file(2);
    let whole = std::fs::read(&file)?;
    std::fs::write(&file, &whole[..whole.len() - 1])?;
    for _ in 0..2 {
        let report = left.audit(|_| ()).await?;
        let malformed = kinds(&report).iter().filter(|kind| **kind == FindingKind::CommitMalformed).count();
        assert_eq!(malformed, 1, "once, however often it is audited: {:?}", report.findings);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_swapped_or_missing_attachment_is_found() -> Result<()> {
    let left = Left::new().await?;
    let folder = left.objects.join("log/attachments");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    let whole = std::fs::read(&files[0])?;
    std::fs::write(&files[0], std::fs::read(&files[1])?)?;
    assert!(kinds(&left.anew().await?).contains(&FindingKind::Attachment));
    std::fs::remove_file(&files[0])?;
    assert!(kinds(&left.anew().await?).contains(&FindingKind::Attachment));
    std::fs::write(&files[0], whole)?;
    assert_eq!(left.anew().await?.findings, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_tile_or_checkpoint_that_the_operator_alters_is_found() -> Result<()> {
    let left = Left::new().await?;
    let size = left.audit(|_| ()).await?.size;
    for name in
        [format!("tile/0/000.p/{size}"), format!("tile/entries/000.p/{size}"), "checkpoint".to_owned()]
    {
        let file = left.objects.join("log").join(&name);
        let whole = std::fs::read(&file).with_context(|| name.clone())?;
        let mut altered = whole.clone();
        let at = altered.len() - 5;
        altered[at] ^= 1;
        std::fs::write(&file, altered)?;
        let expected = if name == "checkpoint" { FindingKind::Checkpoint } else { FindingKind::Tile };
        for report in [left.anew().await?, left.audit(|_| ()).await?] {
            assert_eq!(kinds(&report), [expected], "{name}: {:?}", report.findings);
        }
        std::fs::write(&file, whole)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_its_registry_is_audited_and_the_report_says_that_nobody_was_asked() -> Result<()> {
    let left = Left::new().await?;
    let report = left.audit(|request| request.offline = false).await?;
    assert_eq!(report.findings, []);
    assert!(
        report.compared.registry.is_none() && report.compared.not_asked.is_some(),
        "{:?}",
        report.compared
    );
    let nowhere = AuditRequest { offline: true, ..AuditRequest::of_store("/nowhere/at/all") };
    let refused = left.ana.registry().audit(&nowhere).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Usage, "{refused}");
    Ok(())
}

/// On the bucket that the environment names, else on a folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_from_where_its_registry_keeps_it() -> Result<()> {
    let mut registry = match Backing::from_environment()? {
        bucket @ Backing::Bucket(_) => TestRegistry::on(bucket).await?,
        _ => TestRegistry::in_directory().await?,
    };
    let location = match registry.backing() {
        Backing::Bucket(location) => location.to_string(),
        _ => registry.home().join("objects").display().to_string(),
    };
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    registry.stop().await?;
    let request = AuditRequest { offline: true, ..AuditRequest::of_store(location) };
    let first = ana.registry().audit(&request).await?;
    assert_eq!(first.findings, []);
    assert_eq!((first.artifacts, first.channels), (1, 1));
    registry.try_start().await?;
    ana.publish("shop/web@2", "more").await?;
    registry.stop().await?;
    let second = ana.registry().audit(&request).await?;
    assert_eq!((second.findings.len(), second.resumed_from), (0, first.size));
    assert!(second.size > first.size);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_and_its_registry_are_compared() -> Result<()> {
    let mut left = Left::new().await?;
    left.registry.try_start().await?;
    let report = left.audit(|request| request.offline = false).await?;
    assert_eq!(report.findings, []);
    let compared = &report.compared;
    assert_eq!((compared.channels, compared.known_good, compared.histories, compared.gates), (1, 1, 1, 1));
    assert!(compared.registry.is_some() && compared.denies == 1 && compared.grants > 0, "{compared:?}");

    // The index forgets the freeze and the deny: what the registry allows differs from what its own store says.
    left.registry.stop().await?;
    let index = rusqlite::Connection::open(left.registry.index_path())?;
    assert!(index.execute("DELETE FROM freezes", [])? + index.execute("DELETE FROM denies", [])? > 1);
    drop(index);
    left.registry.try_start().await?;
    let report = left.audit(|request| request.offline = false).await?;
    assert!(!report.findings.is_empty());
    assert!(kinds(&report).iter().all(|kind| *kind == FindingKind::Answer), "{:?}", report.findings);
    Ok(())
}
