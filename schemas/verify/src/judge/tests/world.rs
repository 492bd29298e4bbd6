//! A small log in memory: keys, a policy, and statements that are signed, judged and applied as a registry would.

use std::collections::HashMap;

use holdfast_formats::digest::{Digests, Sha256Digest};
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{Envelope, PAYLOAD_TYPE};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::RULE_BOOK_VERSION;
use holdfast_formats::manifest::{Body, File, Kind, MANIFEST_MEDIA_TYPE, Manifest, ReleaseBody};
use holdfast_formats::number::{ByteSize, PinNumber};
use holdfast_formats::policy::{Distrust, Policy};
use holdfast_formats::statement::{
    Artifact, Attest, AttestedEnvelope, AttestedSubject, ComponentRef, Header, ManifestDescriptor, Pin,
    Predicate, Publish, ScrubOutcome, Statement,
};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash};

pub(super) use super::samples::*;
use crate::facts::{Facts, PinFact};
use crate::judge::{Candidate, Judgement, judge};
use crate::ledger::Ledger;
use crate::refusal::{JudgeError, Refusal};
use crate::rule_book::RuleBook;
use crate::signature::{known_keys, verify_envelope};
use crate::subject::statement;

type Judge = fn(&Candidate<'_>, &dyn Facts) -> Result<Judgement, JudgeError>;

/// A log in memory.
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) now: Timestamp,
    attachments: HashMap<Sha256Digest, Vec<u8>>,
    ids: u64,
    size: u64,
}

impl World {
    /// A log without entries.
    pub(super) fn empty() -> Self {
        Self {
            ledger: Ledger::empty(),
            now: of("2026-11-21T08:00:00.000Z"),
            attachments: HashMap::new(),
            ids: 0,
            size: 0,
        }
    }

    /// A log whose policy 1 is this one.
    pub(super) fn with(policy: Policy) -> Self {
        let mut world = Self::empty();
        world.say(policy, &[&ana()]).unwrap();
        world
    }

    pub(super) fn solo() -> Self {
        Self::with(policy())
    }

    pub(super) fn later(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    pub(super) fn header(&mut self) -> Header {
        self.ids += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.ids.to_be_bytes());
        Header {
            log: of("registry.example/log"),
            id: RandomId::from_bytes(id),
            issued_at: self.now,
            not_after: self.now.plus_ms(HOUR_MS),
            context: None,
            annotations: None,
        }
    }

    pub(super) fn statement(&mut self, predicate: impl Into<Predicate>) -> Statement {
        statement(self.header(), predicate)
    }

    /// The rule book in force.
    fn rules(&self) -> u32 {
        self.ledger.policy().unwrap().map_or(RULE_BOOK_VERSION, |fact| fact.policy.rules)
    }

    /// Builds, signs, judges and logs a statement.
    pub(super) fn say(
        &mut self,
        predicate: impl Into<Predicate>,
        by: &[&SigningKey],
    ) -> Result<LeafIndex, Refusal> {
        let statement = self.statement(predicate);
        self.log(&statement, by)
    }

    /// Signs, judges and logs a statement.
    pub(super) fn log(&mut self, statement: &Statement, by: &[&SigningKey]) -> Result<LeafIndex, Refusal> {
        let rules = self.rules();
        let (judgement, payload) = self.judge(statement, by, rules)?;
        let index = self.next();
        let signatures = judgement.counted.clone();
        let entry = Entry { time: self.now, rules, payload: EntryPayload::place(&payload), signatures };
        let leaf = TreeHash::leaf(&entry.encode().unwrap());
        for effect in judgement.effects(leaf) {
            self.ledger.apply(&effect).unwrap();
        }
        self.ledger.note_entry(index, Sha256Digest::of(&payload), self.now).unwrap();
        self.size += 1;
        Ok(index)
    }

    /// Judges a statement without logging it; also gives the signed bytes.
    pub(super) fn judge(
        &self,
        statement: &Statement,
        by: &[&SigningKey],
        rules: u32,
    ) -> Result<(Judgement, Vec<u8>), Refusal> {
        self.judge_by(judge, statement, by, rules)
    }

    /// The same with another judge.
    pub(super) fn judge_by(
        &self,
        judge: Judge,
        statement: &Statement,
        by: &[&SigningKey],
        rules: u32,
    ) -> Result<(Judgement, Vec<u8>), Refusal> {
        let payload = statement.to_payload().unwrap();
        let [first, more @ ..] = by else { return Err(Refusal::SignatureMissing) };
        let envelope =
            more.iter().fold(Envelope::sign(payload.clone(), first), |e, key| e.signed_also_by(key));
        let keys = known_keys(statement, &envelope.signatures, &self.ledger).unwrap();
        let signatures = verify_envelope(PAYLOAD_TYPE, &payload, &envelope.signatures, &keys)?;
        let stored = |digest: &Sha256Digest| self.attachments.get(digest).map(Vec::as_slice);
        let bytes = match &statement.predicate {
            Predicate::Publish(p) => stored(&p.manifest.digests.sha256),
            _ => None,
        };
        let attached = match &statement.predicate {
            Predicate::Attest(p) => stored(&p.envelope.digests.sha256),
            Predicate::Sweep(p) => p.objects.and_then(|list| stored(&list.sha256)),
            _ => None,
        };
        let manifest = bytes.map(|bytes| Manifest::parse(bytes).unwrap());
        let candidate = Candidate {
            index: self.next(),
            time: self.now,
            rules,
            payload_sha256: Sha256Digest::of(&payload),
            statement,
            signatures: &signatures,
            manifest: bytes.zip(manifest.as_ref()),
            attached,
        };
        match judge(&candidate, &self.ledger) {
            Ok(judgement) => Ok((judgement, payload)),
            Err(JudgeError::Refused(refusal)) => Err(refusal),
            Err(JudgeError::Facts(error)) => panic!("{error}"),
            Err(JudgeError::Newer { needs }) => {
                Err(Refusal::UnknownRuleBook { given: needs, known: RuleBook::Rehearsal.version() })
            }
        }
    }

