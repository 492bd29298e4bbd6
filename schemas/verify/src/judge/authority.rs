//! Who may: the signers of a candidate, and whether enough of them fill a role where it is needed.
//!
//! A rule of the policy applies when its role, its names and its channels do. One applying rule whose threshold is met is
//! enough; all keys of all applying rules count. An ephemeral key counts like a principal's key for what its grant covers,
//! but all such keys together count once: whoever may give out tokens must not be able to make a quorum of them.

use std::collections::BTreeSet;
use std::fmt;

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::name::{ArtifactName, ChannelName, PrincipalId};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{Policy, Role, RoleRule};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Action, Grant};

use super::{Candidate, Case};
use crate::facts::{Facts, FactsError};
use crate::refusal::{JudgeError, Refusal};
use crate::signature::distrusted;

/// What a signer is under the policy in force.
enum Standing<'a> {
    /// A principal with a key.
    Principal(&'a PrincipalId),
    /// The registry.
    Registry,
    /// The holder of a grant's ephemeral key.
    Grant(Box<Grant>),
}

/// Who signed a candidate, as far as the policy in force knows and trusts them.
pub(super) struct Signers<'a>(Vec<(KeyId, Standing<'a>)>);

impl<'a> Signers<'a> {
    /// Looks up what each verified signature's key is.
    pub(super) fn of(
        candidate: &Candidate<'_>,
        policy: &'a Policy,
        facts: &dyn Facts,
    ) -> Result<Self, FactsError> {
        let distrusted = distrusted(policy, candidate.index);
        let registry: BTreeSet<KeyId> = policy.registry_keys.iter().map(PublicKey::id).collect();
        let principals: Vec<(KeyId, &PrincipalId)> =
            policy.principals.iter().filter_map(|p| p.key.as_ref().map(|key| (key.id(), &p.id))).collect();
        let mut signers = Vec::new();
        for keyid in candidate.signatures.iter().map(|s| s.keyid).filter(|keyid| !distrusted.contains(keyid))
        {
            if registry.contains(&keyid) {
                signers.push((keyid, Standing::Registry));
            } else if let Some((_, id)) = principals.iter().find(|(of, _)| *of == keyid) {
                signers.push((keyid, Standing::Principal(id)));
            } else if let Some(fact) =
                facts.grant_by_key(&keyid)?.filter(|fact| fact.is_valid_at(candidate.time))
            {
                signers.push((keyid, Standing::Grant(Box::new(fact.grant))));
            }
        }
        Ok(Self(signers))
    }

    /// The registry's own keys among the signers.
    pub(super) fn registry(&self) -> Vec<KeyId> {
        self.0
            .iter()
            .filter(|(_, standing)| matches!(standing, Standing::Registry))
            .map(|(keyid, _)| *keyid)
            .collect()
    }

    fn of_rule<'b>(&'b self, rule: &'b RoleRule) -> impl Iterator<Item = KeyId> + 'b {
        let fills = |standing: &Standing<'_>| matches!(standing, Standing::Principal(id) if rule.principals.contains(id));
        self.0.iter().filter(move |(_, standing)| fills(standing)).map(|(keyid, _)| *keyid)
    }

    fn of_grants<'b>(&'b self, ask: &'b Ask<'_>) -> impl Iterator<Item = KeyId> + 'b {
        let covers = |standing: &Standing<'_>| match standing {
            Standing::Grant(grant) => action_of(ask.role).is_some_and(|action| {
                grant.actions.contains(&action) && ask.reach.is_covered_by(&grant.names, &grant.channels)
            }),
            Standing::Principal(_) | Standing::Registry => false,
        };
        self.0.iter().filter(move |(_, standing)| covers(standing)).map(|(keyid, _)| *keyid)
    }
}

/// What a token must allow so that its key may sign in a role; nothing does for an administrator's.
const fn action_of(role: Role) -> Option<Action> {
    match role {
        Role::Publisher => Some(Action::Publish),
        Role::Attester => Some(Action::Attest),
        Role::Deployer => Some(Action::Deploy),
        Role::Releaser => Some(Action::Release),
        Role::Holder => Some(Action::Hold),
        Role::Operator => Some(Action::Operate),
        Role::Administrator | Role::Auditor => None,
    }
}

