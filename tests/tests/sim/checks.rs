//! What must hold after every step, whatever happened: I1 to I8.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use holdfast_formats::statement::Predicate;
use holdfast_formats::sweep_list::{self, SweptObject};
use holdfast_formats::wire::v1::{ArtifactList, KnownGood, ProblemCode};
use holdfast_tests::raw_chunk;

use super::chance::Dice;
use super::content::Content;
use super::logbook::Read;
use super::model::{Known, Line};
use super::node::{Answer, SimNode};
use super::world::World;

/// How long both nodes may take to see what is logged, once nothing is in their way.
const CATCH_UP: Duration = Duration::from_secs(20);

impl World {
    /// Takes up what was logged and checks that it may be, and that everybody agrees.
    pub(crate) async fn check(&mut self, dice: &mut Dice, thoroughly: bool) -> anyhow::Result<()> {
        self.follow()?;
        for node in &self.nodes {
            self.agrees(node).await?;
        }
        self.follow()?;
        self.check_memory()?;
        self.check_stored()?;
        let lines: Vec<Line> = self.model.lines.keys().cloned().collect();
        for node in &self.nodes {
            let asked: Vec<&Line> =
                if thoroughly { lines.iter().collect() } else { dice.pick(&lines).into_iter().collect() };
            for line in asked {
                self.check_known_good(node, line).await?;
            }
            if thoroughly || dice.one_in(4) {
                self.check_list(node).await?;
            }
        }
        Ok(())
    }

    fn follow(&mut self) -> anyhow::Result<()> {
        let truly = self.time.now();
        for read in self.logbook.follow(&self.sea.bucket)? {
            self.trace.note(|| format!("entry {}: {}", read.index, read.statement.kind()));
            let objects = self.objects(&read)?;
            self.model.take(&read, &objects, truly)?;
            let refused = self.memory.borrow().refused.contains(&read.payload);
            ensure!(!refused, "entry {} is logged, and its sender was told that it is refused", read.index);
        }
        Ok(())
    }

    /// The objects that a sweep names.
    fn objects(&self, read: &Read) -> anyhow::Result<Vec<SweptObject>> {
        let Predicate::Sweep(sweep) = &read.statement.predicate else { return Ok(Vec::new()) };
        let Some(attachment) = sweep.objects else { return Ok(Vec::new()) };
        let key = format!("log/attachments/{}", attachment.sha256);
        let stored = self.sea.bucket.get(&key).context("I1: the list of a sweep is not there")?;
        Ok(sweep_list::parse(&stored.bytes)?)
    }

    /// The node has come to the same log, and does not halt.
    async fn agrees(&self, node: &SimNode) -> anyhow::Result<()> {
        let log = node.log()?;
        let size = holdfast_formats::tree::TreeSize::new(self.logbook.size())?;
        let reached = tokio::time::timeout(CATCH_UP, log.reached(size)).await;
        let head = log.head();
        ensure!(head.halted().is_none(), "a node halted: {}", head.halted().unwrap_or_default());
        ensure!(reached.is_ok(), "a node does not follow the log to its {size} entries");
        // What it has more than we read was logged meanwhile.
        if head.size() == size {
            ensure!(self.logbook.root(size.get()) == Some(head.root()), "I1: a node has another log");
        }
        Ok(())
    }

    /// What was acknowledged is where it was said to be, and what proved it was of this log (I1, I8).
    fn check_memory(&self) -> anyhow::Result<()> {
        let mut memory = self.memory.borrow_mut();
        for told in &memory.acknowledged {
            let leaf = self.logbook.leaf(told.index);
            ensure!(
                leaf == Some(told.leaf.as_slice()),
                "I1: entry {} was acknowledged and is lost",
                told.index
            );
            let note = told.proof.split_once("\n\n").context("a proof has a checkpoint")?.1;
            self.logbook.check(note, "a receipt")?;
        }
        memory.acknowledged.clear();
        if let Some(published) = self.sea.bucket.get("log/checkpoint") {
            self.logbook.check(std::str::from_utf8(&published.bytes)?, "the published checkpoint")?;
        }
        Ok(())
    }

    /// Every byte of what has not ended is there (I4, I5).
    fn check_stored(&self) -> anyhow::Result<()> {
        let memory = self.memory.borrow();
        for known in self.model.alive_now() {
            let digests = known.artifact.digests;
            let manifest = format!("log/attachments/{}", digests.sha256);
            ensure!(
                self.sea.bucket.get(&manifest).is_some(),
                "I5: the manifest of {} is missing",
                known.artifact.r#ref
            );
            let files = memory.files.get(&digests.sha256).context("somebody made it")?;
            for file in files {
                self.check_file(known, file, &memory.damaged)?;
            }
        }
        Ok(())
    }

