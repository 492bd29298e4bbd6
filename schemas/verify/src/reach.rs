//! Who is wanted for a statement: a role, where it must hold, and how many of it.
//!
//! Asked alike by the rule book, by lookups and by clients. Who signed, and whether they are enough, is decided there.

use std::fmt;

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::{Role, RoleRule};
use holdfast_formats::statement::{Action, Deny, Grant, Predicate, Rollback};

/// What a rule or grant must cover.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach<'a> {
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
    pub(crate) fn is_covered_by(self, names: &[NamePattern], channels: &[NamePattern]) -> bool {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// As many as the rule says.
    Rule,
    /// One, whatever the rule says: what makes things safer must be quick.
    One,
}

/// A role wanted somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) role: Role,
    pub(crate) reach: Reach<'a>,
    pub(crate) quorum: Quorum,
}

impl<'a> Ask<'a> {
    /// Who may pin on a line.
    pub(crate) const fn releasers(name: &'a ArtifactName, channel: &'a ChannelName) -> Self {
        Self { role: Role::Releaser, reach: Reach::Line(name, channel), quorum: Quorum::Rule }
    }

    /// Who may publish a name.
    pub(crate) const fn publishers(name: &'a ArtifactName) -> Self {
        Self { role: Role::Publisher, reach: Reach::Name(name), quorum: Quorum::Rule }
    }

    /// Who may report deployments of a line.
    pub(crate) const fn deployers(name: &'a ArtifactName, channel: &'a ChannelName) -> Self {
        Self { role: Role::Deployer, reach: Reach::Line(name, channel), quorum: Quorum::Rule }
    }

    /// Who may deny: one releaser is enough.
    pub(crate) fn deniers(deny: &'a Deny) -> Self {
        let reach = match &deny.channel {
            Some(channel) => Reach::Line(&deny.name, channel),
            None => Reach::Name(&deny.name),
        };
        Self { role: Role::Releaser, reach, quorum: Quorum::One }
    }

    /// Who may give and end a grant: administrators whose own rule covers everything that it covers.
    pub(crate) fn administrators(grant: &'a Grant) -> Self {
        let reach = Reach::Patterns(&grant.names, &grant.channels);
        Self { role: Role::Administrator, reach, quorum: Quorum::Rule }
    }

    /// Who may attest: an attestation names digests and no names, so any attester may.
    pub(crate) const fn attesters() -> Self {
        Self { role: Role::Attester, reach: Reach::Anything, quorum: Quorum::Rule }
    }

    /// Who may freeze a channel: one releaser is enough.
    pub(crate) const fn freezers(channel: &'a ChannelName) -> Self {
        Self { role: Role::Releaser, reach: Reach::Channel(channel), quorum: Quorum::One }
    }

    /// Who may report a rollback or a drill.
    pub(crate) const fn operators(rollback: &'a Rollback) -> Self {
        let reach = Reach::Line(rollback.from.r#ref.name(), &rollback.channel);
        Self { role: Role::Operator, reach, quorum: Quorum::Rule }
    }

    /// Who may hold a name's artifacts, or keep them for longer: one holder is enough.
    pub(crate) const fn holders(name: &'a ArtifactName) -> Self {
        Self { role: Role::Holder, reach: Reach::Name(name), quorum: Quorum::One }
    }

    /// Who has the right to end a governance window of a name early, beside its publishers.
    pub(crate) const fn bypassers(name: &'a ArtifactName) -> Self {
        Self { role: Role::Holder, reach: Reach::Name(name), quorum: Quorum::Rule }
    }

    /// Anybody with a role, wherever: what is asked before it is looked up what a statement ends.
    pub(crate) const fn anybody(role: Role) -> Self {
        Self { role, reach: Reach::Anything, quorum: Quorum::One }
    }

    /// Who is wanted for a statement, as far as it shows that itself: what ends an earlier entry takes at least anybody with
    /// the role. `None` for what root keys or the registry's own sign, and for what no rule is about.
    pub(crate) fn of(predicate: &'a Predicate) -> Option<Self> {
        match predicate {
            Predicate::Publish(p) if p.via_grant.is_none() => Some(Self::publishers(&p.name)),
            Predicate::Tag(p) => Some(Self::publishers(&p.name)),
            Predicate::Attest(_) => Some(Self::attesters()),
            Predicate::Deploy(p) => Some(Self::deployers(p.artifact.r#ref.name(), &p.channel)),
            Predicate::Pin(p) => Some(Self::releasers(&p.name, &p.channel)),
            Predicate::Deny(p) => Some(Self::deniers(p)),
            Predicate::Freeze(p) => Some(Self::freezers(&p.channel)),
            Predicate::Lift(_) | Predicate::Thaw(_) => Some(Self::anybody(Role::Releaser)),
            Predicate::Grant(p) if p.oidc.is_none() => Some(Self::administrators(p)),
            Predicate::Revoke(_) => Some(Self::anybody(Role::Administrator)),
            Predicate::Rollback(p) => Some(Self::operators(p)),
            Predicate::Hold(p) => Some(Self::holders(p.artifact.r#ref.name())),
            Predicate::Unhold(_) => Some(Self::anybody(Role::Holder)),
            Predicate::Extend(p) => Some(Self::publishers(p.artifact.r#ref.name())),
            Predicate::Delete(p) => Some(Self::publishers(p.artifact.r#ref.name())),
            Predicate::Policy(_)
            | Predicate::Publish(_)
            | Predicate::Grant(_)
            | Predicate::Scrub(_)
            | Predicate::Sweep(_)
            | Predicate::Swept(_) => None,
        }
    }

    /// Whether a rule of the policy is about this.
    pub(crate) fn is_of(&self, rule: &RoleRule) -> bool {
        rule.role == self.role && self.reach.is_covered_by(&rule.names, &rule.channels)
    }

    /// Whether a grant lets its ephemeral key sign for this.
    pub(crate) fn is_granted_by(&self, grant: &Grant) -> bool {
        action_of(self.role).is_some_and(|action| {
            grant.actions.contains(&action) && self.reach.is_covered_by(&grant.names, &grant.channels)
        })
    }
}

/// What a token must allow so that its key may sign in a role; nothing does for an administrator's.
pub(crate) const fn action_of(role: Role) -> Option<Action> {
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
