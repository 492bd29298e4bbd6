//! What `push` and `snapshot` have in common: staged content is signed and logged, under a free name of the clock where
//! that was left to it.

use holdfast_client::{ClientError, Content, PushRequest, Registry, Staged, Submitted};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::wire::v1::ProblemCode;
use indicatif::HumanBytes;

use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

/// What was staged, and its receipt; none where it was only prepared for others to sign.
pub(super) type Published = (Staged, Option<Submitted>);

/// Uploads files, then signs and logs.
pub(super) async fn push(
    request: &PushRequest,
    versions: &[ArtifactRef],
    signing: &Signing,
    registry: &Registry,
    session: &Session,
) -> anyhow::Result<Published> {
    let staged = registry.stage(request).await?;
    match publish(staged, versions, signing, registry, session).await {
        // What was there when it was asked for has ended since: the upload asks again and sends what is missing.
        Err(error) if is(&error, ProblemCode::ContentMissing) => {
            let staged = registry.stage(request).await?;
            publish(staged, versions, signing, registry, session).await
        }
        outcome => outcome,
    }
}

/// Signs and logs what is staged, under the first of some versions that is free.
pub(super) async fn publish(
    staged: Staged,
    versions: &[ArtifactRef],
    signing: &Signing,
    registry: &Registry,
    session: &Session,
) -> anyhow::Result<Published> {
    let mut versions = versions.iter().peekable();
    while let Some(version) = versions.next() {
        let staged = staged.clone().named(version);
        match signing.log(staged.draft.clone(), registry, session).await {
            Err(error) if versions.peek().is_some() && is(&error, ProblemCode::NameTaken) => {}
            outcome => return Ok((staged, outcome?)),
        }
    }
    Err(Failure::usage("there is no version to publish under").into())
}

/// What was done, for a person.
pub(super) fn sentence(verb: &str, artifact: &Artifact, content: &Content) -> String {
    format!(
        "{verb} {}  blake3:{}  {} file(s), {}, {} new",
        artifact.r#ref,
        artifact.digests.blake3,
        content.files,
        HumanBytes(content.bytes),
        HumanBytes(content.new_bytes)
    )
}

/// Whether the registry refused for this reason.
pub(super) fn is(error: &anyhow::Error, code: ProblemCode) -> bool {
    let problem = error.downcast_ref::<ClientError>().and_then(ClientError::problem);
    problem.is_some_and(|problem| problem.code == code)
}
