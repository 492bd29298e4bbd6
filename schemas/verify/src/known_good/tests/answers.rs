//! The two sides: a registry that assembles whole answers, and a client that remembers what it saw.

use std::collections::BTreeMap;
use std::convert::Infallible;

use holdfast_formats::channel_head::{ChannelHead, HeadLine};
use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::limits::INLINE_PAYLOAD_BYTES_MAX;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::ArtifactName;
use holdfast_formats::number::{PinNumber, PolicyNumber, Seconds};
use holdfast_formats::statement::{Artifact, Predicate, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::trust::{Trust, TrustedPolicy};
use holdfast_formats::wire::v1::{
    ChannelSchedules, ConsistencyProof, HeldArtifact, KnownGood, KnownGoodQuery, LineAnswer, PassedOver,
    ProvenEntry, Receipt, ShownGrant,
};

use super::world::{PROD, World, head_key, log_key, of};
use crate::channel_head::sign_head;
use crate::facts::{ArtifactFact, Facts as _, GrantFact};
use crate::known_good::{
    AnswerError, Asked, Choice, KnownGoodAnswer, Mode, TrustedState, choose, verify_known_good,
};
use crate::logged::LoggedStatement;
use crate::merkle::{NodeAddress, ProofPlan, tree_root};
use crate::policy_chain::PolicyChain;
use crate::schedules::Schedules;
use crate::witness::Quorum;

pub(crate) const EVERYTHING: KnownGoodQuery = KnownGoodQuery::EVERYTHING;

impl World {
    pub(crate) fn size(&self) -> TreeSize {
        TreeSize::new(self.leaves.len() as u64).unwrap()
    }

    fn node(&self, node: NodeAddress) -> TreeHash {
        let width = 1_usize << node.level();
        let start = usize::try_from(node.index()).unwrap() * width;
        let mut hashes: Vec<TreeHash> =
            self.leaves[start..start + width].iter().map(|leaf| TreeHash::leaf(&leaf.bytes)).collect();
        while hashes.len() > 1 {
            hashes = hashes.chunks(2).map(|pair| TreeHash::node(&pair[0], &pair[1])).collect();
        }
        hashes[0]
    }

    pub(crate) fn root(&self) -> TreeHash {
        let Ok(root) = tree_root::<Infallible>(self.size(), &|node| Ok(self.node(node)));
        root
    }

    pub(crate) fn checkpoint(&self) -> String {
        let origin = self.newest_policy().policy.origin.clone();
        sign_checkpoint(&Checkpoint::new(origin, self.size(), self.root()).unwrap(), &log_key())
    }

    pub(crate) fn proven(&self, index: LeafIndex) -> ProvenEntry {
        let leaf = &self.leaves[usize::try_from(index.get()).unwrap()];
        let Ok(proof) = ProofPlan::inclusion(index, self.size())
            .unwrap()
            .build::<Infallible>(&|node| Ok(self.node(node)));
        let attached = leaf.payload.len() > INLINE_PAYLOAD_BYTES_MAX;
        ProvenEntry {
            index,
            entry: Base64Bytes(leaf.bytes.clone()),
            proof,
            payload: attached.then(|| Base64Bytes(leaf.payload.clone())),
        }
    }

    pub(crate) fn receipt(&self, index: LeafIndex) -> Receipt {
        let ProvenEntry { entry, proof, payload, .. } = self.proven(index);
        let proof = holdfast_formats::proof::TlogProof::new(index, proof, self.checkpoint()).unwrap();
        let grant = self.grants_of(&[index]).pop();
        Receipt { index, entry, proof: proof.to_string(), payload, grant }
    }

    /// The grants whose keys signed these entries, with what revoked them.
    pub(crate) fn grants_of(&self, entries: &[LeafIndex]) -> Vec<ShownGrant> {
        let keys = entries
            .iter()
            .flat_map(|index| LoggedStatement::of_proven(&self.proven(*index)).unwrap().signers());
        let facts: BTreeMap<LeafIndex, GrantFact> = keys
            .filter_map(|key| self.ledger.grant_by_key(&key).unwrap())
            .map(|fact| (fact.index, fact))
            .collect();
        facts.into_values().map(|fact| self.shown_grant(fact.index, fact.revoked)).collect()
    }

    pub(crate) fn shown_grant(&self, grant: LeafIndex, revoke: Option<LeafIndex>) -> ShownGrant {
        ShownGrant { grant: self.proven(grant), revoke: revoke.map(|index| self.proven(index)) }
    }

    pub(crate) fn consistency(&self, from: TreeSize) -> ConsistencyProof {
        let Ok(hashes) = ProofPlan::consistency(from, self.size())
            .unwrap()
            .build::<Infallible>(&|node| Ok(self.node(node)));
        ConsistencyProof { from, hashes }
    }

    fn policies_after(&self, known: Option<PolicyNumber>) -> Vec<ProvenEntry> {
        let is_later = |payload: &[u8]| match Statement::parse(payload).unwrap().predicate {
            Predicate::Policy(policy) => known.is_none_or(|known| policy.number > known),
            _ => false,
        };
        let indices = (0..self.leaves.len()).filter(|at| is_later(&self.leaves[*at].payload));
        indices.map(|at| self.proven(LeafIndex::new(at as u64).unwrap())).collect()
    }

    fn held(&self, fact: &ArtifactFact) -> HeldArtifact {
        HeldArtifact {
            artifact: fact.artifact.clone(),
            publish: self.proven(fact.index),
            scrub: fact.scrub.map(|scrub| self.proven(scrub.index)),
            manifest: Base64Bytes(self.manifests[&fact.artifact.digests.sha256].clone()),
        }
    }

    pub(crate) fn head(&self, choice: &Choice) -> ChannelHead {
        let line = |line: &crate::known_good::ChosenLine| HeadLine {
            name: line.name.clone(),
            issued: line.issued,
            answered: Some(line.pin.number),
        };
        ChannelHead {
            origin: self.newest_policy().policy.origin.clone(),
            channel: choice.channel.clone(),
            size: self.size(),
            root: self.root(),
            time: self.now,
            newest_entry: choice.newest_entry,
            lines: choice.lines.iter().map(line).collect(),
        }
    }

    pub(crate) fn choose(&self, query: &KnownGoodQuery) -> Choice {
        choose(&self.ledger, &of(PROD), query, self.now).unwrap()
    }

    /// The whole answer, as an honest registry assembles it.
    pub(crate) fn answer(&self, query: &KnownGoodQuery) -> KnownGood {
        let choice = self.choose(query);
        let manifests: BTreeMap<String, Manifest> = choice
            .artifacts()
            .into_iter()
            .map(|fact| {
                let bytes = &self.manifests[&fact.artifact.digests.sha256];
                (fact.artifact.r#ref.to_string(), Manifest::parse(bytes).unwrap())
            })
            .collect();
        let manifest_of = |artifact: &Artifact| manifests.get(&artifact.r#ref.to_string());
        let passed = |passed: &crate::known_good::PassedPin| PassedOver {
            pin: self.proven(passed.pin.entry.index),
            number: passed.pin.number,
            reason: passed.reason,
            ended_by: passed.ended_by.map(|index| self.proven(index)),
        };
        let passed_over = choice.lines.iter().flat_map(|line| &line.passed_over);
        let shown: Vec<LeafIndex> = (choice.lines.iter().map(|line| line.pin.entry.index))
            .chain(passed_over.flat_map(|p| [Some(p.pin.entry.index), p.ended_by]).flatten())
            .chain(choice.artifacts().into_iter().map(|fact| fact.index))
            .chain(choice.deploys().into_iter().map(|deploy| deploy.index))
            .collect();
        KnownGood {
            grants: self.grants_of(&shown),
            channel: choice.channel.clone(),
            head: sign_head(&self.head(&choice), &head_key()),
            checkpoint: self.checkpoint(),
            consistency: query.min_size.filter(|size| *size < self.size()).map(|size| self.consistency(size)),
            cosigned: Vec::new(),
            policies: self.policies_after(query.policy),
            lines: choice
                .lines
                .iter()
                .map(|line| LineAnswer {
                    name: line.name.clone(),
                    pin: self.proven(line.pin.entry.index),
                    passed_over: line.passed_over.iter().map(passed).collect(),
                })
                .collect(),
            artifacts: choice.artifacts().into_iter().map(|fact| self.held(fact)).collect(),
            deploys: choice.deploys().into_iter().map(|deploy| self.proven(deploy.index)).collect(),
            plan: choice.plan(&manifest_of).unwrap(),
            schedules: self.schedules(&choice),
            warnings: Vec::new(),
        }
    }

    /// What the registry says of schedules and objectives beside an answer.
    fn schedules(&self, choice: &Choice) -> Option<ChannelSchedules> {
        let in_force = self.newest_policy();
        let schedules = Schedules { facts: &self.ledger, in_force: &in_force, now: self.now };
        let shown = schedules.with(&choice.channel, &choice.lines.iter().collect::<Vec<_>>()).unwrap();
        shown.filter(|shown| !shown.due.is_empty() || !shown.objectives.is_empty())
    }

    /// What a client of this log starts from: policy 1.
    pub(crate) fn trust(&self) -> Trust {
        let first = LoggedStatement::of_proven(&self.proven(LeafIndex::new(0).unwrap())).unwrap();
        let Predicate::Policy(policy) = &first.statement().predicate else { panic!("entry 0 is policy 1") };
        Trust {
            origin: policy.origin.clone(),
            url: of("http://127.0.0.1:7420"),
            log_keys: policy.log_keys.clone(),
            head_keys: policy.head_keys.clone(),
            root: policy.root.clone(),
            policy: TrustedPolicy { number: policy.number, sha256: first.payload_sha256() },
            witnesses: None,
            head_max_age_s: Seconds::new(Trust::HEAD_MAX_AGE_S).unwrap(),
        }
    }
}

/// A client and what it remembers.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) policies: PolicyChain,
    pub(crate) seen: Option<(TreeSize, TreeHash)>,
    pub(crate) issued: BTreeMap<ArtifactName, PinNumber>,
    pub(crate) witnesses: Option<Quorum>,
}

impl Client {
    /// A client that has seen nothing but policy 1.
    pub(crate) fn of(world: &World) -> Self {
        let first = LoggedStatement::of_proven(&world.proven(LeafIndex::new(0).unwrap())).unwrap();
        let policies = PolicyChain::from_trust(&world.trust(), &[first]).unwrap();
        Self { policies, seen: None, issued: BTreeMap::new(), witnesses: None }
    }

    /// The query with what the client knows.
    pub(crate) fn query(&self, query: &KnownGoodQuery) -> KnownGoodQuery {
        KnownGoodQuery {
            min_size: self.seen.map(|(size, _)| size),
            policy: Some(self.policies.newest().policy.number),
            ..query.clone()
        }
    }

    pub(crate) fn verify_in(
        &self,
        answer: &KnownGood,
        query: &KnownGoodQuery,
        now: Timestamp,
        mode: Mode,
    ) -> Result<KnownGoodAnswer, AnswerError> {
        let channel = of(PROD);
        let asked = Asked { channel: &channel, query, now, mode };
        let trust = TrustedState {
            policies: &self.policies,
            seen: self.seen,
            issued: &self.issued,
            head_max_age: Seconds::new(300).unwrap(),
            witnesses: self.witnesses.as_ref(),
        };
        verify_known_good(answer, &asked, &trust).map(crate::verified::Verified::into_inner)
    }

    pub(crate) fn verify(
        &self,
        answer: &KnownGood,
        query: &KnownGoodQuery,
        now: Timestamp,
    ) -> Result<KnownGoodAnswer, AnswerError> {
        self.verify_in(answer, query, now, Mode::Online)
    }

    /// Asks an honest registry, believes it and remembers.
    pub(crate) fn ask(&mut self, world: &World, query: &KnownGoodQuery) -> KnownGoodAnswer {
        let query = self.query(query);
        let answer = self.verify(&world.answer(&query), &query, world.now).unwrap();
        self.policies = answer.policies.clone();
        self.seen = Some((answer.checkpoint.size(), answer.checkpoint.root()));
        self.issued.extend(answer.lines.iter().map(|line| (line.name.clone(), line.issued)));
        answer
    }
}
