//! A registry in memory that keeps its leaves: statements are signed, judged and logged, or forced in unjudged, as an
//! operator who lies would.

use std::collections::HashMap;

use holdfast_formats::digest::{Digests, Sha256Digest};
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{Envelope, PAYLOAD_TYPE};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::manifest::{
    Body, Component, ComponentRole, Custody, Kind, MANIFEST_MEDIA_TYPE, Manifest, ReleaseBody, Scope, Undo,
    UndoMode,
};
use holdfast_formats::number::{ByteSize, PinNumber, PolicyNumber};
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{
    Artifact, ComponentRef, Deny, DenyEffect, DenyScope, Deploy, DeployPhase, Direction, Header,
    ManifestDescriptor, Pin, Predicate, Publish, Scrub, ScrubOutcome, Statement,
};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash};

use crate::facts::{Facts as _, PolicyFact};
use crate::judge::{Candidate, judge};
use crate::ledger::Ledger;
use crate::policy_template::{RegistryKeys, solo_policy};
use crate::signature::{known_keys, verify_envelope};
use crate::subject::statement;

pub(crate) const PROD: &str = "shop/prod";

pub(crate) fn of<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn ana() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

pub(crate) fn bob() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed([10; 32])
}

pub(crate) fn head_key() -> SigningKey {
    SigningKey::from_seed([11; 32])
}

pub(crate) fn registry_key() -> SigningKey {
    SigningKey::from_seed([12; 32])
}

/// Ana alone may do everything.
pub(crate) fn policy() -> Policy {
    policy_of_log("registry.example/log")
}

pub(crate) fn policy_of_log(origin: &str) -> Policy {
    let (log, head, registry) = (log_key().public(), head_key().public(), registry_key().public());
    solo_policy(of(origin), RegistryKeys { log, head, registry }, ana().public(), of("ana"))
}

/// A leaf and the bytes that were signed.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) bytes: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

/// A registry in memory.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) manifests: HashMap<Sha256Digest, Vec<u8>>,
    origin: String,
    ids: u64,
}

impl World {
    pub(crate) fn with(policy: Policy) -> Self {
        let mut world = Self {
            ledger: Ledger::empty(),
            now: of("2026-11-21T08:00:00.000Z"),
            leaves: Vec::new(),
            manifests: HashMap::new(),
            origin: policy.origin.to_string(),
            ids: 0,
        };
        world.say(policy, &[&ana()]);
        world
    }

    pub(crate) fn solo() -> Self {
        Self::with(policy())
    }

    pub(crate) fn later(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    fn header(&mut self) -> Header {
        self.ids += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.ids.to_be_bytes());
        Header {
            log: of(&self.origin),
            id: RandomId::from_bytes(id),
            issued_at: self.now,
            not_after: self.now.plus_ms(3_600_000),
            context: None,
            annotations: None,
        }
    }

    /// Signs, judges and logs a statement that the rule book accepts.
    pub(crate) fn say(&mut self, predicate: impl Into<Predicate>, by: &[&SigningKey]) -> LeafIndex {
        let statement = statement(self.header(), predicate);
        let envelope = sign(&statement, by);
        let keys = known_keys(&statement, &envelope.signatures, &self.ledger).unwrap();
        let signatures =
            verify_envelope(PAYLOAD_TYPE, &envelope.payload.0, &envelope.signatures, &keys).unwrap();
        let bytes = match &statement.predicate {
            Predicate::Publish(p) => self.manifests.get(&p.manifest.digests.sha256).cloned(),
            _ => None,
        };
        let manifest = bytes.as_ref().map(|bytes| Manifest::parse(bytes).unwrap());
        let candidate = Candidate {
            index: self.next(),
            time: self.now,
            rules: RULE_BOOK_VERSION,
            payload_sha256: Sha256Digest::of(&envelope.payload.0),
            statement: &statement,
            signatures: &signatures,
            manifest: bytes.as_deref().zip(manifest.as_ref()),
            attached: None,
        };
        let judgement = judge(&candidate, &self.ledger).unwrap();
        let index = self.append(&envelope.payload.0, judgement.counted.clone());
        let leaf = TreeHash::leaf(&self.leaves.last().unwrap().bytes);
        for effect in judgement.effects(leaf) {
            self.ledger.apply(&effect).unwrap();
        }
        self.ledger.note_entry(index, Sha256Digest::of(&envelope.payload.0), self.now).unwrap();
        index
    }

