//! Why the rule book refuses a statement: what was wrong, and what to do next.
//!
//! Owns the words of every refusal and its [`RefusalKind`], the stable code that servers and clients branch on. It never
//! decides anything.

mod kind;

pub use kind::RefusalKind;

use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace, PrincipalId};
use holdfast_formats::number::{PinNumber, PolicyNumber};
use holdfast_formats::origin::Origin;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::Role;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{AttachmentRef, EvidenceKind, RollbackPhase, StatementType};
use holdfast_formats::text::{Label, Reason, Uri};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::version::Version;
use thiserror::Error;

use crate::facts::FactsError;

/// Why a judgement did not come about.
#[derive(Debug, Error)]
pub enum JudgeError {
    /// The rule book says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The facts could not be read; nothing was judged.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Only a newer program can say.
    #[error("this needs rule book {needs}, which this version of Holdfast does not have; use a newer one")]
    Newer {
        /// The version that is needed.
        needs: u32,
    },
}

/// Why the rule book refuses a statement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(
    missing_docs,
    reason = "each message names every field of its variant; a comment on each would say it twice"
)]
pub enum Refusal {
    // The statement itself.
    /// A field says something that no statement of this type may say.
    #[error("the statement is malformed: {rule}; correct it and sign again")]
    Malformed { rule: &'static str },
    /// The subjects are not what the type demands.
    #[error(
        "the subject of a {kind} statement must be exactly {expected}; build it from the predicate and sign again"
    )]
    SubjectWrong { kind: StatementType, expected: String },
    /// For another log.
    #[error("the statement is for the log {given}, but this log is {expected}; sign it for this log")]
    WrongLog { given: Origin, expected: Origin },
    /// Signed in the future.
    #[error(
        "issued_at {issued_at} is more than 5 minutes ahead of the log's time {time}; set the signer's clock and sign again"
    )]
    IssuedAhead { issued_at: Timestamp, time: Timestamp },
    /// `not_after` before `issued_at`, or too long after it.
    #[error("not_after {not_after} must lie between issued_at {issued_at} and 7 days later; sign again")]
    LifeWrong { issued_at: Timestamp, not_after: Timestamp },
    /// Kept for too long.
    #[error("the statement was only good until {not_after}, and the log's time is {time}; sign it again")]
    Expired { not_after: Timestamp, time: Timestamp },
    /// The log was quiet for long, and nobody but the registry speaks, or with an old statement.
    #[error(
        "the log was quiet for more than 7 days, so its next entry must be signed by a person's or pipeline's key within 5 minutes of {time}; sign a fresh statement"
    )]
    QuietLog { time: Timestamp },
    /// An entry older than the one before it.
    #[error("the entry's time {time} is before the newest entry's {newest}; the log's time never goes back")]
    TimeBackwards { time: Timestamp, newest: Timestamp },
    /// A rule book that this code does not have, or not the one in force.
    #[error(
        "rule book {given} was asked for, but {known} is in force here; use a version of Holdfast that has it"
    )]
    UnknownRuleBook { given: u32, known: u32 },
    /// The same bytes are in the log already.
    #[error(
        "this very statement is entry {index} already and has no second effect; use that entry's receipt"
    )]
    AlreadyLogged { index: LeafIndex },
    /// A type whose behaviour this version does not have.
    #[error("{kind} statements are not yet accepted by this registry; look for a newer version of Holdfast")]
    Unsupported { kind: StatementType },

    // Signatures and who may.
    /// No signature by a key that this log knows.
    #[error(
        "no signature is by a key that this log's policy knows and trusts; sign with a key that it names (`holdfast policy show`)"
    )]
    SignatureMissing,
    /// A signature that does not have the size of one.
    #[error("a signature has {size} bytes, but an Ed25519 signature has 64; sign again")]
    SignatureSize { size: usize },
    /// A known key's signature does not verify.
    #[error("the signature by key {key} does not verify over these bytes; sign exactly what is sent")]
    SignatureBad { key: KeyId },
    /// A logged signature by a key that nobody knows.
    #[error(
        "the entry carries a signature by key {key}, which is not known at its place in the log; the log was tampered with"
    )]
    SignatureUnknown { key: KeyId },
    /// A logged signature by a key that does not count.
    #[error(
        "the entry carries a signature by key {key}, which does not count for it; the log was tampered with"
    )]
    SignatureSurplus { key: KeyId },
    /// Too many signatures without a key id.
    #[error(
        "too many signatures carry no key id: more than {trials_max} keys would have to be tried; name each signature's key"
    )]
    SignatureUnnamed { trials_max: usize },
    /// Nobody who signed fills the role here.
    #[error("nobody who signed is {role} for {about}; ask somebody who is, or have the policy changed")]
    RoleMissing { role: Role, about: String },
    /// Too few of them.
    #[error(
        "{have} of the {need} signatures that it takes as {role} for {about} are there; have more keys sign (--prepare, sign, submit)"
    )]
    ThresholdNotMet { role: Role, about: String, have: usize, need: u16 },
    /// Somebody who signed fills the other role of a separated pair for this artifact.
    #[error(
        "the policy separates {role} from {other}: who signed as {other} of {artifact} does not count as {role}; have somebody else sign"
    )]
    SeparationOfDuties { role: Role, other: Role, artifact: ArtifactRef },
    /// Too few root keys.
    #[error("{have} of the {need} root keys of the {which} policy signed; have more of them sign")]
    RootThreshold { which: &'static str, have: usize, need: u16 },
    /// Only the registry says this.
    #[error("only the registry's own key signs {kind} statements")]
    RegistryOnly { kind: StatementType },
    /// A grant wider than its giver's own role.
    #[error(
        "the grant covers {pattern}, which no administrator who signed covers; narrow it or ask another administrator"
    )]
    GrantTooWide { pattern: NamePattern },
    /// An identity that no policy principal stands for, or that may not do this.
    #[error(
        "no principal of the policy lets {issuer} exchange an identity for this grant; have the policy changed"
    )]
    OidcNotAllowed { issuer: Uri },

    // Policy.
    /// No policy yet.
    #[error("this log has no policy yet: its first entry must be policy 1; run `holdfast login`")]
    PolicyMissing,
    /// The policy contradicts itself.
    #[error("the policy is not sound: {rule}; correct it and sign again")]
    PolicyUnsound { rule: String },
    /// Not exactly the next policy.
    #[error(
        "the policy must be number {expected} and name the entry of the policy before it; take the newest policy and edit again"
    )]
    StalePolicy { given: PolicyNumber, expected: PolicyNumber },

    // Artifacts.
    /// The name stands for something else.
    #[error(
        "{artifact} is taken by entry {index} with another digest, for ever; publish under a new version"
    )]
    NameTaken { artifact: ArtifactRef, index: LeafIndex },
    /// The very same artifact is published.
    #[error(
        "{artifact} is published with the same digest by entry {index} already; use that entry's receipt"
    )]
    AlreadyPublished { artifact: ArtifactRef, index: LeafIndex },
    /// A version that is a moving tag, or a tag that is none.
    #[error("{version} {rule}")]
    MovingTag { version: Version, rule: &'static str },
    /// No rule for the namespace.
    #[error("the policy has no rule for the namespace {namespace}; have one added")]
    NamespaceUnknown { namespace: Namespace },
    /// No such artifact.
    #[error("{artifact} is not published in this log; push it first")]
    ArtifactNotFound { artifact: ArtifactRef },
    /// Nothing of that name has these digests.
    #[error("no version of {name} has these digests; push it first")]
    DigestNotFound { name: ArtifactName },
    /// The right name with the wrong digests.
    #[error(
        "{artifact} has other digests than the statement says; look it up again and sign what it really is"
    )]
    DigestsDiffer { artifact: ArtifactRef },
    /// An attachment that did not come along.
    #[error("the attachment {} of {} bytes is missing; upload it and submit again", .attachment.sha256, .attachment.size)]
    AttachmentMissing { attachment: AttachmentRef },
    /// An attachment that is something else than the statement says.
    #[error(
        "the attachment is not what the statement says: {what}; build the statement from the attachment and sign again"
    )]
    AttachmentMismatch { what: &'static str },
    /// Components that do not fit.
    #[error("component {component}: {rule}")]
    Component { component: ArtifactRef, rule: &'static str },
    /// A window longer than policy lets a writer ask for.
    #[error(
        "keep.until {until} is later than {max}, the most that the namespace's policy allows; ask for less"
    )]
    KeepTooLong { until: Timestamp, max: Timestamp },
    /// A weaker mode than the policy's.
    #[error(
        "the policy keeps the class {class} in compliance mode, which nobody weakens; leave keep.mode out"
    )]
    KeepWeaker { class: Label },

    /// A window that is no longer than the one there is.
    #[error("until {until} is not later than {now}, until which it is kept anyway; windows only grow")]
    KeepNotLonger { until: Timestamp, now: Timestamp },
    /// Something keeps it.
    #[error(
        "{artifact} is kept: {kept}; wait, end what can be ended (`holdfast retention` lists every reason), or delete with --bypass where a governance window is the only one"
    )]
    Kept { artifact: ArtifactRef, kept: String },
    /// It has ended.
    #[error("{artifact} was ended by entry {by}, and its name stays taken; use another version")]
    ArtifactEnded { artifact: ArtifactRef, by: LeafIndex },
    /// Windows end a day after that was said, at the earliest.
    #[error("entry {intend} said less than 24 hours ago that this will end; sweep again after {at}")]
    NoticeTooShort { intend: LeafIndex, at: Timestamp },
    // Channels.
    /// No rule for the channel.
    #[error("the policy has no rule for the channel {channel}; have one added")]
    ChannelUnknown { channel: ChannelName },
    /// A name that is no line of the channel.
    #[error("{name} is no line of {channel}, which {lines}; pin what the channel tracks")]
    NotALine { channel: ChannelName, name: ArtifactName, lines: String },
    /// Not exactly the next pin.
    #[error(
        "the line's next pin is {expected} and names the entry of the pin before it; look at `holdfast history {channel}` and pin again"
    )]
    StalePin { channel: ChannelName, given: PinNumber, expected: PinNumber },
    /// A deny stands.
    #[error(
        "{artifact} is denied by entry {deny}: {reason}; lift that deny first, or choose another version"
    )]
    Denied { artifact: ArtifactRef, deny: LeafIndex, reason: Reason },
    /// A freeze stands.
    #[error("{channel} is frozen by entry {freeze}{}: {reason}; wait, or thaw it first", until_text(*.until))]
    Frozen { channel: ChannelName, freeze: LeafIndex, until: Option<Timestamp>, reason: Reason },
    /// The policy's calendar says no.
    #[error("the policy's calendar freezes {channel} until {until}; wait, or have the calendar changed")]
    CalendarFrozen { channel: ChannelName, until: Timestamp },
    /// Not read back since it was published.
    #[error("not read back as good since publication: {}; wait for the scrub and submit again", list(.artifacts))]
    NotScrubbed { artifacts: Vec<ArtifactRef> },
    /// Evidence that policy wants and that is not there.
    #[error("the channel's policy wants evidence that the pin does not show: {kind}{}{}{}; cite the entry that shows it", part(" of type ", .predicate_type.as_ref()), part(" signed by ", .signer.as_ref()), age(*.younger_than_s))]
    EvidenceMissing {
        kind: EvidenceKind,
        predicate_type: Option<Uri>,
        signer: Option<PrincipalId>,
        younger_than_s: Option<u64>,
    },
    /// A rollback that goes backwards or changes what it is about.
    #[error(
        "rollback {rollback_id} is {before} already: {rule}; look at its phases, or begin one with a new id"
    )]
    RollbackConflict { rollback_id: Label, before: RollbackPhase, rule: &'static str },

    // Entries that are named.
    /// No such entry, or of another kind.
    #[error("entry {index} is no {what} of this log; look up the right entry")]
    EntryNotFound { what: &'static str, index: LeafIndex },
    /// It ended before.
    #[error("the {what} of entry {index} was ended by entry {by} already; nothing is left to do")]
    AlreadyEnded { what: &'static str, index: LeafIndex, by: LeafIndex },
    /// A moment that should lie ahead.
    #[error("{what} {given} is not after the log's time {time}; choose a later time and sign again")]
    NotInTheFuture { what: &'static str, given: Timestamp, time: Timestamp },
    /// A token or key that something else uses.
    #[error("the {what} is in use already; make a new one")]
    InUse { what: &'static str },
}

fn until_text(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {until}"))
}

fn list(artifacts: &[ArtifactRef]) -> String {
    artifacts.iter().map(ArtifactRef::to_string).collect::<Vec<_>>().join(", ")
}

fn part(before: &str, value: Option<&impl std::fmt::Display>) -> String {
    value.map_or_else(String::new, |value| format!("{before}{value}"))
}

fn age(younger_than_s: Option<u64>) -> String {
    younger_than_s.map_or_else(String::new, |s| format!(", at most {s} seconds old"))
}
