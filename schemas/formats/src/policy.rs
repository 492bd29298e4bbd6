//! The policy: the rules of one log, itself a statement. Policy 1 is entry 0; numbers grow by exactly 1.

use crate::key::PublicKey;
use crate::manifest::Objectives;
use crate::name::{ArtifactName, PrincipalId};
use crate::number::{Count, PolicyNumber, Seconds};
use crate::origin::Origin;
use crate::pattern::NamePattern;
use crate::statement::{EntryRef, EvidenceKind, WindowMode};
use crate::strict::{StrictMap, record, word};
use crate::text::{Label, Reason, Uri};
use crate::time::Timestamp;
use crate::tree::LeafIndex;
use crate::version::Version;

crate::statement::predicate! {
    /// The rules of one log.
    pub struct Policy as PolicyPredicate {
        /// The version of the rule book that judges under it.
        req rules: u32,
        /// Its place in the chain, exactly one above its predecessor's.
        req number: PolicyNumber,
        /// The policy before; left out only by policy 1.
        opt predecessor: EntryRef,
        /// The log's name.
        req origin: Origin,
        /// Keys that sign checkpoints.
        req log_keys: Vec<PublicKey>,
        /// Keys that sign channel heads.
        req head_keys: Vec<PublicKey>,
        /// Keys by which the registry signs commits and its own statements.
        req registry_keys: Vec<PublicKey>,
        /// Who changes the policy.
        req root: RootKeys,
        /// People and machines.
        req principals: Vec<Principal>,
        /// What they may do.
        req roles: Vec<RoleRule>,
        /// Pairs of roles that one principal never fills for the same artifact.
        req separate: Vec<(Role, Role)>,
        /// Keys that no longer count.
        req distrust: Vec<Distrust>,
        /// Rules by namespace; the first that covers a name holds.
        req namespaces: Vec<NamespaceRule>,
        /// Rules by channel; the first that covers a channel holds.
        req channels: Vec<ChannelRule>,
    }
}

record! {
    /// The keys that change the policy, and how many of them it takes.
    pub struct RootKeys {
        /// The keys.
        req keys: Vec<PublicKey>,
        /// How many distinct ones must sign.
        req threshold: u16,
    }
}

word! {
    /// How a principal shows who it is.
    pub enum PrincipalKind {
        /// By a key.
        Ed25519 = "ed25519",
        /// By a token of an OIDC issuer.
        Oidc = "oidc",
    }
}

record! {
    /// A person or machine.
    pub struct Principal {
        /// Its name in this policy.
        req id: PrincipalId,
        /// How it shows who it is.
        req kind: PrincipalKind,
        /// Its key; there exactly for `ed25519`.
        opt key: PublicKey,
        /// Its issuer; there exactly for `oidc`.
        opt issuer: Uri,
        /// The audience its tokens must name.
        opt audience: Label,
        /// What its tokens must say.
        opt claims: OidcClaims,
    }
}

record! {
    /// Claims that a token must carry, word for word.
    pub struct OidcClaims {
        /// The source repository.
        opt repository: Label,
        /// Branch or tag.
        opt r#ref: Label,
        /// The deployment environment.
        opt environment: Label,
    }
}

word! {
    /// What a principal may do.
    pub enum Role {
        /// `publish`, `tag`, `extend`, `delete`.
        Publisher = "publisher",
        /// `attest`.
        Attester = "attester",
        /// `deploy`.
        Deployer = "deployer",
        /// `pin`, `deny`, `lift`, `freeze`, `thaw`.
        Releaser = "releaser",
        /// `hold`, `unhold`, `extend`.
        Holder = "holder",
        /// `grant`, `revoke`.
        Administrator = "administrator",
        /// `rollback`.
        Operator = "operator",
        /// Reads every entry.
        Auditor = "auditor",
    }
}

record! {
    /// Who fills a role, where, and how many of them it takes.
    pub struct RoleRule {
        /// Which role.
        req role: Role,
        /// Who fills it.
        req principals: Vec<PrincipalId>,
        /// For which artifact names.
        req names: Vec<NamePattern>,
        /// For which channels.
        req channels: Vec<NamePattern>,
        /// How many distinct keys must sign.
        req threshold: u16,
    }
}

record! {
    /// A key whose statements stop counting for answers.
    pub struct Distrust {
        /// The key.
        req key: PublicKey,
        /// From this entry on.
        req from_entry: LeafIndex,
        /// Why.
        req reason: Reason,
    }
}

record! {
    /// Rules for the artifacts of a namespace.
    pub struct NamespaceRule {
        /// The namespace, or `*`.
        req name: NamePattern,
        /// Whether everybody may read it.
        req public_read: bool,
        /// Versions that are moving tags.
        req moving_tags: Vec<Version>,
        /// Whether the registry may sign a publish for a plain OCI client.
        req registry_publishes: bool,
        /// Retention windows by class.
        req windows: StrictMap<Label, Window>,
        /// The most a writer may ask for.
        req keep_max_s: Seconds,
    }
}

record! {
    /// One retention window.
    pub struct Window {
        /// How long from publish time.
        req keep_s: Seconds,
        /// How strictly.
        req mode: WindowMode,
    }
}

record! {
    /// Rules for a channel.
    pub struct ChannelRule {
        /// The channels it is for.
        req pattern: NamePattern,
        /// The one line that answers for the whole channel.
        opt follows: ArtifactName,
        /// The lines that must all answer; every pinned name when left out.
        opt members: Vec<ArtifactName>,
        /// What a pin must show.
        req evidence: Vec<EvidenceRule>,
        /// What a rollback should reach.
        opt objectives: Objectives,
        /// How long a former answer can be gone back to.
        req rollback_window_s: Seconds,
        /// How many last answerable pins are kept whatever their date.
        req keep_pins: Count,
        /// When deploys are taken.
        opt calendar: Vec<CalendarRule>,
        /// What must happen how often.
        opt schedules: Vec<Schedule>,
        /// How long a pin is answered at most.
        opt pin_expires_s: Seconds,
    }
}

record! {
    /// One thing that a pin must show.
    pub struct EvidenceRule {
        /// What kind of evidence.
        req kind: EvidenceKind,
        /// The predicate type of an attestation.
        opt predicate_type: Uri,
        /// Who must have signed it.
        opt signer: PrincipalId,
        /// How fresh it must be when the pin is made.
        opt younger_than_s: Seconds,
    }
}

word! {
    /// What a calendar entry says.
    pub enum CalendarWord {
        /// Deploys are taken.
        Allow = "allow",
        /// No forward deploys.
        Freeze = "freeze",
    }
}

record! {
    /// A stretch of time with its rule.
    pub struct CalendarRule {
        /// From.
        req from: Timestamp,
        /// Until, not included.
        req until: Timestamp,
        /// The rule.
        req rule: CalendarWord,
    }
}

record! {
    /// Something that must happen regularly.
    pub struct Schedule {
        /// What: an artifact name whose snapshots are due, or `drill`.
        req name: Label,
        /// How often.
        req every_s: Seconds,
    }
}

impl Policy {
    /// The rule of a channel: the first whose pattern covers it.
    pub fn channel(&self, channel: &crate::name::ChannelName) -> Option<&ChannelRule> {
        self.channels.iter().find(|rule| rule.pattern.covers(channel.as_str()))
    }

    /// The rule of a namespace: the first whose pattern covers it.
    pub fn namespace(&self, namespace: &crate::name::Namespace) -> Option<&NamespaceRule> {
        self.namespaces.iter().find(|rule| rule.name.covers(namespace.as_str()))
    }
}
