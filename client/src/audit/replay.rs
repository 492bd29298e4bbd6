//! Judging a downloaded log again, entry by entry.

use std::collections::{BTreeSet, HashMap};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::PAYLOAD_TYPE;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{AttachmentRef, Predicate, Statement};
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::wire::v1::LoggedEntry;
use holdfast_verify::facts::{Effect, Facts as _};
use holdfast_verify::judge::{Candidate, judge};
use holdfast_verify::ledger::Ledger;
use holdfast_verify::merkle::Edge;
use holdfast_verify::refusal::JudgeError;
use holdfast_verify::signature::{KnownKeys, verify_entry};

use super::{AuditReport, Finding};
use crate::error::ClientError;

/// A log that is judged again from entry 0.
pub(super) struct Replay {
    origin: Origin,
    ledger: Ledger,
    edge: Edge,
    artifacts: u64,
    lines: BTreeSet<(ChannelName, ArtifactName)>,
    findings: Vec<Finding>,
}

impl Replay {
    pub(super) fn new(origin: Origin) -> Self {
        let (ledger, edge) = (Ledger::empty(), Edge::empty());
        Self { origin, ledger, edge, artifacts: 0, lines: BTreeSet::new(), findings: Vec::new() }
    }

    /// How many entries were judged.
    pub(super) const fn size(&self) -> TreeSize {
        self.edge.size()
    }

    /// The facts that follow from them.
    pub(super) const fn facts(&self) -> &Ledger {
        &self.ledger
    }

    /// Every line that was ever pinned.
    pub(super) fn lines(&self) -> Vec<(ChannelName, ArtifactName)> {
        self.lines.iter().cloned().collect()
    }

    pub(super) fn root(&self) -> TreeHash {
        self.edge.root()
    }

    /// What was found so far.
    #[cfg(test)]
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(super) fn find(&mut self, index: Option<LeafIndex>, what: impl Into<String>) {
        self.findings.push(Finding { index, what: what.into() });
    }

    /// Judges successive entries. Only what makes going on pointless is an error; everything else is a finding.
    pub(super) fn page(
        &mut self,
        entries: &[LoggedEntry],
        attachments: &HashMap<Sha256Digest, Vec<u8>>,
    ) -> Result<(), ClientError> {
        for entry in entries {
            let index = self.size().next_index();
            if entry.index != index {
                return Err(ClientError::malformed(
                    "page of entries",
                    format!("entry {index} was asked for, and {} came", entry.index),
                ));
            }
            let leaf = TreeHash::leaf(&entry.entry.0);
            self.edge
                .push(leaf, &mut |_, _| {})
                .map_err(|source| ClientError::Replay { index, source: source.into() })?;
            if let Err(what) = self.judge(index, leaf, entry, attachments) {
                self.find(Some(index), what);
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        index: LeafIndex,
        leaf: TreeHash,
        logged: &LoggedEntry,
        attachments: &HashMap<Sha256Digest, Vec<u8>>,
    ) -> Result<(), String> {
        let entry = Entry::parse(&logged.entry.0).map_err(|e| e.to_string())?;
        let payload = payload_of(&entry, logged)?;
        let payload_sha256 = Sha256Digest::of(payload);
        let effects = self.effects(index, leaf, &entry, payload, attachments);
        for effect in effects.iter().flatten() {
            self.apply(effect);
        }
        self.ledger.note_entry(index, payload_sha256, entry.time);
        effects.map(drop)
    }

    fn effects(
        &self,
        index: LeafIndex,
        leaf: TreeHash,
        entry: &Entry,
        payload: &[u8],
        attachments: &HashMap<Sha256Digest, Vec<u8>>,
    ) -> Result<Vec<Effect>, String> {
        let statement = Statement::parse(payload).map_err(|e| e.to_string())?;
        let broken = |e: holdfast_verify::facts::FactsError| e.to_string();
        let policy = self.ledger.policy().map_err(broken)?;
        let keys = policy.map_or_else(KnownKeys::none, |fact| KnownKeys::of_policy(&fact.policy));
        let claimed = entry.signatures.iter().map(|signature| signature.keyid);
        let keys = keys.for_statement(&statement, claimed, &self.ledger).map_err(broken)?;
        verify_entry(PAYLOAD_TYPE, payload, &entry.signatures, &keys).map_err(|e| e.to_string())?;
        let manifest = match &statement.predicate {
            Predicate::Publish(publish) => read_manifest(attachments.get(&publish.manifest.digests.sha256))?,
            _ => None,
        };
        let envelope = match &statement.predicate {
            Predicate::Attest(attest) => attachments.get(&attest.envelope.digests.sha256).map(Vec::as_slice),
            _ => None,
        };
        let candidate = Candidate {
            index,
            time: entry.time,
            rules: entry.rules,
            payload_sha256: Sha256Digest::of(payload),
            statement: &statement,
            signatures: &entry.signatures,
            manifest: manifest.as_ref().map(|(bytes, manifest)| (*bytes, manifest)),
            envelope,
        };
        let judgement = judge(&candidate, &self.ledger).map_err(|error| match error {
            JudgeError::Refused(refusal) => format!("the rule book refuses it: {refusal}"),
            other @ (JudgeError::Facts(_) | JudgeError::Newer { .. }) => other.to_string(),
        })?;
        if judgement.counted != entry.signatures {
            return Err("its leaf carries signatures that do not count".to_owned());
        }
        Ok(judgement.effects(leaf))
    }

    fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Artifact(_) => self.artifacts += 1,
            Effect::Pin(pin) => {
                self.lines.insert((pin.channel.clone(), pin.artifact.r#ref.name().clone()));
            }
            Effect::Policy(fact) if fact.policy.origin != self.origin => {
                self.find(Some(fact.entry.index), "the policy is of another log");
            }
            _ => {}
        }
        self.ledger.apply(effect);
    }

    /// Compares the root of everything replayed with a signed one.
    pub(super) fn compare_root(&mut self, size: TreeSize, root: TreeHash) {
        if self.size() == size && self.root() != root {
            self.find(None, format!("the entries do not hash to the signed root of {size} entries"));
        }
    }

    pub(super) fn report(self) -> AuditReport {
        let channels: BTreeSet<&ChannelName> = self.lines.iter().map(|(channel, _)| channel).collect();
        AuditReport {
            size: self.edge.size(),
            root: self.edge.root(),
            entries: self.edge.size().get(),
            artifacts: self.artifacts,
            channels: channels.len() as u64,
            findings: self.findings,
        }
    }
}

fn payload_of<'a>(entry: &'a Entry, logged: &'a LoggedEntry) -> Result<&'a [u8], String> {
    match (&entry.payload, &logged.payload) {
        (EntryPayload::Inline(bytes), None) => Ok(bytes),
        (EntryPayload::Attached(named), Some(bytes)) if AttachmentRef::of(&bytes.0) == *named => Ok(&bytes.0),
        _ => Err("its payload is not the attachment that its leaf names".to_owned()),
    }
}

fn read_manifest(bytes: Option<&Vec<u8>>) -> Result<Option<(&[u8], Manifest)>, String> {
    let Some(bytes) = bytes else { return Ok(None) };
    let manifest = Manifest::parse(bytes).map_err(|e| format!("its manifest is malformed: {e}"))?;
    Ok(Some((bytes, manifest)))
}
