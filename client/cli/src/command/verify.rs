//! `verify`: an artifact in the registry, a local copy of one, a bundle, or evidence of a fork.

use std::path::{Path, PathBuf};

use holdfast_client::{VerifiedBundle, VerifiedFork, bundle, fork};
use holdfast_formats::key::PublicKey;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::ExitCode;
use holdfast_verify::fork::ForkVerdict;
use indicatif::HumanBytes;
use serde_json::json;

use super::known_good_view::KnownGoodView;
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
REF reads every byte of the artifact from the registry and checks it; nothing is written.

DIR or FILE with --ref checks a local copy against the artifact's signed manifest.

A bundle needs no network: answer, signatures, proofs and bytes are all in the file. Whether its pins have expired is judged \
now.

Evidence of a fork (fork-….json, which a client keeps that met two signed states of one log) needs nothing but the log's \
public keys: --log-key, else trust.json. Ends with 0 when it proves that the log lies, with 11 when it only shows two states \
that the log would have to connect, with 4 when it is no evidence.

Examples:
  holdfast verify shop/web@1.4.2
  holdfast verify dist/ --ref shop/web@1.4.2
  holdfast verify shop-prod.bundle
  holdfast verify fork-0123456789abcdef.json --log-key ed25519:…";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// An artifact, a folder, a file, a bundle or evidence of a fork
    #[arg(value_name = "REF|DIR|FILE")]
    what: String,
    /// The artifact that the folder or file should be
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<Reference>,
    /// Unpack a bundle here once it is verified
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// A public key of the log, for evidence of a fork; may be given several times
    #[arg(long = "log-key", value_name = "KEY")]
    log_keys: Vec<PublicKey>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let path = Path::new(&self.what);
        match (&self.reference, self.what.parse::<Reference>()) {
            (Some(reference), _) => local(reference, path, session).await,
            (None, Ok(reference)) => remote(&reference, session).await,
            (None, Err(_)) if path.is_file() && bundle::is_bundle(path) => self.offline(path, session),
            (None, Err(_)) if path.is_file() && fork::is_fork_evidence(path) => self.fork(path, session),
            (None, Err(_)) if path.exists() => {
                let message = format!("{} is neither a bundle nor evidence of a fork", path.display());
                Err(Failure::usage(message).with_hint("say with --ref which artifact it should be").into())
            }
            (None, Err(wrong)) => {
                let hint = "name an artifact, or a file or folder that exists";
                Err(Failure::usage(wrong.to_string()).with_hint(hint).into())
            }
        }
    }

    fn offline(&self, file: &Path, session: &Session) -> anyhow::Result<()> {
        let trust = session.places()?.trust().ok();
        let now = Session::now();
        let verified = match &self.to {
            Some(target) => bundle::extract(file, trust.as_ref(), now, target)?,
            None => bundle::verify(file, trust.as_ref(), now)?,
        };
        if verified.trusted_by_itself {
            session.output().warning(
                "there is no trust.json here, so the bundle was checked against the keys that it brings itself: \
                 compare them with somebody else's before you rely on it",
            );
        }
        let view = KnownGoodView::of(verified.answer.get(), None);
        view.cautions().into_iter().for_each(|caution| session.output().warning(caution));
        session.output().answer(&bundle_answer(file, &verified, &view)?)
    }

    fn fork(&self, file: &Path, session: &Session) -> anyhow::Result<()> {
        let trust = session.places()?.trust().ok();
        let verified = fork::verify(file, &self.log_keys, trust.as_ref())?;
        if verified.trusted_by_itself {
            session.output().warning(
                "nobody said what the log's keys are, so the evidence was checked against those that it brings itself: \
                 compare them with what the log's operator publishes, or give them with --log-key",
            );
        }
        session.output().answer(&fork_answer(&verified)?)?;
        if verified.verdict.is_proof() {
            return Ok(());
        }
        let message = "this is no proof yet: ask the log for a consistency proof between the two; an honest log has one";
        Err(Failure::new(ExitCode::Incomplete, message).into())
    }
}

