//! One entry: its place in the tree, its signatures, the rule book, and what follows from it.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::envelope::PAYLOAD_TYPE;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_verify::facts::{Effect, FactsError};
use holdfast_verify::judge::{Candidate, judge};
use holdfast_verify::refusal::{JudgeError, Refusal};
use holdfast_verify::signature::{VerifiedAhead, verify_entry};

use super::{Attachments, Facts, Replay};
use crate::audit::decode::{Content, Decoded, Payload, Unread};
use crate::audit::finding::{Finding, FindingKind};

/// Why an entry has no effect.
enum Wrong {
    /// Something is not as it must be.
    Found(FindingKind, String),
    /// Only a newer version can say whether it has one.
    Newer(String),
}

impl Wrong {
    fn new(kind: FindingKind, what: impl Into<String>) -> Self {
        Self::Found(kind, what.into())
    }
}

/// What judging comes to; the error outside says that the facts could not be read.
type Outcome<T> = Result<Result<T, Wrong>, FactsError>;

impl Replay {
    fn find_at(&mut self, index: LeafIndex, kind: FindingKind, what: impl Into<String>) {
        if index.get() < self.from.get() {
            return;
        }
        self.find(Finding::new(kind, what).at(index));
    }

    /// Judges the next entry. One that only a newer version can judge ends the replay before it.
    pub(super) fn entry(
        &mut self,
        facts: &mut Facts<'_>,
        decoded: &Decoded,
        attachments: &Attachments,
    ) -> Result<(), FactsError> {
        let (index, leaf) = (self.size().next_index(), decoded.leaf);
        let judged = match &decoded.content {
            Err(what) => Err(Wrong::new(FindingKind::EntryMalformed, what)),
            Ok(content) => self.effects(facts, index, leaf, content, attachments)?,
        };
        let effects = match judged {
            Err(Wrong::Newer(needs)) => {
                (self.stopped, self.newer) = (true, Some((index, needs)));
                return Ok(());
            }
            _ if !self.grow(leaf) => return Ok(()),
            Err(Wrong::Found(kind, what)) => {
                self.find_at(index, kind, what);
                Vec::new()
            }
            Ok(effects) => effects,
        };
        match &decoded.content {
            Ok(content) => self.take(facts, index, content, &effects)?,
            Err(_) => facts.note_place(index),
        }
        if self.wanted.contains(&self.size()) {
            self.passed.push(self.position.edge.clone());
        }
        Ok(())
    }

    /// Puts a leaf into the tree; false when it takes none.
    fn grow(&mut self, leaf: TreeHash) -> bool {
        let tiles = &mut self.tiles;
        let pushed = self.position.edge.push(leaf, &mut |path, hashes| tiles.push((path, hashes.to_vec())));
        if let Err(error) = pushed {
            self.find(Finding::new(FindingKind::Root, error.to_string()));
            self.stopped = true;
            return false;
        }
        true
    }

    /// Counts an entry, and applies what follows from it.
    fn take(
        &mut self,
        facts: &mut Facts<'_>,
        index: LeafIndex,
        content: &Content,
        effects: &[Effect],
    ) -> Result<(), FactsError> {
        if let Some(payload) = &content.payload
            && let Ok(statement) = &payload.statement
        {
            *self.position.statements.entry(statement.kind()).or_default() += 1;
        }
        for effect in effects {
            self.apply(facts, effect, content.payload_sha256)?;
        }
        facts.note_entry(index, content.payload_sha256, content.entry.time)
    }

