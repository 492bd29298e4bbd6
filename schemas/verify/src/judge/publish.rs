//! `publish`: a name@version gets its one meaning.

use holdfast_formats::digest::Digests;
use holdfast_formats::key::KeyId;
use holdfast_formats::manifest::{Kind, MANIFEST_MEDIA_TYPE, Manifest};
use holdfast_formats::number::ByteSize;
use holdfast_formats::policy::{NamespaceRule, Role};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{
    Action, Artifact, AttachmentRef, ComponentRef, Publish, StatementType, WindowMode,
};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use super::common::check_alive;
use super::{Case, Ruling};
use crate::facts::{ArtifactFact, Effect, Recovery, WindowFact};
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

/// What is said of a component that is not there, and by the registry of one that the sender may not read.
pub const COMPONENT_ABSENT: &str = "is not published, or your token may not read it; push it before the release, or send a token that reads it";

pub(super) fn judge(case: &Case<'_>, publish: &Publish) -> Result<Ruling, JudgeError> {
    let namespace = publish.name.namespace();
    let rule = case.policy.namespace(&namespace).ok_or(Refusal::NamespaceUnknown { namespace })?;
    let counted = match publish.via_grant {
        Some(grant) => registry_for_grant(case, publish, rule, grant)?,
        None => case.entitled(Ask::publishers(&publish.name))?,
    };
    let artifact = ArtifactRef::new(publish.name.clone(), publish.version.clone());
    check_name(case, publish, rule, &artifact)?;
    let window = window(publish, rule, case.candidate.time)?;
    let recovery = Recovery::of(check_manifest(case, publish)?, case.candidate.time);
    let fact = ArtifactFact {
        artifact: Artifact { r#ref: artifact, digests: publish.manifest.digests },
        index: case.candidate.index,
        time: case.candidate.time,
        kind: publish.kind,
        manifest: publish.manifest.clone(),
        components: publish.components.clone().unwrap_or_default(),
        size_bytes: publish.size_bytes,
        recovery,
        signers: counted.clone(),
        window,
        extended: None,
        scrub: None,
        recovered: None,
        ended: None,
    };
    Ok(Ruling::ready(counted, Effect::Artifact(Box::new(fact))))
}

/// The registry signs for a plain OCI client when the namespace allows it and the client's grant does.
fn registry_for_grant(
    case: &Case<'_>,
    publish: &Publish,
    rule: &NamespaceRule,
    grant: LeafIndex,
) -> Result<Vec<KeyId>, JudgeError> {
    let keys = case.registry()?;
    let missing = Refusal::RoleMissing { role: Role::Publisher, about: publish.name.to_string() };
    if !rule.registry_publishes {
        return Err(missing.into());
    }
    let fact = case.facts.grant(grant)?.ok_or(Refusal::EntryNotFound { what: "grant", index: grant })?;
    let allows = fact.is_valid_at(case.candidate.time)
        && fact.grant.actions.contains(&Action::Publish)
        && fact.grant.names.iter().any(|pattern| pattern.covers(publish.name.as_str()));
    if allows { Ok(keys) } else { Err(missing.into()) }
}

fn check_name(
    case: &Case<'_>,
    publish: &Publish,
    rule: &NamespaceRule,
    artifact: &ArtifactRef,
) -> Result<(), JudgeError> {
    if rule.moving_tags.contains(&publish.version) {
        let rule = "is a moving tag of the namespace and never a version; choose another version";
        return Err(Refusal::MovingTag { version: publish.version.clone(), rule }.into());
    }
    let Some(taken) = case.facts.artifact(artifact)? else { return Ok(()) };
    check_alive(&taken)?;
    let (artifact, index) = (artifact.clone(), taken.index);
    if taken.artifact.digests == publish.manifest.digests {
        return Err(Refusal::AlreadyPublished { artifact, index }.into());
    }
    Err(Refusal::NameTaken { artifact, index }.into())
}

/// Until when the artifact must be kept: its class's window, or what the writer asks for when that is later.
fn window(publish: &Publish, rule: &NamespaceRule, now: Timestamp) -> Result<WindowFact, Refusal> {
    let keep = publish.keep.as_ref();
    let class = match keep.and_then(|keep| keep.class.clone()) {
        Some(class) => class,
        None => kind_class(publish.kind),
    };
    let window = rule.windows.get(&class);
    let asked_mode = keep.and_then(|keep| keep.mode);
    if asked_mode == Some(WindowMode::Governance) && window.is_some_and(|w| w.mode == WindowMode::Compliance)
    {
        return Err(Refusal::KeepWeaker { class });
    }
    let by_class = window.map(|window| now.plus_ms(window.keep_s.as_ms()));
    let max = now.plus_ms(rule.keep_max_s.as_ms());
    let asked = keep.and_then(|keep| keep.until);
    if let Some(until) = asked.filter(|until| *until > max) {
        return Err(Refusal::KeepTooLong { until, max });
    }
    let mode = asked_mode.or_else(|| window.map(|window| window.mode)).unwrap_or(WindowMode::Governance);
    Ok(WindowFact { class, until: by_class.max(asked), mode })
}

fn kind_class(kind: Kind) -> Label {
    kind.as_str().parse().expect("the name of a kind is a short word, so it is a label")
}

fn check_manifest<'a>(case: &Case<'a>, publish: &Publish) -> Result<&'a Manifest, JudgeError> {
    let said = &publish.manifest;
    if said.media_type.as_str() != MANIFEST_MEDIA_TYPE || said.oci.is_some() {
        return Err(Refusal::Unsupported { kind: StatementType::Publish }.into());
    }
    let Some((bytes, manifest)) = case.candidate.manifest else {
        let attachment = AttachmentRef { sha256: said.digests.sha256, size: said.size };
        return Err(Refusal::AttachmentMissing { attachment }.into());
    };
    check_same(bytes, said.size, &said.digests)?;
    let mismatch = |what| Err(Refusal::AttachmentMismatch { what }.into());
    if manifest.kind() != publish.kind {
        return mismatch("the manifest is of another kind");
    }
    if manifest.size_bytes() != publish.size_bytes.get() {
        return mismatch("size_bytes is not the sum of the manifest's files");
    }
    check_components(case, manifest, publish.components.as_deref().unwrap_or_default())?;
    Ok(manifest)
}

