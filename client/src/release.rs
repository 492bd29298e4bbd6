//! Releases: a draft names components by version, the published release names them by digest.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::manifest::{
    Body, Component, ComponentRole, Custody, Irreversible, Need, Objectives, ReleaseBody, Scope, Undo,
};
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::statement::ComponentRef;
use holdfast_formats::text::{Label, Reason, Uri};

use crate::error::ClientError;
use crate::push::{About, Pushed, Staged, stage_manifest};
use crate::session::Registry;
use crate::upload::Content;

/// A release to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// Its name and version.
    pub artifact: ArtifactRef,
    /// What it consists of.
    pub body: ReleaseDraft,
    /// Everything else.
    pub about: About,
}

/// What a release consists of, before digests are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseDraft {
    /// The release that it was made from.
    pub base: Option<ArtifactRef>,
    /// The components.
    pub components: Vec<ComponentDraft>,
    /// What a rollback of it should reach.
    pub objectives: Option<Objectives>,
    /// The runbook for its rollback.
    pub runbook: Option<ArtifactRef>,
    /// How to see that it works.
    pub acceptance: Vec<Reason>,
}

/// One component of a draft; the fields are those of [`Component`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentDraft {
    /// Its name inside the release.
    pub name: Label,
    /// What it is for.
    pub role: ComponentRole,
    /// `namespace/name@version` when held; the outside reference when referenced.
    pub r#ref: Label,
    /// Left out for a held component: taken from the registry's proof. When given, it must be the proven one.
    pub digest: Option<NamedDigest>,
    /// Whether its bytes are here.
    pub custody: Custody,
    /// Where else its bytes are.
    pub locations: Option<Vec<Uri>>,
    /// Its stage.
    pub stage: u32,
    /// Components that go before it.
    pub after: Vec<Label>,
    /// What must be there for it to work.
    pub needs: Vec<Need>,
    /// Whether a rollback takes it back.
    pub scope: Scope,
    /// What a rollback must not touch.
    pub preserve: Option<Vec<Label>>,
    /// How it is undone.
    pub undo: Undo,
    /// Set when going back over it loses something for good.
    pub irreversible: Option<Irreversible>,
}

impl Registry {
    /// Publishes a release.
    pub async fn release(&self, request: &ReleaseRequest) -> Result<Pushed, ClientError> {
        let staged = self.draft_release(request).await?;
        self.publish(staged).await
    }

    /// Completes a release draft with proven digests, and says what to sign.
    pub async fn draft_release(&self, request: &ReleaseRequest) -> Result<Staged, ClientError> {
        let ReleaseDraft { base, components, objectives, runbook, acceptance } = request.body.clone();
        let (mut complete, mut held) = (Vec::with_capacity(components.len()), Vec::new());
        for draft in components {
            let digest = match draft.custody {
                Custody::Held => {
                    let component = self.prove_component(&draft).await?;
                    let digest = NamedDigest::Blake3(component.digests.blake3);
                    held.push(component);
                    digest
                }
                Custody::Referenced => {
                    draft.digest.ok_or_else(|| wrong(&draft, "a referenced component needs its digest"))?
                }
            };
            complete.push(draft.complete(digest));
        }
        let body = ReleaseBody { base, components: complete, objectives, runbook, acceptance };
        let manifest = request.about.manifest(Vec::new(), Body::Release(Box::new(body)));
        let content = Content { files: 0, bytes: 0, new_bytes: 0 };
        stage_manifest(
            &request.artifact,
            &manifest,
            &request.about,
            (!held.is_empty()).then_some(held),
            content,
        )
    }

    async fn prove_component(&self, draft: &ComponentDraft) -> Result<ComponentRef, ClientError> {
        let artifact: ArtifactRef = draft
            .r#ref
            .as_str()
            .parse()
            .map_err(|e| wrong(draft, &format!("a held component is namespace/name@version ({e})")))?;
        let record = self.artifact(&Reference::Version(artifact)).await?;
        let found = record.artifact();
        if draft.digest.is_some_and(|digest| !digest.is_one_of(&found.digests)) {
            return Err(wrong(
                draft,
                &format!("its digest is blake3:{}, not the one given", found.digests.blake3),
            ));
        }
        Ok(ComponentRef { r#ref: found.r#ref.clone(), digests: found.digests })
    }
}

impl ComponentDraft {
    fn complete(self, digest: NamedDigest) -> Component {
        Component {
            name: self.name,
            role: self.role,
            r#ref: self.r#ref,
            digest,
            custody: self.custody,
            locations: self.locations,
            stage: self.stage,
            after: self.after,
            needs: self.needs,
            scope: self.scope,
            preserve: self.preserve,
            undo: self.undo,
            irreversible: self.irreversible,
        }
    }
}

fn wrong(draft: &ComponentDraft, rule: &str) -> ClientError {
    ClientError::Component { name: draft.name.to_string(), rule: rule.to_owned() }
}