fn fork_answer(verified: &VerifiedFork) -> anyhow::Result<Answer> {
    let VerifiedFork { evidence, verdict, trusted_by_itself } = verified;
    let (kind, sentence) = match verdict {
        ForkVerdict::TwoRoots { size } => (
            "two_roots",
            format!(
                "it signed two roots for the same {size} entries: these two signed checkpoints cannot both be true"
            ),
        ),
        ForkVerdict::Rewritten { old, new } => (
            "rewritten",
            format!(
                "it signed {old} entries, and {new} entries that begin otherwise, as its own proof shows: these two signed \
                 checkpoints cannot both be true"
            ),
        ),
        ForkVerdict::Unexplained { old, new } => (
            "unexplained",
            format!(
                "it signed both {old} and {new} entries, and gave no proof that the ones begin the others"
            ),
        ),
    };
    let json = json!({
        "origin": evidence.origin, "verdict": kind, "proven": verdict.is_proof(), "found_at": evidence.found_at,
        "trusted_by_itself": trusted_by_itself, "first": evidence.first, "second": evidence.second,
    });
    let notes = [("first", &evidence.first), ("second", &evidence.second)];
    let lines = notes.into_iter().flat_map(|(which, note)| {
        let text = note.lines().map(|line| Line::plain(format!("    {line}")));
        std::iter::once(Line::plain(format!("  {which}:"))).chain(text).collect::<Vec<_>>()
    });
    Ok(Answer::new(&json)?
        .line(Line::alarm(format!("the log {}: {sentence}", evidence.origin)))
        .text(format!("  found at {}", evidence.found_at))
        .with_lines(lines))
}

fn bundle_answer(file: &Path, verified: &VerifiedBundle, view: &KnownGoodView) -> anyhow::Result<Answer> {
    let size = HumanBytes(verified.bytes);
    let sentence = format!("{} holds: answer, proofs and {} file(s), {size}", file.display(), verified.files);
    let json = json!({
        "bundle": file.display().to_string(), "files": verified.files, "bytes": verified.bytes,
        "trusted_by_itself": verified.trusted_by_itself, "answer": view,
    });
    Ok(Answer::new(&json)?.line(Line::heading(sentence)).with_lines(view.lines()))
}

async fn remote(reference: &Reference, session: &Session) -> anyhow::Result<()> {
    let registry = session.registry()?;
    let record = registry.artifact(reference).await?;
    let checked = registry.verify_artifact(&record).await?;
    let artifact = record.artifact();
    let size = HumanBytes(checked.bytes);
    let sentence = format!(
        "{} holds: signature, entry {}, manifest and {} file(s), {size}",
        artifact.r#ref,
        record.receipt().index,
        checked.files
    );
    let json = json!({ "ref": artifact.r#ref, "digests": artifact.digests, "files": checked.files, "bytes": checked.bytes });
    session.output().answer(&Answer::new(&json)?.text(sentence))
}

async fn local(reference: &Reference, path: &Path, session: &Session) -> anyhow::Result<()> {
    let registry = session.registry()?;
    let record = registry.artifact(reference).await?;
    let checked = registry.verify_local(&record, path).await?;
    let artifact = record.artifact();
    let sentence = format!(
        "{} is {}: {} file(s), {}",
        path.display(),
        artifact.r#ref,
        checked.files,
        HumanBytes(checked.bytes)
    );
    let json = json!({
        "ref": artifact.r#ref, "digests": artifact.digests, "files": checked.files, "bytes": checked.bytes, "extra": checked.extra,
    });
    let extra = checked.extra.iter().map(|name| Line::caution(format!("  not part of it: {name}")));
    session.output().answer(&Answer::new(&json)?.text(sentence).with_lines(extra))
}
