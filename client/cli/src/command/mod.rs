//! The commands: one file each, which holds what it takes, what its help says, and what it does.

mod attest;
mod attested;
mod audit;
mod audit_export;
mod bundle;
mod cat;
mod completion;
mod delete;
mod deny;
mod deploy;
mod describing;
mod diff;
mod drill;
mod entry_line;
mod extend;
mod find;
mod fork_evidence;
mod freeze;
mod gate;
mod history;
mod hold;
mod import;
mod key;
mod known_good;
mod known_good_lines;
mod known_good_variables;
mod known_good_view;
mod lift;
mod list;
mod log;
mod logged;
mod login;
mod login_job;
mod ls;
mod man;
mod monitor;
mod offline;
mod overdue;
mod pin;
mod policy;
mod proof;
mod publishing;
mod pull;
mod push;
mod recent;
mod release;
mod restore;
mod retention;
mod rollback;
mod show;
mod sign;
mod snapshot;
mod status;
mod submit;
mod tag;
mod target;
mod thaw;
mod token;
mod tree_view;
mod trust;
mod unhold;
mod verify;
mod witness;

use clap::Subcommand;

use crate::session::Session;

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set up a new registry: check its keys, sign its first policy with your key, write .holdfast/trust.json
    Login(login::Args),
    /// Make a signing key, show its public half, or sign with one that lives elsewhere
    #[command(subcommand)]
    Key(key::Args),
    /// Show the rules of the registry, or change them
    #[command(subcommand)]
    Policy(policy::Args),
    /// Show what this repository trusts
    #[command(subcommand)]
    Trust(trust::Args),
    /// Demand that witnesses vouch for the log, and see how they do
    #[command(subcommand)]
    Witness(witness::Args),
    /// Give out tokens, end them, list them
    #[command(subcommand)]
    Token(token::Args),
    /// Publish a file or folder as one version of an artifact
    Push(push::Args),
    /// Store data as one version of an artifact: a folder, a file, a stream or a database
    Snapshot(snapshot::Args),
    /// Take over what another tool archived, with all metadata
    Import(import::Args),
    /// Publish a release: artifacts deployed together, with order and undo
    Release(release::Args),
    /// Record that an artifact goes, went or failed to go to a channel
    Deploy(deploy::Args),
    /// State that an artifact is known-good on a channel
    Pin(pin::Args),
    /// State that an artifact must never be answered as known-good
    Deny(deny::Args),
    /// End a deny
    Lift(lift::Args),
    /// Take no forward deploys to a channel
    Freeze(freeze::Args),
    /// End a freeze
    Thaw(thaw::Args),
    /// State that nothing may end an artifact, whatever its window says
    Hold(hold::Args),
    /// End a hold
    Unhold(unhold::Args),
    /// Keep an artifact for longer
    Extend(extend::Args),
    /// End an artifact that nothing keeps
    Delete(delete::Args),
    /// Until when an artifact stays, and why
    Retention(retention::Args),
    /// Ask whether an artifact may be deployed to a channel now
    Gate(gate::Args),
    /// Ask what to go back to, and get it with its proof
    KnownGood(known_good::Args),
    /// What happened on a channel, newest first
    History(history::Args),
    /// List artifacts
    List(list::Args),
    /// Show one artifact: its files, who signed it, what was said about it
    Show(show::Args),
    /// Download an artifact, every byte checked
    Pull(pull::Args),
    /// Bring the tree of a snapshot back into a folder, every byte checked
    Restore(restore::Args),
    /// List what is in a snapshot
    Ls(ls::Args),
    /// Write one file of a snapshot to standard output
    Cat(cat::Args),
    /// What differs between two snapshots
    Diff(diff::Args),
    /// In which snapshots of a name something is
    Find(find::Args),
    /// Check an artifact, a local copy of one, a bundle, an evidence pack, or evidence of a fork
    Verify(verify::Args),
    /// The receipt of an artifact or entry: proof that it is in the log
    Proof(proof::Args),
    /// Write a known-good answer with proofs and bytes to one file, for use without any network
    Bundle(bundle::Args),
    /// Download the whole log and judge every entry again
    Audit(audit::Args),
    /// Follow channels: alerts on what is new, on a fork and on silence
    Monitor(monitor::Args),
    /// Read the log
    #[command(subcommand)]
    Log(log::Args),
    /// Log an envelope (provenance, SBOM, test result) about an artifact
    Attest(attest::Args),
    /// Point a moving tag at an artifact
    Tag(tag::Args),
    /// Record a rollback or a drill as it happens
    #[command(subcommand)]
    Rollback(rollback::Args),
    /// Go back to what is known-good in a folder of its own, prove that it works, and log how long that took
    Drill(drill::Args),
    /// How the registry does
    Status(status::Args),
    /// Sign a statement that was written by --prepare
    Sign(sign::Args),
    /// Submit a statement that enough people have signed
    Submit(submit::Args),
    /// Write the completions of a shell
    Completion(completion::Args),
    /// Write the manual pages
    Man(man::Args),
}

impl Command {
    /// Does what was asked for.
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Login(args) => args.run(session).await,
            Self::Key(args) => args.run(session).await,
            Self::Policy(args) => args.run(session).await,
            Self::Trust(args) => args.run(session),
            Self::Witness(args) => args.run(session).await,
            Self::Token(args) => args.run(session).await,
            Self::Push(args) => args.run(session).await,
            Self::Snapshot(args) => args.run(session).await,
            Self::Import(args) => args.run(session).await,
            Self::Release(args) => args.run(session).await,
            Self::Deploy(args) => args.run(session).await,
            Self::Pin(args) => args.run(session).await,
            Self::Deny(args) => args.run(session).await,
            Self::Lift(args) => args.run(session).await,
            Self::Freeze(args) => args.run(session).await,
            Self::Thaw(args) => args.run(session).await,
            Self::Hold(args) => args.run(session).await,
            Self::Unhold(args) => args.run(session).await,
            Self::Extend(args) => args.run(session).await,
            Self::Delete(args) => args.run(session).await,
            Self::Retention(args) => args.run(session).await,
            Self::Gate(args) => args.run(session).await,
            Self::KnownGood(args) => args.run(session).await,
            Self::History(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Pull(args) => args.run(session).await,
            Self::Restore(args) => args.run(session).await,
            Self::Ls(args) => args.run(session).await,
            Self::Cat(args) => args.run(session).await,
            Self::Diff(args) => Box::pin(args.run(session)).await,
            Self::Find(args) => args.run(session).await,
            Self::Verify(args) => args.run(session).await,
            Self::Proof(args) => args.run(session).await,
            Self::Bundle(args) => args.run(session).await,
            Self::Audit(args) => args.run(session).await,
            Self::Monitor(args) => args.run(session).await,
            Self::Log(args) => args.run(session).await,
            Self::Attest(args) => args.run(session).await,
            Self::Tag(args) => args.run(session).await,
            Self::Rollback(args) => args.run(session).await,
            Self::Drill(args) => Box::pin(args.run(session)).await,
            Self::Status(args) => args.run(session).await,
            Self::Sign(args) => args.run(session).await,
            Self::Submit(args) => args.run(session).await,
            Self::Completion(args) => args.run(),
            Self::Man(args) => args.run(session),
        }
    }
}