    /// The policy in force, made ready to be its own successor.
    pub(super) fn next_policy(&self) -> Policy {
        let fact = self.ledger.policy().unwrap().unwrap();
        let mut next = fact.policy.as_ref().clone();
        next.number = next.number.next().unwrap();
        next.predecessor = Some(fact.entry);
        next
    }

    /// Changes the policy, by Ana.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut Policy)) {
        let mut next = self.next_policy();
        change(&mut next);
        self.say(next, &[&ana()]).unwrap();
    }

    /// Distrusts a key from the log's beginning on, by Ana.
    pub(super) fn distrust(&mut self, key: &SigningKey) {
        let from_entry = LeafIndex::new(0).unwrap();
        let distrust = Distrust { key: key.public(), from_entry, reason: of("stolen") };
        self.amend(|policy| policy.distrust.push(distrust));
    }

    pub(super) fn next(&self) -> LeafIndex {
        LeafIndex::new(self.size).unwrap()
    }

    /// Keeps an attachment and gives its digests.
    pub(super) fn attach(&mut self, bytes: &[u8]) -> Digests {
        let digests = Digests::of(bytes);
        self.attachments.insert(digests.sha256, bytes.to_vec());
        digests
    }

    /// A publish of a build with one file, whose manifest is stored; the content makes the digest.
    pub(super) fn build(&mut self, artifact: &str, content: &str) -> Publish {
        let file = File {
            path: of("app"),
            size: ByteSize::of(content.as_bytes()),
            digests: Digests::of(content.as_bytes()),
            mode: None,
            media_type: None,
            stored: None,
        };
        self.publish_of(artifact, &Manifest::of_files(vec![file], Body::None(Kind::Build)), None)
    }

    /// A publish of a release of held artifacts, whose manifest is stored.
    pub(super) fn release(&mut self, artifact: &str, components: &[Artifact]) -> Publish {
        let body = ReleaseBody {
            base: None,
            components: components.iter().map(component).collect(),
            objectives: None,
            runbook: None,
            acceptance: Vec::new(),
        };
        let held =
            components.iter().map(|a| ComponentRef { r#ref: a.r#ref.clone(), digests: a.digests }).collect();
        self.publish_of(artifact, &Manifest::of_files(Vec::new(), Body::Release(Box::new(body))), Some(held))
    }

    fn publish_of(
        &mut self,
        artifact: &str,
        manifest: &Manifest,
        components: Option<Vec<ComponentRef>>,
    ) -> Publish {
        let bytes = manifest.to_bytes().unwrap();
        let digests = self.attach(&bytes);
        let (name, version) = artifact.split_once('@').unwrap();
        let size = ByteSize::of(&bytes);
        Publish {
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
        }
    }

    /// Publishes a build by Ana.
    pub(super) fn published(&mut self, artifact: &str) -> Artifact {
        let publish = self.build(artifact, artifact);
        let artifact = Artifact { r#ref: of(artifact), digests: publish.manifest.digests };
        self.say(publish, &[&ana()]).unwrap();
        artifact
    }

    /// Publishes a build by Ana and reads it back.
    pub(super) fn scrubbed(&mut self, artifact: &str) -> Artifact {
        let artifact = self.published(artifact);
        self.scrub(&[&artifact], ScrubOutcome::Good);
        artifact
    }

    pub(super) fn scrub(&mut self, artifacts: &[&Artifact], outcome: ScrubOutcome) {
        let scrub = scrub_of(artifacts, outcome, self.now);
        self.say(scrub, &[&registry_key()]).unwrap();
    }

    pub(super) fn newest_pin(&self, channel: &str, name: &str) -> Option<PinFact> {
        self.ledger.pins(&of(channel), &of(name), None, 1).unwrap().pop()
    }

    /// The pin that would be the next one of its line.
    pub(super) fn next_pin(&self, channel: &str, artifact: &Artifact) -> Pin {
        let name = artifact.r#ref.name();
        let newest = self.newest_pin(channel, name.as_str());
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

    pub(super) fn pin(
        &mut self,
        channel: &str,
        artifact: &Artifact,
        by: &[&SigningKey],
    ) -> Result<LeafIndex, Refusal> {
        let pin = self.next_pin(channel, artifact);
        self.say(pin, by)
    }

    /// An attestation about an artifact, whose envelope is stored.
    pub(super) fn attest(&mut self, artifact: &Artifact, predicate_type: &str) -> Attest {
        let bytes = format!("{{\"about\":\"{}\"}}", artifact.r#ref).into_bytes();
        let digests = self.attach(&bytes);
        let envelope =
            AttestedEnvelope { digests, size: ByteSize::of(&bytes), predicate_type: of(predicate_type) };
        Attest { envelope, subjects: vec![AttestedSubject { digests: artifact.digests }] }
    }
}
