//! Pushing: files go up first, then the statement that makes them an artifact. Nothing half-pushed is visible.

use std::path::PathBuf;

use holdfast_formats::StrictMap;
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Body, Link, MANIFEST_MEDIA_TYPE, Manifest, Need};
use holdfast_formats::number::ByteSize;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{
    Artifact, Build, ComponentRef, Context, Keep, ManifestDescriptor, Predicate, Publish,
};
use holdfast_formats::text::Label;
use holdfast_formats::version::Version;
use holdfast_formats::wire::v1::ProblemCode;

use crate::blocking;
use crate::error::ClientError;
use crate::session::{Registry, Submitted};
use crate::source;
use crate::statement::Draft;
use crate::upload::{Content, upload};

/// What is to be pushed, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// Its name and version.
    pub artifact: ArtifactRef,
    /// One file, or a folder.
    pub source: PathBuf,
    /// Its kind, and what the kind adds.
    pub body: Body,
    /// Everything else.
    pub about: About,
}

/// What any artifact may say of itself besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Free labels.
    pub labels: Vec<(Label, Label)>,
    /// Related things.
    pub links: Vec<Link>,
    /// What must be there for it to work.
    pub needs: Vec<Need>,
    /// How sensitive its data is.
    pub data_class: Option<Label>,
    /// How long it must be kept.
    pub keep: Option<Keep>,
    /// How it was built.
    pub build: Option<Build>,
    /// The version that it takes the place of.
    pub supersedes: Option<Version>,
    /// Where it came from.
    pub context: Option<Context>,
}

impl About {
    /// Nothing said.
    pub const fn nothing() -> Self {
        Self {
            labels: Vec::new(),
            links: Vec::new(),
            needs: Vec::new(),
            data_class: None,
            keep: None,
            build: None,
            supersedes: None,
            context: None,
        }
    }

    /// The manifest that says this of some files.
    pub(crate) fn manifest(&self, files: Vec<holdfast_formats::manifest::File>, body: Body) -> Manifest {
        Manifest {
            labels: self.labels.iter().cloned().collect::<StrictMap<_, _>>(),
            links: self.links.clone(),
            needs: (!self.needs.is_empty()).then(|| self.needs.clone()),
            data_class: self.data_class.clone(),
            ..Manifest::of_files(files, body)
        }
    }
}

/// Content that is stored, and the statement that will make it an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The statement.
    pub draft: Draft,
    /// What it will be.
    pub artifact: Artifact,
    /// What was uploaded.
    pub content: Content,
}

impl Staged {
    /// The same content under another name and version.
    #[must_use]
    pub fn named(mut self, artifact: &ArtifactRef) -> Self {
        if let Predicate::Publish(publish) = &mut self.draft.predicate {
            publish.name = artifact.name().clone();
            publish.version = artifact.version().clone();
            self.artifact.r#ref = artifact.clone();
        }
        self
    }
}

/// A published artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Name, version and digests.
    pub artifact: Artifact,
    /// What was uploaded.
    pub content: Content,
    /// The proof of its publication.
    pub submitted: Submitted,
}

impl Registry {
    /// Uploads and publishes.
    pub async fn push(&self, request: &PushRequest) -> Result<Pushed, ClientError> {
        let staged = self.stage(request).await?;
        match self.publish(staged).await {
            // What was there when it was asked for has ended since: the upload asks again and sends what is missing.
            Err(error) if error.code() == Some(ProblemCode::ContentMissing) => {
                let staged = self.stage(request).await?;
                self.publish(staged).await
            }
            outcome => outcome,
        }
    }

    /// Uploads only, and says what to sign.
    pub async fn stage(&self, request: &PushRequest) -> Result<Staged, ClientError> {
        let root = request.source.clone();
        let files = blocking::run(move || source::list(&root)).await?;
        let namespace = request.artifact.name().namespace();
        let (files, content) = upload(self.transport(), &namespace, files, self.progress()).await?;
        stage_manifest(
            &request.artifact,
            &request.about.manifest(files, request.body.clone()),
            &request.about,
            None,
            content,
        )
    }

    pub(crate) async fn publish(&self, staged: Staged) -> Result<Pushed, ClientError> {
        let Staged { draft, artifact, content } = staged;
        let submitted = self.submit(draft).await?;
        Ok(Pushed { artifact, content, submitted })
    }
}

/// The statement that publishes a manifest.
pub(crate) fn stage_manifest(
    artifact: &ArtifactRef,
    manifest: &Manifest,
    about: &About,
    components: Option<Vec<ComponentRef>>,
    content: Content,
) -> Result<Staged, ClientError> {
    manifest.check()?;
    let bytes = manifest.to_bytes().map_err(|source| ClientError::Encode { what: "manifest", source })?;
    let digests = Digests::of(&bytes);
    let publish = Publish {
        name: artifact.name().clone(),
        version: artifact.version().clone(),
        kind: manifest.kind(),
        manifest: ManifestDescriptor {
            media_type: MANIFEST_MEDIA_TYPE.parse().expect("the media type is a label"),
            size: ByteSize::of(&bytes),
            digests,
            oci: None,
        },
        components,
        size_bytes: ByteSize::new(manifest.size_bytes())
            .map_err(|e| ClientError::malformed("manifest", e))?,
        keep: about.keep.clone(),
        build: about.build.clone(),
        supersedes: about.supersedes.clone(),
        via_grant: None,
    };
    let draft = Draft { context: about.context.clone(), ..Draft::new(publish).attach(bytes) };
    Ok(Staged { draft, artifact: Artifact { r#ref: artifact.clone(), digests }, content })
}