/// What a rule or grant must cover.
#[derive(Clone, Copy)]
pub(super) enum Reach<'a> {
    /// Whatever it covers is enough.
    Anything,
    /// An artifact name.
    Name(&'a ArtifactName),
    /// A channel.
    Channel(&'a ChannelName),
    /// An artifact name in a channel.
    Line(&'a ArtifactName, &'a ChannelName),
    /// An artifact name, and every channel of its namespace.
    Namespace(&'a ArtifactName),
    /// Everything that these patterns cover.
    Patterns(&'a [NamePattern], &'a [NamePattern]),
}

impl Reach<'_> {
    /// Whether these patterns of a rule or grant cover it.
    pub(super) fn is_covered_by(self, names: &[NamePattern], channels: &[NamePattern]) -> bool {
        let covers = |patterns: &[NamePattern], name: &str| patterns.iter().any(|p| p.covers(name));
        let includes =
            |patterns: &[NamePattern], narrower: &NamePattern| patterns.iter().any(|p| p.includes(narrower));
        match self {
            Self::Anything => true,
            Self::Name(name) => covers(names, name.as_str()),
            Self::Channel(channel) => covers(channels, channel.as_str()),
            Self::Line(name, channel) => covers(names, name.as_str()) && covers(channels, channel.as_str()),
            Self::Namespace(name) => {
                let all: Result<NamePattern, _> = format!("{}/*", name.namespace()).parse();
                covers(names, name.as_str()) && all.is_ok_and(|all| includes(channels, &all))
            }
            Self::Patterns(n, c) => {
                n.iter().all(|p| includes(names, p)) && c.iter().all(|p| includes(channels, p))
            }
        }
    }
}

impl fmt::Display for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("this log"),
            Self::Name(name) => name.fmt(f),
            Self::Channel(channel) => channel.fmt(f),
            Self::Line(name, channel) => write!(f, "{name} in {channel}"),
            Self::Namespace(name) => write!(f, "{name} in every channel of {}", name.namespace()),
            Self::Patterns(..) => f.write_str("everything that the grant covers"),
        }
    }
}

/// How many must have signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quorum {
    /// As many as the rule says.
    Rule,
    /// One, whatever the rule says: what makes things safer must be quick.
    One,
}

/// A role wanted somewhere.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) role: Role,
    pub(super) reach: Reach<'a>,
    pub(super) quorum: Quorum,
}

/// Who signed for an artifact in another role before.
pub(super) struct Earlier<'a> {
    pub(super) role: Role,
    pub(super) signers: &'a [KeyId],
}

impl Case<'_> {
    /// The keys that count for a role, when there are enough of them.
    pub(super) fn entitled(&self, ask: Ask<'_>) -> Result<Vec<KeyId>, Refusal> {
        self.entitled_but(ask, &BTreeSet::new())
    }

    /// The same, without those whom the policy's `separate` keeps apart because they signed for the artifact before.
    pub(super) fn entitled_apart(
        &self,
        ask: Ask<'_>,
        artifact: &ArtifactRef,
        earlier: &[Earlier<'_>],
    ) -> Result<Vec<KeyId>, Refusal> {
        let apart = |e: &&Earlier<'_>| are_separate(self.policy, ask.role, e.role);
        let barred = earlier.iter().filter(apart).flat_map(|e| e.signers).copied().collect();
        let refusal = match self.entitled_but(ask, &barred) {
            Ok(keys) => return Ok(keys),
            Err(refusal) => refusal,
        };
        let meddles =
            |e: &&Earlier<'_>| apart(e) && self.signers.0.iter().any(|(keyid, _)| e.signers.contains(keyid));
        match earlier.iter().find(meddles) {
            Some(e) if self.entitled(ask).is_ok() => {
                Err(Refusal::SeparationOfDuties { role: ask.role, other: e.role, artifact: artifact.clone() })
            }
            _ => Err(refusal),
        }
    }

    /// The registry's keys, for what only the registry says.
    pub(super) fn registry(&self) -> Result<Vec<KeyId>, JudgeError> {
        let keys = self.signers.registry();
        if keys.is_empty() {
            return Err(Refusal::RegistryOnly { kind: self.candidate.statement.kind() }.into());
        }
        Ok(keys)
    }

    fn entitled_but(&self, ask: Ask<'_>, barred: &BTreeSet<KeyId>) -> Result<Vec<KeyId>, Refusal> {
        if self.signers.0.is_empty() {
            return Err(Refusal::SignatureMissing);
        }
        let ephemeral = self.signers.of_grants(&ask).find(|keyid| !barred.contains(keyid));
        let mut counted = BTreeSet::new();
        let mut satisfied = false;
        let mut closest: Option<(usize, u16)> = None;
        let applies =
            |rule: &&RoleRule| rule.role == ask.role && ask.reach.is_covered_by(&rule.names, &rule.channels);
        for rule in self.policy.roles.iter().filter(applies) {
            let keys: BTreeSet<KeyId> =
                self.signers.of_rule(rule).filter(|keyid| !barred.contains(keyid)).chain(ephemeral).collect();
            let need = if ask.quorum == Quorum::One { 1 } else { rule.threshold };
            satisfied |= keys.len() >= usize::from(need);
            if !keys.is_empty()
                && closest.is_none_or(|(have, of)| usize::from(need) + have < keys.len() + usize::from(of))
            {
                closest = Some((keys.len(), need));
            }
            counted.extend(keys);
        }
        match closest {
            _ if satisfied => Ok(counted.into_iter().collect()),
            Some((have, need)) => {
                Err(Refusal::ThresholdNotMet { role: ask.role, about: ask.reach.to_string(), have, need })
            }
            None => Err(Refusal::RoleMissing { role: ask.role, about: ask.reach.to_string() }),
        }
    }
}

/// Whether the policy keeps two roles apart.
pub(super) fn are_separate(policy: &Policy, a: Role, b: Role) -> bool {
    policy.separate.iter().any(|pair| *pair == (a, b) || *pair == (b, a))
}