    /// Logs a statement without asking the rule book; every signature stays.
    pub(crate) fn force(&mut self, predicate: impl Into<Predicate>, by: &[&SigningKey]) -> LeafIndex {
        let statement = statement(self.header(), predicate);
        self.force_statement(&statement, by)
    }

    pub(crate) fn force_statement(&mut self, statement: &Statement, by: &[&SigningKey]) -> LeafIndex {
        let envelope = sign(statement, by);
        let mut signatures: Vec<_> = envelope
            .signatures
            .iter()
            .map(|s| holdfast_formats::envelope::CanonicalSignature {
                keyid: s.keyid.as_ref().unwrap().parse().unwrap(),
                sig: s.sig.0.clone().try_into().unwrap(),
            })
            .collect();
        signatures.sort();
        let index = self.append(&envelope.payload.0, signatures);
        self.ledger.note_entry(index, Sha256Digest::of(&envelope.payload.0), self.now).unwrap();
        index
    }

    fn append(
        &mut self,
        payload: &[u8],
        signatures: Vec<holdfast_formats::envelope::CanonicalSignature>,
    ) -> LeafIndex {
        let index = self.next();
        let entry = Entry {
            time: self.now,
            rules: RULE_BOOK_VERSION,
            payload: EntryPayload::place(payload),
            signatures,
        };
        self.leaves.push(Leaf { bytes: entry.encode().unwrap(), payload: payload.to_vec() });
        index
    }

    pub(crate) fn next(&self) -> LeafIndex {
        LeafIndex::new(self.leaves.len() as u64).unwrap()
    }

    pub(crate) fn newest_policy(&self) -> PolicyFact {
        self.ledger.policy().unwrap().unwrap()
    }

    /// Logs the next policy: the newest one after a change.
    pub(crate) fn change_policy(
        &mut self,
        by: &[&SigningKey],
        change: impl FnOnce(&mut Policy),
    ) -> LeafIndex {
        let fact = self.newest_policy();
        let mut policy = fact.policy.as_ref().clone();
        policy.number = PolicyNumber::new(policy.number.get() + 1).unwrap();
        policy.predecessor = Some(fact.entry);
        change(&mut policy);
        self.say(policy, by)
    }

