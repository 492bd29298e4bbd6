//! What can go wrong, and what the process that embeds this library should exit with.
//!
//! Every variant says what was wrong and what to do. Text that came from the registry is quoted as it came: whoever
//! prints it to a terminal escapes it.

mod file_action;
mod making;
mod outcome;

use std::io;
use std::path::PathBuf;

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::key::{KeyError, KeyId};
use holdfast_formats::manifest::ManifestError;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::origin::Origin;
use holdfast_formats::text::TextError;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::Problem;

pub use file_action::FileAction;
pub use making::CheckError;

use crate::audit::AuditError;
use crate::bundle::BundleError;
use crate::evidence::PackError;
use crate::keys::SignerError;
use crate::snapshot::SnapshotError;
use crate::stream::StreamError;
use crate::tree::TreeError;

/// Whatever a call of this library can fail with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The registry refused, and said why.
    #[error("the registry refuses: {}", .0.detail)]
    Problem(Box<Problem>),
    /// No answer came.
    #[error("the registry at {url} does not answer; check the address and that it runs")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened.
        source: CheckError,
    },
    /// Something else than a registry answered.
    #[error("{url} answered with status {status} and no problem document; is it the address of a registry?")]
    NotARegistry {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer larger than any honest one.
    #[error("the answer of {url} has more than {max} bytes, which no registry sends")]
    AnswerTooLarge {
        /// Where.
        url: String,
        /// How many bytes are taken.
        max: u64,
    },
    /// An answer that is not what was asked for.
    #[error("the registry's {what} is malformed or not what was asked for")]
    Malformed {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it.
        source: CheckError,
    },
    /// A signature, proof or digest does not hold.
    #[error("the {what} does not hold: do not use it, and report it to whoever runs the registry")]
    Untrue {
        /// What was checked.
        what: &'static str,
        /// What is wrong with it.
        source: CheckError,
    },
    /// The answer is right but too old.
    #[error("the answer is stale")]
    Stale {
        /// How old, and what is allowed.
        source: CheckError,
    },
    /// Too few witnesses vouch for it, or not for enough of it, or too long ago.
    #[error("what the registry shows is not witnessed, so others may be shown something else")]
    Unwitnessed {
        /// Who is missing.
        source: CheckError,
    },
    /// The answered pin has expired since.
    #[error("the answer holds no longer")]
    Expired {
        /// What expired.
        source: CheckError,
    },
    /// The answer is no whole: something that it needs is not part of it.
    #[error("nothing qualifies")]
    NothingQualifies {
        /// What is missing.
        source: CheckError,
    },
    /// A query that cannot be answered as it is.
    #[error("the query cannot be answered")]
    Query {
        /// Why.
        source: CheckError,
    },
    /// The address is not one.
    #[error("{url:?} is not the address of a registry; write http://host:port or https://host")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// The login secret is not one. It is never quoted.
    #[error("the part behind # is not a login secret; use the whole line that the registry printed")]
    BadSecret,
    /// A secret would travel in the clear.
    #[error(
        "a token or login secret is sent to {url} only over https or to this very machine; use an https address"
    )]
    PlainHttp {
        /// Where.
        url: String,
    },
    /// No trust.json.
    #[error("no .holdfast/trust.json was found in {} or above it; run `holdfast login`, or copy it from a colleague", .start.display())]
    NoTrust {
        /// Where the search began.
        start: PathBuf,
    },
    /// Login would replace what is trusted.
    #[error("{} already trusts a registry; remove it if you really mean to trust another", .path.display())]
    TrustExists {
        /// The file.
        path: PathBuf,
    },
    /// No signing key.
    #[error("there is no signing key at {}; make one with `holdfast key generate`", .path.display())]
    NoKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// A key would be overwritten.
    #[error("{} exists already and is never overwritten", .path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// A key file that holds none.
    #[error("the key in {} cannot be used", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A key that lives elsewhere did not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A file could not be read or written.
    #[error("could not {action} {}", .path.display())]
    File {
        /// What was being done.
        action: FileAction,
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// A file of ours that is not in its form.
    #[error("{} is not usable: {rule}", .path.display())]
    FileMalformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        rule: String,
    },
    /// An audit that cannot go on.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A store that cannot be named so.
    #[error("{location:?} is no store to read a log from: {rule}")]
    StoreLocation {
        /// What was given.
        location: String,
        /// What is wrong with it.
        rule: String,
    },
    /// A store that could not be read.
    #[error("the store {location} cannot be read; check credentials, address and network")]
    StoreUnreachable {
        /// Where.
        location: String,
        /// What happened.
        source: CheckError,
    },
    /// Something that cannot be pushed.
    #[error("{} cannot be pushed: {rule}", .path.display())]
    Source {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        rule: &'static str,
    },
    /// A path outside the grammar.
    #[error("{} cannot be pushed under its name", .path.display())]
    SourceName {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TextError,
    },
    /// The registry's keys are not those that the login secret names.
    #[error(
        "the registry at {url} does not have the keys that the login secret names; somebody may be in between. Nothing was signed"
    )]
    Fingerprint {
        /// Where.
        url: String,
    },
    /// Policy 1 is there.
    #[error(
        "the registry {origin} already has a policy, so its login secret is used up; ask an administrator for a token"
    )]
    AlreadySetUp {
        /// The log.
        origin: Origin,
    },
    /// The registry's log is another one.
    #[error("the registry is of the log {found}, but trust.json is of {wanted}; check the address")]
    OtherLog {
        /// What is trusted.
        wanted: Origin,
        /// What answers.
        found: Origin,
    },
    /// The log shown does not extend what was seen.
    #[error("the log is not the one that this machine saw before: {detail}{}", outcome::fork_words(evidence.as_deref()))]
    Fork {
        /// What does not fit.
        detail: String,
        /// The file with both signed checkpoints; `None` when none could be written.
        evidence: Option<PathBuf>,
    },
    /// A file of fork evidence that is none.
    #[error("{} is no evidence of a fork", .path.display())]
    NoFork {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: CheckError,
    },
    /// A change of the trusted witnesses that cannot be.
    #[error("{0}")]
    Witnesses(String),
    /// The statement is logged, but not enough witnesses saw it yet.
    #[error(
        "the statement is logged as entry {index}, but not witnessed yet; repeat the command to see whether it is"
    )]
    LoggedUnwitnessed {
        /// Its place.
        index: LeafIndex,
        /// Who is missing.
        source: Box<ClientError>,
    },
    /// A file's bytes are not those of the manifest.
    #[error("{path}: the bytes have the digest {found}, but the manifest says {wanted}")]
    Digest {
        /// The file.
        path: String,
        /// What the manifest says.
        wanted: Blake3Digest,
        /// What the bytes have.
        found: Blake3Digest,
    },
    /// Local content differs from its manifest.
    #[error("{path} differs from the manifest: {rule}")]
    Differs {
        /// The file.
        path: String,
        /// How.
        rule: String,
    },
    /// A download ended early, again and again.
    #[error("{path}: the download was cut {attempts} times; run it again, it goes on where it stopped")]
    Cut {
        /// The file.
        path: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Something at the target that must not be written through.
    #[error("{path}: {rule}; nothing was written there")]
    Target {
        /// The file.
        path: String,
        /// Why.
        rule: &'static str,
    },
    /// A manifest that breaks its format.
    #[error("the manifest would not be accepted")]
    Manifest(#[from] ManifestError),
    /// A release draft that cannot be completed.
    #[error("component {name:?}: {rule}")]
    Component {
        /// The component.
        name: String,
        /// What is wrong.
        rule: String,
    },
    /// A record could not be written as JSON.
    #[error("could not write the {what}")]
    Encode {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A channel answers several lines where one is wanted.
    #[error("{channel} has {} lines: name one of them, such as {}", .lines.len(), .lines.first().map_or("-", |l| l.as_str()))]
    SeveralLines {
        /// The channel.
        channel: ChannelName,
        /// Its lines.
        lines: Vec<ArtifactName>,
    },
    /// An artifact of other digests than asked for.
    #[error(
        "the registry's answer for {reference} is the artifact blake3:{found}, which is not what was asked for"
    )]
    OtherArtifact {
        /// What was asked for.
        reference: String,
        /// The digest of what came.
        found: Blake3Digest,
    },
    /// Nothing in the log fits.
    #[error("{0} is not in the log of this channel, or not yours to read")]
    NotLogged(String),
    /// A prepared statement of another log.
    #[error("the prepared statement is for the log {found}, not for {wanted}")]
    PreparedForOtherLog {
        /// This log.
        wanted: Origin,
        /// The statement's log.
        found: Origin,
    },
    /// Two prepared statements that say different things.
    #[error(
        "the files hold different statements, or the same one prepared twice; only copies of one file can be merged"
    )]
    OtherStatement,
    /// A policy that cannot be changed as it was asked for.
    #[error("the policy cannot be changed like that: {0}")]
    PolicyChange(String),
    /// A prepared statement without signature.
    #[error("the prepared statement has no signature yet; sign it first with `holdfast sign`")]
    Unsigned,
    /// The statement's life is over or too long.
    #[error("a statement is valid for 1 second to 7 days")]
    ValidFor,
    /// The key is signed already.
    #[error("the key {0} has signed this already")]
    SignedAlready(KeyId),
    /// A stream that became no snapshot.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A bundle that is not used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A tree that is not read, or not written.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A tree that no snapshot is made of.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Another monitor has the place.
    #[error("another `holdfast monitor` follows this log from here; end it, or use another --home")]
    MonitorRuns,
    /// An evidence pack that is not made, or not believed.
    #[error(transparent)]
    Pack(#[from] PackError),
}
