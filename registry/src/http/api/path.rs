//! Paths whose names contain slashes.

use std::str::FromStr;

use holdfast_formats::reference::Reference;
use holdfast_formats::text::TextError;
use holdfast_formats::wire::v1::ProblemCode;

use super::answer::Refused;

/// Parses a part of a path.
pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|error| Refused::new(ProblemCode::Malformed, format!("{error}")))
}

/// `shop/prod/known-good` is the channel `shop/prod` and the verb `known-good`.
pub(super) fn name_and_verb(path: &str) -> Result<(&str, &str), Refused> {
    path.rsplit_once('/').ok_or_else(no_such_route)
}

/// What stands behind the version of an artifact.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ArtifactPath<'a> {
    /// The artifact itself.
    Artifact(Reference),
    /// `…/blobs/<blake3>`
    Blob(Reference, &'a str),
    /// `…/chunks/<blake3>`
    Chunk(Reference, &'a str),
    /// `…/retention`
    Retention(Reference),
}

/// `shop/web@1.0.0`, `shop/web@1.0.0/blobs/<blake3>`, `…/chunks/<blake3>` and `…/retention`; the version or digest has no
/// slash.
pub(super) fn artifact(path: &str) -> Result<ArtifactPath<'_>, Refused> {
    let at = path.find('@').ok_or_else(no_such_route)?;
    let Some(slash) = path.get(at..).and_then(|rest| rest.find('/')).map(|found| at + found) else {
        return Ok(ArtifactPath::Artifact(reference(path)?));
    };
    let (artifact, rest) = path.split_at_checked(slash).ok_or_else(no_such_route)?;
    if rest == "/retention" {
        return Ok(ArtifactPath::Retention(reference(artifact)?));
    }
    if let Some(digest) = rest.strip_prefix("/chunks/") {
        return Ok(ArtifactPath::Chunk(reference(artifact)?, digest));
    }
    let digest = rest.strip_prefix("/blobs/").ok_or_else(no_such_route)?;
    Ok(ArtifactPath::Blob(reference(artifact)?, digest))
}

fn reference(text: &str) -> Result<Reference, Refused> {
    text.parse().map_err(|error: TextError| Refused::new(ProblemCode::Malformed, error.to_string()))
}

/// The answer where nothing is.
pub(super) fn no_such_route() -> Refused {
    Refused::new(ProblemCode::NoSuchRoute, "there is no such route; /v1/openapi.json lists them all")
}