    fn publish(
        &mut self,
        artifact: &str,
        manifest: &Manifest,
        components: Option<Vec<ComponentRef>>,
        by: &SigningKey,
    ) -> Artifact {
        let bytes = manifest.to_bytes().unwrap();
        let digests = Digests::of(&bytes);
        let size = ByteSize::of(&bytes);
        self.manifests.insert(digests.sha256, bytes);
        let (name, version) = artifact.split_once('@').unwrap();
        let publish = Publish {
            name: of(name),
            version: of(version),
            kind: manifest.kind(),
            manifest: ManifestDescriptor { media_type: of(MANIFEST_MEDIA_TYPE), size, digests, oci: None },
            components,
            size_bytes: ByteSize::new(manifest.size_bytes()).unwrap(),
            keep: None,
            build: None,
            supersedes: None,
            via_grant: None,
        };
        self.say(publish, &[by]);
        Artifact { r#ref: of(artifact), digests }
    }

    /// Publishes a build and reads it back.
    pub(crate) fn build(&mut self, artifact: &str) -> Artifact {
        self.manifest(artifact, Body::None(Kind::Build), |_| ())
    }

    /// Publishes anything without components, after a change to its manifest, and reads it back.
    pub(crate) fn manifest(
        &mut self,
        artifact: &str,
        body: Body,
        change: impl FnOnce(&mut Manifest),
    ) -> Artifact {
        let mut manifest = Manifest::of_files(Vec::new(), body);
        manifest.labels.insert(of("made-as"), of(artifact));
        change(&mut manifest);
        let artifact = self.publish(artifact, &manifest, None, &ana());
        self.scrub(&artifact, ScrubOutcome::Good);
        artifact
    }

    /// Publishes a build as somebody else, and reads it back.
    pub(crate) fn build_by(&mut self, artifact: &str, by: &SigningKey) -> Artifact {
        let manifest = Manifest::of_files(Vec::new(), Body::None(Kind::Build));
        let artifact = self.publish(artifact, &manifest, None, by);
        self.scrub(&artifact, ScrubOutcome::Good);
        artifact
    }

    /// Publishes a release and reads it back.
    pub(crate) fn release(&mut self, artifact: &str, components: Vec<Component>) -> Artifact {
        let body =
            ReleaseBody { base: None, components, objectives: None, runbook: None, acceptance: Vec::new() };
        self.release_of(artifact, body)
    }

    pub(crate) fn release_of(&mut self, artifact: &str, body: ReleaseBody) -> Artifact {
        let held = body.components.iter().filter_map(Component::held).map(|reference| {
            let fact = self.ledger.artifact(&reference).unwrap().unwrap();
            ComponentRef { r#ref: reference, digests: fact.artifact.digests }
        });
        let held = Some(held.collect());
        let manifest = Manifest::of_files(Vec::new(), Body::Release(Box::new(body)));
        let artifact = self.publish(artifact, &manifest, held, &ana());
        self.scrub(&artifact, ScrubOutcome::Good);
        artifact
    }

    pub(crate) fn scrub(&mut self, artifact: &Artifact, outcome: ScrubOutcome) -> LeafIndex {
        self.say(scrub(artifact, outcome, self.now), &[&registry_key()])
    }

    /// The pin that would be the next one of its line.
    pub(crate) fn next_pin(&self, channel: &str, artifact: &Artifact) -> Pin {
        let name = artifact.r#ref.name();
        let newest = self.ledger.pins(&of(channel), name, None, 1).unwrap().pop();
        Pin {
            channel: of(channel),
            name: name.clone(),
            number: newest.as_ref().map_or(PinNumber::FIRST, |pin| pin.number.next().unwrap()),
            predecessor: newest.map(|pin| pin.entry),
            artifact: artifact.clone(),
            deploy: None,
            reason: of("smoke tests passed"),
            evidence: None,
            baseline_metrics: None,
            expires: None,
        }
    }

    /// Pins in `shop/prod`, by Ana.
    pub(crate) fn pin(&mut self, artifact: &Artifact) -> LeafIndex {
        self.pin_by(artifact, &[&ana()])
    }

    pub(crate) fn pin_by(&mut self, artifact: &Artifact, by: &[&SigningKey]) -> LeafIndex {
        let pin = self.next_pin(PROD, artifact);
        self.say(pin, by)
    }

    /// Denies in the whole namespace, by Ana.
    pub(crate) fn deny(&mut self, artifact: &Artifact) -> LeafIndex {
        self.say(deny(artifact), &[&ana()])
    }

    /// Reports that a forward deployment to `shop/prod` succeeded.
    pub(crate) fn deploy(&mut self, artifact: &Artifact) -> LeafIndex {
        self.deploy_by(artifact, &ana())
    }

    pub(crate) fn deploy_by(&mut self, artifact: &Artifact, by: &SigningKey) -> LeafIndex {
        self.say(deploy(PROD, artifact, self.now), &[by])
    }
}

fn sign(statement: &Statement, by: &[&SigningKey]) -> Envelope {
    let (first, more) = by.split_first().unwrap();
    more.iter().fold(Envelope::sign(statement.to_payload().unwrap(), first), |e, key| e.signed_also_by(key))
}

pub(crate) fn scrub(artifact: &Artifact, outcome: ScrubOutcome, now: Timestamp) -> Scrub {
    Scrub {
        artifacts: vec![artifact.clone()],
        outcome,
        bytes: ByteSize::of(b"bytes"),
        started: now,
        ended: now,
        bad: None,
    }
}

pub(crate) fn deny(artifact: &Artifact) -> Deny {
    Deny {
        name: artifact.r#ref.name().clone(),
        digests: artifact.digests,
        effect: DenyEffect::Lookup,
        scope: DenyScope::Namespace,
        channel: None,
        reason: of("it loses orders"),
    }
}

pub(crate) fn deploy(channel: &str, artifact: &Artifact, now: Timestamp) -> Deploy {
    Deploy {
        channel: of(channel),
        deploy_id: of("d-1"),
        attempt: 1,
        phase: DeployPhase::Succeeded,
        direction: Direction::Forward,
        artifact: artifact.clone(),
        replaces: None,
        pin: None,
        slot: None,
        cohort: None,
        steps: None,
        observed: None,
        started: now,
        ended: Some(now),
    }
}

/// A held component that is redeployed on the way back.
pub(crate) fn component(name: &str, stage: u32, artifact: &Artifact) -> Component {
    Component {
        name: of(name),
        role: ComponentRole::Code,
        r#ref: of(&artifact.r#ref.to_string()),
        digest: holdfast_formats::digest::NamedDigest::Blake3(artifact.digests.blake3),
        custody: Custody::Held,
        locations: None,
        stage,
        after: Vec::new(),
        needs: Vec::new(),
        scope: Scope::In,
        preserve: None,
        undo: Undo { mode: UndoMode::Redeploy, actions: Vec::new() },
        irreversible: None,
    }
}