    fn check_file(&self, known: &Known, file: &Content, damaged: &BTreeSet<String>) -> anyhow::Result<()> {
        for (key, bytes) in self.objects_of(known, file) {
            let stored = self.sea.bucket.get(&key).map(|stored| stored.bytes);
            ensure!(stored.is_some(), "I4: {key} of {} is gone", known.artifact.r#ref);
            let is_right = stored == Some(bytes) || damaged.contains(&key);
            ensure!(is_right, "I3: {key} of {} holds other bytes", known.artifact.r#ref);
        }
        Ok(())
    }

    /// Days later, with nobody working and nothing in the way, sweeps have left what is needed and nothing else: deletion is
    /// exact.
    pub(crate) async fn wind_up(&mut self, dice: &mut Dice) -> anyhow::Result<()> {
        for hours in [50, 26, 26, 3] {
            self.time.leap(Duration::from_hours(hours));
            tokio::time::sleep(Duration::from_millis(700)).await;
            let swept = self.nodes[0].sweep().await.context("a sweep comes to its end")?;
            swept.map_err(|reason| anyhow::anyhow!("nothing is in the way of a sweep: {reason}"))?;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        self.check(dice, true).await?;
        let memory = self.memory.borrow();
        let needed: BTreeSet<String> = self
            .model
            .alive_now()
            .into_iter()
            .flat_map(|known| {
                let files = memory.files.get(&known.artifact.digests.sha256).into_iter().flatten();
                files.flat_map(|file| self.objects_of(known, file)).map(|(key, _)| key)
            })
            .collect();
        for beginning in ["aliases/", "blobs/", "chunks/"] {
            let left = self.sea.bucket.list(beginning).into_iter().find(|(key, _)| !needed.contains(key));
            ensure!(left.is_none(), "{:?} is left, and nothing needs it", left.map(|(key, _)| key));
        }
        Ok(())
    }

    /// What is stored of a file, under which keys.
    pub(crate) fn objects_of(&self, known: &Known, file: &Content) -> Vec<(String, Bytes)> {
        let namespace = known.artifact.r#ref.name().namespace();
        let (blake3, sha256) = (file.digests.blake3.to_string(), file.digests.sha256.to_string());
        let g = |class: &str, digest: &str| self.model.generation(&format!("{class} {namespace} {digest}"));
        let fan = |digest: &str| digest.get(..2).unwrap_or_default().to_owned();
        let alias_g = g("alias", &format!("sha256:{sha256}"));
        let record_g = g("blob", &format!("blake3:{blake3}"));
        let mut objects = vec![
            (
                format!("aliases/{namespace}/sha256/{sha256}.{alias_g}"),
                Bytes::from(format!("blake3:{blake3}\n")),
            ),
            (
                format!("blobs/{namespace}/{}/{blake3}.{record_g}", fan(&blake3)),
                Bytes::from(file.sealed_record()),
            ),
        ];
        for piece in &file.pieces {
            let digest = piece.digest.to_string();
            let g = g("chunk", &format!("blake3:{digest}"));
            let key = format!("chunks/{namespace}/{}/{digest}.{g}", fan(&digest));
            objects.push((key, Bytes::from(raw_chunk(&piece.bytes))));
        }
        objects
    }

    /// A lookup of one line answers what the log says (I7).
    async fn check_known_good(&self, node: &SimNode, line: &Line) -> anyhow::Result<()> {
        let size = self.logbook.size();
        let path = format!("/v1/channels/{}/known-good?component={}&min_size={size}", line.0, line.1);
        let answer = self.answered(node, &path).await?;
        let expected = self.model.answer(line);
        if answer.status != 200 {
            let nothing = answer.problem() == Some(ProblemCode::NothingQualifies);
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(nothing && expected.is_none(), "I7: {path} should answer {expected:?}: {text}");
            return Ok(());
        }
        let known_good: KnownGood = answer.read()?;
        self.logbook.check(&known_good.checkpoint, "a lookup")?;
        let answered: Vec<u64> = known_good.lines.iter().map(|line| line.pin.index.get()).collect();
        let expected: Vec<u64> = expected.into_iter().map(|pin| pin.index).collect();
        ensure!(answered == expected, "I7: {path} answers {answered:?} instead of {expected:?}");
        Ok(())
    }

    /// What a node answers, once it knows that it is up to date.
    async fn answered(&self, node: &SimNode, path: &str) -> anyhow::Result<Answer> {
        for _ in 0..5 {
            let answer = self.get(node, path).await.with_context(|| format!("{path} is not answered"))?;
            if answer.status != 503 {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        anyhow::bail!("{path} is refused for as long as anybody asks")
    }

    /// A node shows all that is published and nothing else (I2, I5).
    async fn check_list(&self, node: &SimNode) -> anyhow::Result<()> {
        let answer = self.answered(node, "/v1/artifacts?limit=1000").await?;
        ensure!(answer.status == 200, "a list is refused: {}", String::from_utf8_lossy(&answer.body));
        let list: ArtifactList = answer.read()?;
        let listed: BTreeSet<_> = list.artifacts.iter().map(|shown| shown.artifact.r#ref.clone()).collect();
        for shown in &list.artifacts {
            let known = self.model.artifacts.get(&shown.artifact.r#ref);
            let is_that = known
                .is_some_and(|known| known.artifact == shown.artifact && known.index == shown.index.get());
            ensure!(is_that, "I5: {} is shown and was not published so", shown.artifact.r#ref);
        }
        for known in self.model.alive_now() {
            ensure!(
                listed.contains(&known.artifact.r#ref),
                "I6: {} is published and not shown",
                known.artifact.r#ref
            );
        }
        Ok(())
    }
}
