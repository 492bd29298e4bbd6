//! Manifests: the JSON document that lists an artifact's files, labels and links, with a body typed by kind.

mod bodies;
mod release;

pub use bodies::{
    Consistency, DataAsOf, FlagsBody, Migration, MigrationChecksum, NoBody, Position, SchemaBody,
    SnapshotBody, SnapshotCatalog, SnapshotOrigin, SnapshotSource,
};
pub use release::{
    Component, ComponentRole, Custody, Irreversible, Objectives, ReleaseBody, Scope, Undo, UndoAction,
    UndoActionKind, UndoMode,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::digest::{Blake3Digest, Digests, NamedDigest};
use crate::key::KeyId;
use crate::limits::{ATTACHMENT_BYTES_MAX, COMPONENTS_MAX, MANIFEST_FILES_MAX};
use crate::number::ByteSize;
use crate::path::FilePath;
use crate::strict::{JsonError, StrictMap, from_json, record, word};
use crate::text::{Label, TextError};

/// The media type of every manifest that is not an OCI manifest.
pub const MANIFEST_MEDIA_TYPE: &str = "application/vnd.holdfast.manifest.v1+json";

word! {
    /// What an artifact is.
    pub enum Kind {
        /// What a build made.
        Build = "build",
        /// Artifacts deployed together, with order and undo.
        Release = "release",
        /// Data at a point in time.
        Snapshot = "snapshot",
        /// Configuration.
        Config = "config",
        /// Feature flags.
        Flags = "flags",
        /// A database schema and its migrations.
        Schema = "schema",
        /// Instructions for people.
        Runbook = "runbook",
        /// An OCI image.
        Image = "image",
    }
}

impl Kind {
    /// The `schema` field of a manifest of this kind.
    pub fn manifest_schema(self) -> String {
        format!("urn:holdfast:manifest:{self}:v1")
    }

    fn from_manifest_schema(schema: &str) -> Option<Self> {
        schema.strip_prefix("urn:holdfast:manifest:")?.strip_suffix(":v1")?.parse().ok()
    }
}

record! {
    /// One file of an artifact.
    pub struct File {
        /// Where it stands inside the artifact.
        req path: FilePath,
        /// Its size.
        req size: ByteSize,
        /// Its digests; the BLAKE3 one is the address of its blob.
        req digests: Digests,
        /// Unix permission bits, decimal; 420 (0644) when left out.
        opt mode: u16,
        /// Its media type.
        opt media_type: Label,
        /// How it is stored when it is encrypted by the client.
        opt stored: Stored,
    }
}

record! {
    /// Stored bytes that are ciphertext.
    pub struct Stored {
        /// The blob of the ciphertext.
        req blob: Blake3Digest,
        /// The encryption scheme.
        req scheme: Label,
        /// Which key.
        req key_id: KeyId,
    }
}

record! {
    /// A link to something related.
    pub struct Link {
        /// The relation.
        req rel: Label,
        /// To what.
        req r#ref: Label,
        /// Its digest.
        req digest: NamedDigest,
    }
}

record! {
    /// Something that must be there in a certain range of versions.
    pub struct Need {
        /// The artifact name or component name.
        req name: Label,
        /// A semver requirement; a version that is no semver matches only exactly.
        req range: Label,
    }
}

impl Need {
    /// Whether a version satisfies the range.
    pub fn is_met_by(&self, version: &crate::version::Version) -> bool {
        match (semver::VersionReq::parse(self.range.as_str()), version.semver()) {
            (Ok(range), Some(version)) => range.matches(&version),
            _ => self.range.as_str() == version.as_str(),
        }
    }
}

/// The part of a manifest that depends on the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Components, order, boundaries, undo.
    Release(Box<ReleaseBody>),
    /// Migrations.
    Schema(Box<SchemaBody>),
    /// Where flags came from.
    Flags(Box<FlagsBody>),
    /// Where data came from.
    Snapshot(Box<SnapshotBody>),
    /// Nothing of its own: build, config, runbook, image.
    None(Kind),
}

impl Body {
    /// The kind that this body belongs to.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Release(_) => Kind::Release,
            Self::Schema(_) => Kind::Schema,
            Self::Flags(_) => Kind::Flags,
            Self::Snapshot(_) => Kind::Snapshot,
            Self::None(kind) => *kind,
        }
    }
}

/// The file of a manifest that is the catalog of its snapshot.
pub const CATALOG_FILE: &str = "catalog";

/// A well-formed manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The files, sorted by path, no path twice.
    pub files: Vec<File>,
    /// Free labels.
    pub labels: StrictMap<Label, Label>,
    /// Related things.
    pub links: Vec<Link>,
    /// What must be there for this to work.
    pub needs: Option<Vec<Need>>,
    /// How sensitive the data is.
    pub data_class: Option<Label>,
    /// What the kind adds.
    pub body: Body,
}

