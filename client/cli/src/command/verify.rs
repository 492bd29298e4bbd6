//! `verify`: an artifact in the registry, a local copy of one, a bundle, an evidence pack, or evidence of a fork.

use std::path::Path;

use holdfast_client::{Bundle, ClientError, bundle, evidence, fork};
use holdfast_formats::key::PublicKey;
use holdfast_formats::reference::Reference;
use indicatif::HumanBytes;
use serde_json::json;

use super::known_good_view::{KnownGoodView, Source};
use super::offline::say_age;
use super::{audit_export, fork_evidence};
use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
REF reads every byte of the artifact from the registry and checks it; nothing is written.

DIR or FILE with --ref checks a local copy against the artifact's signed manifest.

An evidence pack (`holdfast audit export`) needs no network: every entry, proof, signature and file is checked against the \
trust.json here.

A bundle needs no network: answer, signatures, proofs and bytes are all in the file. Whether its pins have expired is judged \
now.

Evidence of a fork (fork-….json, which a client keeps that met two signed states of one log) needs nothing but the log's \
public keys: --log-key, else trust.json. Ends with 0 when it proves that the log lies, with 11 when it only shows two states \
that the log would have to connect, with 4 when it is no evidence.

Examples:
  holdfast verify shop/web@1.4.2
  holdfast verify dist/ --ref shop/web@1.4.2
  holdfast verify shop-prod.bundle
  holdfast verify evidence
  holdfast verify fork-0123456789abcdef.json --log-key ed25519:…";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// An artifact, a folder, a file, a bundle, an evidence pack or evidence of a fork
    #[arg(value_name = "REF|DIR|FILE")]
    what: String,
    /// The artifact that the folder or file should be
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<Reference>,
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
            (None, Err(_)) if path.is_file() && bundle::is_bundle(path) => offline(path, session).await,
            (None, Err(_)) if path.is_file() && fork::is_fork_evidence(path) => {
                fork_evidence::verify(path, &self.log_keys, session)
            }
            (None, Err(_)) if path.is_dir() && evidence::is_pack(path) => pack(path, session),
            (None, Err(_)) if path.exists() => {
                let message =
                    format!("{} is no bundle, no evidence pack and no evidence of a fork", path.display());
                Err(Failure::usage(message).with_hint("say with --ref which artifact it should be").into())
            }
            (None, Err(wrong)) => {
                let hint = "name an artifact, or a file or folder that exists";
                Err(Failure::usage(wrong.to_string()).with_hint(hint).into())
            }
        }
    }
}

/// There is no pack without a trust.json to hold it against: it proves nothing by itself.
fn pack(folder: &Path, session: &Session) -> anyhow::Result<()> {
    let pack = evidence::verify(folder, session.registry()?.trust())?;
    let sentence = format!("{} holds: evidence of {}", folder.display(), pack.log);
    session.output().answer(&audit_export::answer(&pack, sentence)?)
}

async fn offline(file: &Path, session: &Session) -> anyhow::Result<()> {
    let opened = match session.places()?.trust() {
        Ok(_) => session.registry()?.open_bundle(file).await?,
        Err(ClientError::NoTrust { .. }) => Bundle::open_by_itself(file, Session::now())?,
        // A trust.json that cannot be read is no reason to believe a bundle more easily.
        Err(error) => return Err(error.into()),
    };
    say_age(&opened, session);
    let view = KnownGoodView::of(opened.answer().get(), Source::Bundle(file));
    view.cautions().into_iter().for_each(|caution| session.output().warning(caution));
    session.output().answer(&bundle_answer(file, &opened, &view)?)
}

fn bundle_answer(file: &Path, bundle: &Bundle, view: &KnownGoodView) -> anyhow::Result<Answer> {
    let (files, size) = (bundle.files(), HumanBytes(bundle.bytes()));
    let sentence = format!("{} holds: answer, proofs and {files} file(s), {size}", file.display());
    let json = json!({
        "bundle": file.display().to_string(), "question": bundle.question(), "files": files, "bytes": bundle.bytes(),
        "trusted_by_itself": bundle.is_trusted_by_itself(), "answer": view,
    });
    Ok(Answer::new(&json)?
        .line(Line::heading(sentence))
        .text(format!("it answers: known-good {}", bundle.question()))
        .with_lines(view.lines()))
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