    fn effects(
        &self,
        facts: &Facts<'_>,
        index: LeafIndex,
        leaf: TreeHash,
        content: &Content,
        attachments: &Attachments,
    ) -> Outcome<Vec<Effect>> {
        let Some(Payload { bytes, statement, ahead }) = &content.payload else {
            let what = "its payload is not the attachment that its leaf names";
            return Ok(Err(Wrong::new(FindingKind::Attachment, what)));
        };
        let statement = match statement {
            Ok(statement) => statement,
            Err(Unread::Malformed(what)) => return Ok(Err(Wrong::new(FindingKind::EntryMalformed, what))),
            Err(Unread::Newer(urn)) => return Ok(Err(Wrong::Newer(format!("statement type {urn}")))),
        };
        if let Err(refusal) = self.verify(facts, index, content, bytes, statement, ahead)? {
            return Ok(Err(Wrong::new(FindingKind::Signature, refusal.to_string())));
        }
        let wanted = content.content_wanted();
        let attached = wanted.and_then(|wanted| attachments.get(&wanted.sha256)).map(Vec::as_slice);
        if wanted.is_some() && attached.is_none() {
            let what = "the attachment that it names is missing, or is not what its digest says";
            return Ok(Err(Wrong::new(FindingKind::Attachment, what)));
        }
        let is_publish = matches!(statement.predicate, Predicate::Publish(_));
        let manifest = match attached.filter(|_| is_publish).map(|bytes| (bytes, Manifest::parse(bytes))) {
            Some((_, Err(error))) => {
                let what = format!("its manifest is malformed: {error}");
                return Ok(Err(Wrong::new(FindingKind::Refused, what)));
            }
            Some((bytes, Ok(manifest))) => Some((bytes, manifest)),
            None => None,
        };
        let candidate = Candidate {
            index,
            time: content.entry.time,
            rules: content.entry.rules,
            payload_sha256: content.payload_sha256,
            statement,
            signatures: &content.entry.signatures,
            manifest: manifest.as_ref().map(|(bytes, manifest)| (*bytes, manifest)),
            attached: attached.filter(|_| !is_publish),
        };
        let judgement = match judge(&candidate, facts) {
            Ok(judgement) => judgement,
            Err(JudgeError::Facts(error)) => return Err(error),
            Err(JudgeError::Newer { needs }) => return Ok(Err(Wrong::Newer(format!("rule book {needs}")))),
            Err(JudgeError::Refused(refusal)) => {
                return Ok(Err(Wrong::new(
                    FindingKind::Refused,
                    format!("the rule book refuses it: {refusal}"),
                )));
            }
        };
        if judgement.counted != content.entry.signatures {
            let what = "its leaf carries signatures that do not count";
            return Ok(Err(Wrong::new(FindingKind::Refused, what)));
        }
        Ok(Ok(judgement.effects(leaf)))
    }

    /// Every signature must be by a key that is known at the entry's place, and verify: ahead, or else now.
    fn verify(
        &self,
        facts: &Facts<'_>,
        index: LeafIndex,
        content: &Content,
        payload: &[u8],
        statement: &Statement,
        ahead: &VerifiedAhead,
    ) -> Result<Result<(), Refusal>, FactsError> {
        if index.get() < self.from.get() {
            return Ok(Ok(()));
        }
        let signatures = &content.entry.signatures;
        let is_policy = matches!(statement.predicate, Predicate::Policy(_));
        if !is_policy && signatures.iter().all(|s| self.keys.get(&s.keyid).is_some()) {
            return Ok(verify_entry(PAYLOAD_TYPE, payload, signatures, &self.keys, ahead));
        }
        let claimed = signatures.iter().map(|signature| signature.keyid);
        let keys = self.keys.as_ref().clone().for_statement(statement, claimed, facts)?;
        for signature in signatures.iter().filter(|signature| ahead.is_missing(signature)) {
            // Whoever signs with an ephemeral key often does so again.
            if let Some(key) = keys.get(&signature.keyid) {
                self.at_hand.add(key.clone());
            }
        }
        Ok(verify_entry(PAYLOAD_TYPE, payload, signatures, &keys, ahead))
    }

    fn apply(
        &mut self,
        facts: &mut Facts<'_>,
        effect: &Effect,
        payload: Sha256Digest,
    ) -> Result<(), FactsError> {
        match effect {
            Effect::Artifact(_) => self.position.artifacts += 1,
            Effect::Policy(fact) => {
                self.note_policy(&fact.policy);
                self.check_policy(fact.entry.index, &fact.policy, payload);
            }
            _ => {}
        }
        facts.apply(effect)
    }

    /// The log is the one that is trusted when the trusted policy is in it.
    fn check_policy(&mut self, index: LeafIndex, policy: &Policy, payload: Sha256Digest) {
        if policy.origin != self.trust.origin {
            self.find_at(index, FindingKind::Policy, "the policy is of another log");
        }
        if policy.number == self.trust.policy.number {
            self.position.anchored = payload == self.trust.policy.sha256;
            if !self.position.anchored {
                let what = format!("policy {} is not the one that trust.json names", policy.number);
                self.find_at(index, FindingKind::Policy, what);
            }
        }
    }
}