/// Why a document is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the strict JSON wanted.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A schema this version does not know.
    #[error("manifest schema {0:?} is unknown to this version; a newer version of Holdfast may know it")]
    UnknownSchema(String),
    /// Files out of order or twice.
    #[error("the manifest's files must be sorted by path without duplicates; {0:?} is out of place")]
    FileOrder(String),
    /// Too many files or components.
    #[error("the manifest lists {given} {what}; at most {max} are accepted")]
    TooMany {
        /// Files or components.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many may be.
        max: usize,
    },
    /// A component named twice, or one that needs another that is not there.
    #[error("component {name:?}: {rule}")]
    Component {
        /// The component's name.
        name: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The catalog of a snapshot is not its one file.
    #[error("a snapshot with a catalog has one file, `catalog`, with the digests that the body names")]
    Catalog,
    /// A reference inside is malformed.
    #[error(transparent)]
    Text(#[from] TextError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    schema: std::borrow::Cow<'a, str>,
    files: Vec<File>,
    labels: StrictMap<Label, Label>,
    links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::strict::present")]
    needs: Option<Vec<Need>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::strict::present")]
    data_class: Option<Label>,
    #[serde(borrow)]
    body: &'a RawValue,
}

record! {
    /// The shape of a manifest, as its JSON Schema shows it.
    pub struct ManifestDocument {
        /// `urn:holdfast:manifest:<kind>:v1`
        req schema: Label,
        /// The files, sorted by path.
        req files: Vec<File>,
        /// Free labels.
        req labels: StrictMap<Label, Label>,
        /// Related things.
        req links: Vec<Link>,
        /// What must be there for this to work.
        opt needs: Vec<Need>,
        /// How sensitive the data is.
        opt data_class: Label,
        /// What the kind adds.
        req body: AnyBody,
    }
}

/// Any of the bodies, for the JSON Schema only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AnyBody {
    /// kind `release`
    Release(Box<ReleaseBody>),
    /// kind `schema`
    Schema(Box<SchemaBody>),
    /// kind `flags`
    Flags(Box<FlagsBody>),
    /// kind `snapshot`
    Snapshot(Box<SnapshotBody>),
    /// every other kind
    None(NoBody),
}

impl Manifest {
    /// A manifest of some files, without labels or links.
    pub fn of_files(files: Vec<File>, body: Body) -> Self {
        Self { files, labels: StrictMap::empty(), links: Vec::new(), needs: None, data_class: None, body }
    }

    /// Reads and checks the bytes of a manifest.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let document: Document<'_> = from_json(bytes, ATTACHMENT_BYTES_MAX)?;
        let kind = Kind::from_manifest_schema(&document.schema)
            .ok_or_else(|| ManifestError::UnknownSchema(document.schema.chars().take(80).collect()))?;
        let manifest = Self {
            files: document.files,
            labels: document.labels,
            links: document.links,
            needs: document.needs,
            data_class: document.data_class,
            body: parse_body(kind, document.body.get().as_bytes())?,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Writes the manifest's one JSON form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let body = match &self.body {
            Body::Release(body) => serde_json::value::to_raw_value(body)?,
            Body::Schema(body) => serde_json::value::to_raw_value(body)?,
            Body::Flags(body) => serde_json::value::to_raw_value(body)?,
            Body::Snapshot(body) => serde_json::value::to_raw_value(body)?,
            Body::None(_) => serde_json::value::to_raw_value(&NoBody {})?,
        };
        serde_json::to_vec(&Document {
            schema: self.kind().manifest_schema().into(),
            files: self.files.clone(),
            labels: self.labels.clone(),
            links: self.links.clone(),
            needs: self.needs.clone(),
            data_class: self.data_class.clone(),
            body: &body,
        })
    }

    /// Which kind of artifact this is a manifest of.
    pub const fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The bytes of all files together, those of a catalog's tree included.
    pub fn size_bytes(&self) -> u64 {
        let tree = self.catalog().map_or(0, |catalog| catalog.size_bytes.get());
        self.files.iter().fold(tree, |sum, file| sum.saturating_add(file.size.get()))
    }

    /// The catalog, when this is the snapshot of a tree.
    pub fn catalog(&self) -> Option<&SnapshotCatalog> {
        match &self.body {
            Body::Snapshot(body) => body.catalog.as_ref(),
            _ => None,
        }
    }

    /// The release's body, when this is a release.
    pub fn release(&self) -> Option<&ReleaseBody> {
        match &self.body {
            Body::Release(body) => Some(body),
            _ => None,
        }
    }

    /// Checks what single fields cannot: order, duplicates, counts, and that components fit together.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.files.len() > MANIFEST_FILES_MAX {
            return Err(ManifestError::TooMany {
                what: "files",
                given: self.files.len(),
                max: MANIFEST_FILES_MAX,
            });
        }
        for pair in self.files.windows(2) {
            if let [a, b] = pair
                && a.path >= b.path
            {
                return Err(ManifestError::FileOrder(b.path.to_string()));
            }
        }
        if let Some(catalog) = self.catalog() {
            let [file] = self.files.as_slice() else { return Err(ManifestError::Catalog) };
            if file.path.as_str() != CATALOG_FILE || file.digests != catalog.digest {
                return Err(ManifestError::Catalog);
            }
        }
        let Body::Release(release) = &self.body else { return Ok(()) };
        if release.components.len() > COMPONENTS_MAX {
            return Err(ManifestError::TooMany {
                what: "components",
                given: release.components.len(),
                max: COMPONENTS_MAX,
            });
        }
        release.check()
    }
}

fn parse_body(kind: Kind, json: &[u8]) -> Result<Body, JsonError> {
    let max = ATTACHMENT_BYTES_MAX;
    Ok(match kind {
        Kind::Release => Body::Release(Box::new(from_json(json, max)?)),
        Kind::Schema => Body::Schema(Box::new(from_json(json, max)?)),
        Kind::Flags => Body::Flags(Box::new(from_json(json, max)?)),
        Kind::Snapshot => Body::Snapshot(Box::new(from_json(json, max)?)),
        Kind::Build | Kind::Config | Kind::Runbook | Kind::Image => {
            let NoBody {} = from_json(json, max)?;
            Body::None(kind)
        }
    })
}
