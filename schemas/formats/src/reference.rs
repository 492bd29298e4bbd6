//! References: how a person or program says which artifact is meant.

use std::fmt;
use std::str::FromStr;

use crate::digest::NamedDigest;
use crate::name::{ArtifactName, ChannelName};
use crate::strict::text_form;
use crate::text::TextError;
use crate::version::Version;

/// Exactly one version of one artifact: `namespace/name@version`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactRef {
    name: ArtifactName,
    version: Version,
}

impl ArtifactRef {
    /// Joins a name and a version.
    pub const fn new(name: ArtifactName, version: Version) -> Self {
        Self { name, version }
    }

    /// The artifact's name.
    pub const fn name(&self) -> &ArtifactName {
        &self.name
    }

    /// The version.
    pub const fn version(&self) -> &Version {
        &self.version
    }
}

impl fmt::Display for ArtifactRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for ArtifactRef {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let (name, version) = text.split_once('@').ok_or_else(|| {
            TextError::grammar("an artifact reference", text, "write namespace/name@version")
        })?;
        Ok(Self { name: name.parse()?, version: version.parse()? })
    }
}

text_form!(ArtifactRef, "^[a-z0-9._/-]+@[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$");

/// What the command line takes where an artifact is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `namespace/name@version`
    Version(ArtifactRef),
    /// `namespace/name@blake3:…` (or `@sha256:…`): the digest of the manifest.
    Digest(ArtifactName, NamedDigest),
    /// `channel:CHANNEL`: what is known-good there.
    Channel(ChannelName),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(artifact) => artifact.fmt(f),
            Self::Digest(name, digest) => write!(f, "{name}@{digest}"),
            Self::Channel(channel) => write!(f, "channel:{channel}"),
        }
    }
}

impl FromStr for Reference {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        if let Some(channel) = text.strip_prefix("channel:") {
            return channel.parse().map(Self::Channel);
        }
        match text.split_once('@') {
            Some((name, digest)) if digest.contains(':') => Ok(Self::Digest(name.parse()?, digest.parse()?)),
            Some(_) => text.parse().map(Self::Version),
            None => Err(TextError::grammar(
                "a reference",
                text,
                "write namespace/name@version, namespace/name@blake3:<hex> or channel:<channel>",
            )),
        }
    }
}

text_form!(Reference, "^(channel:.+|.+@.+)$");
