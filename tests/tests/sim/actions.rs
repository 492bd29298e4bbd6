//! What clients do: each action is one client's, and several go on at once.

use anyhow::ensure;
use axum::http::Method;
use holdfast_formats::digest::Digests;
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::manifest::{
    Body, Component, ComponentRole, Custody, Kind, MANIFEST_MEDIA_TYPE, ReleaseBody, Scope, Undo, UndoMode,
};
use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::{ComponentRef, ManifestDescriptor, Publish};
use holdfast_formats::wire::v1::{MissingAnswer, MissingQuery, ProblemCode};
use holdfast_tests::of;

use super::chance::Dice;
use super::content::{Content, manifest, manifest_of};
use super::model::Known;
use super::world::{Told, World};

/// What is published under which kind.
const NAMES: [(&str, Kind); 4] = [
    ("shop/web", Kind::Build),
    ("shop/api", Kind::Build),
    ("shop/conf", Kind::Config),
    ("shop/notes", Kind::Runbook),
];
/// How often a client sends content again that is said to be missing.
const PUSHES: usize = 4;

impl World {
    /// Uploads and publishes; sometimes only uploads, and sometimes under a name that is taken.
    pub(crate) async fn push(&self, dice: &mut Dice, number: u64) -> anyhow::Result<()> {
        let Some((name, kind)) = dice.pick(&NAMES).copied() else { return Ok(()) };
        let files: Vec<Content> = (0..=dice.below(2)).map(|_| Content::any(dice)).collect();
        let version = if dice.one_in(12) { number.saturating_sub(3) } else { number };
        let manifest = manifest(kind, &files).to_bytes()?;
        if dice.one_in(8) {
            self.upload(dice, &files).await?;
            return Ok(());
        }
        let publish = publish(name, version, kind, &manifest, files_bytes(&files), None);
        self.remember_files(&manifest, &files);
        self.publish(dice, publish, manifest, &files).await
    }

    /// Publishes a release of two artifacts that are there.
    pub(crate) async fn release(&self, dice: &mut Dice, number: u64) -> anyhow::Result<()> {
        let alive: Vec<&Known> =
            self.model.alive_now().into_iter().filter(|known| known.components.is_empty()).collect();
        let mut parts: Vec<&Known> = Vec::new();
        for _ in 0..2 {
            if let Some(part) = dice.pick(&alive).copied()
                && parts.iter().all(|other| other.artifact.r#ref.name() != part.artifact.r#ref.name())
            {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            return Ok(());
        }
        let components: Vec<Component> = parts.iter().map(|part| component(part)).collect();
        let body =
            ReleaseBody { base: None, components, objectives: None, runbook: None, acceptance: Vec::new() };
        let manifest = manifest_of(Body::Release(Box::new(body)), &[]).to_bytes()?;
        let named = parts
            .iter()
            .map(|part| ComponentRef { r#ref: part.artifact.r#ref.clone(), digests: part.artifact.digests });
        let publish = publish("shop/all", number, Kind::Release, &manifest, 0, Some(named.collect()));
        self.remember_files(&manifest, &[]);
        self.publish(dice, publish, manifest, &[]).await
    }

    async fn publish(
        &self,
        dice: &mut Dice,
        publish: Publish,
        manifest: Vec<u8>,
        files: &[Content],
    ) -> anyhow::Result<()> {
        let body = self.person.say(self.time.now(), dice.bytes(), publish, vec![manifest])?;
        for _ in 0..PUSHES {
            if !self.upload(dice, files).await? {
                return Ok(());
            }
            if self.send(dice, body.clone()).await? != Told::Refused(ProblemCode::ContentMissing) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what is missing, as clients do: chunks that the node does not have, then the records. False when no node
    /// would take it.
    async fn upload(&self, dice: &mut Dice, files: &[Content]) -> anyhow::Result<bool> {
        let node = &self.nodes[usize::from(dice.one_in(2))];
        let post = async |what: &str, body: Vec<u8>| {
            let path = format!("/v1/namespaces/shop/{what}");
            for _ in 0..PUSHES {
                let answer = node.ask(self.question(Method::POST, &path, body.clone())).await;
                match answer {
                    Some(answer) if answer.status < 300 => return anyhow::Ok(Some(answer)),
                    Some(answer) if answer.status < 500 => {
                        let text = String::from_utf8_lossy(&answer.body);
                        ensure!(answer.problem() == Some(ProblemCode::ContentMissing), "{what}: {text}");
                        return Ok(None);
                    }
                    _ => {}
                }
            }
            Ok(None)
        };
        for file in files {
            let asked = MissingQuery { chunks: file.pieces.iter().map(|piece| piece.digest).collect() };
            let Some(answer) = post("chunks/missing", serde_json::to_vec(&asked)?).await? else {
                return Ok(false);
            };
            let missing: MissingAnswer = answer.read()?;
            let wanted = file.pieces.iter().filter(|piece| missing.missing.contains(&piece.digest));
            let frames: Vec<u8> = wanted.flat_map(super::content::Piece::framed).collect();
            if !frames.is_empty() && post("chunks", frames).await?.is_none() {
                return Ok(false);
            }
            if post("blobs", file.record().encode()).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn remember_files(&self, manifest: &[u8], files: &[Content]) {
        self.memory.borrow_mut().files.insert(Digests::of(manifest).sha256, files.to_vec());
    }

    /// Reads a file through an artifact: what comes is right, or an error.
    pub(crate) async fn read(&self, dice: &mut Dice) -> anyhow::Result<()> {
        let alive = self.model.alive_now();
        let Some(known) = dice.pick(&alive) else { return Ok(()) };
        let files =
            self.memory.borrow().files.get(&known.artifact.digests.sha256).cloned().unwrap_or_default();
        let Some(file) = dice.pick(&files) else { return Ok(()) };
        let path = format!("/v1/artifacts/{}/blobs/{}", known.artifact.r#ref, file.digests.blake3);
        let answer = self.get(&self.nodes[usize::from(dice.one_in(2))], &path).await;
        if let Some(answer) = answer.filter(|answer| answer.status == 200) {
            ensure!(answer.body == file.bytes, "I3: {path} answers other bytes");
        }
        Ok(())
    }
}

fn files_bytes(files: &[Content]) -> u64 {
    files.iter().map(|file| file.bytes.len() as u64).sum()
}

fn publish(
    name: &str,
    number: u64,
    kind: Kind,
    manifest: &[u8],
    size_bytes: u64,
    components: Option<Vec<ComponentRef>>,
) -> Publish {
    Publish {
        name: of(name),
        version: of(&format!("1.{number}")),
        kind,
        manifest: ManifestDescriptor {
            media_type: of(MANIFEST_MEDIA_TYPE),
            size: ByteSize::of(manifest),
            digests: Digests::of(manifest),
            oci: None,
        },
        components,
        size_bytes: ByteSize::new(size_bytes).unwrap_or(ByteSize::of(&[])),
        keep: None,
        build: None,
        supersedes: None,
        via_grant: None,
    }
}

fn component(part: &Known) -> Component {
    let name = part.artifact.r#ref.name().as_str().replace('/', "-");
    Component {
        name: of(&name),
        role: ComponentRole::Code,
        r#ref: of(&part.artifact.r#ref.to_string()),
        digest: NamedDigest::Blake3(part.artifact.digests.blake3),
        custody: Custody::Held,
        locations: None,
        stage: 1,
        after: Vec::new(),
        needs: Vec::new(),
        scope: Scope::In,
        preserve: None,
        undo: Undo { mode: UndoMode::Redeploy, actions: Vec::new() },
        irreversible: None,
    }
}