/// Whether an attachment's bytes have the size and both digests that a statement says.
pub(super) fn check_same(bytes: &[u8], size: ByteSize, digests: &Digests) -> Result<(), Refusal> {
    if ByteSize::of(bytes) != size {
        return Err(Refusal::AttachmentMismatch { what: "it has another size" });
    }
    if Digests::of(bytes) != *digests {
        return Err(Refusal::AttachmentMismatch { what: "it has other digests" });
    }
    Ok(())
}

/// The statement repeats the manifest's held components in its order, each of them published before. Closures stay one
/// level deep: a release lists artifacts, never releases.
fn check_components(case: &Case<'_>, manifest: &Manifest, said: &[ComponentRef]) -> Result<(), JudgeError> {
    let components = manifest.release().map_or(&[][..], |body| &body.components);
    let held: Vec<_> = components.iter().filter_map(|c| c.held().map(|artifact| (c, artifact))).collect();
    let same = held.len() == said.len()
        && held.iter().zip(said).all(|((c, artifact), said)| *artifact == said.r#ref && c.is(&said.digests));
    if !same {
        return Err(Refusal::AttachmentMismatch {
            what: "its held components are others, or in another order",
        }
        .into());
    }
    for component in said {
        check_component(case, component)?;
    }
    Ok(())
}

fn check_component(case: &Case<'_>, component: &ComponentRef) -> Result<(), JudgeError> {
    let fault = match case.facts.artifact(&component.r#ref)? {
        None => COMPONENT_ABSENT,
        Some(fact) if fact.artifact.digests != component.digests => {
            "has other digests than the release says; look it up again"
        }
        Some(fact) if fact.kind == Kind::Release => "is a release; list its components instead",
        Some(fact) if fact.ended.is_some() => return Ok(check_alive(&fact)?),
        Some(_) => return Ok(()),
    };
    Err(Refusal::Component { component: component.r#ref.clone(), rule: fault }.into())
}
