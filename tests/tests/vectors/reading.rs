//! How each kind of golden case is read, and written again.

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::chunk::ChunkHeader;
use holdfast_formats::commit::Commit;
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::entry::Entry;
use holdfast_formats::envelope::Envelope;
use holdfast_formats::key::PublicKey;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace, PrincipalId};
use holdfast_formats::origin::Origin;
use holdfast_formats::path::FilePath;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::statement::Statement;
use holdfast_formats::time::Timestamp;
use holdfast_formats::trust::Trust;
use holdfast_formats::version::Version;

use super::{catalogs, keys};

/// What was read, written again; or why it was refused.
pub(crate) type Read = Result<Vec<u8>, String>;

/// Reads bytes as a kind.
pub(crate) fn read(kind: &str, bytes: &[u8]) -> Read {
    match kind {
        "statement" => Statement::parse(bytes).map_err(text)?.to_payload().map_err(text),
        "manifest" => Manifest::parse(bytes).map_err(text)?.to_bytes().map_err(text),
        "trust" => Trust::parse(bytes).map_err(text)?.to_bytes().map_err(text),
        "entry" => Entry::parse(bytes).map_err(text)?.encode().map_err(text),
        "envelope" => serde_json::to_vec(&Envelope::parse(bytes).map_err(text)?).map_err(text),
        "commit" => commit(bytes),
        "channel-head" => words::<ChannelHead>(bytes),
        "blob-record" => Ok(BlobRecord::parse(bytes).map_err(text)?.encode()),
        "chunk" => chunk(bytes),
        "catalog" => catalogs::read(bytes),
        "namespace" => words::<Namespace>(bytes),
        "artifact-name" => words::<ArtifactName>(bytes),
        "channel-name" => words::<ChannelName>(bytes),
        "principal" => words::<PrincipalId>(bytes),
        "version" => words::<Version>(bytes),
        "artifact-ref" => words::<ArtifactRef>(bytes),
        "reference" => words::<Reference>(bytes),
        "pattern" => words::<NamePattern>(bytes),
        "origin" => words::<Origin>(bytes),
        "path" => words::<FilePath>(bytes),
        "time" => words::<Timestamp>(bytes),
        "digest" => words::<NamedDigest>(bytes),
        "public-key" => words::<PublicKey>(bytes),
        other => unreachable!("no reader for {other}"),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A type whose one form is text.
fn words<T: std::str::FromStr<Err: std::fmt::Display> + std::fmt::Display>(bytes: &[u8]) -> Read {
    let parsed: T = std::str::from_utf8(bytes).map_err(text)?.parse().map_err(text)?;
    Ok(parsed.to_string().into_bytes())
}

/// A commit of the writer whose key all golden cases share.
fn commit(bytes: &[u8]) -> Read {
    let commit = Commit::parse(bytes).map_err(text)?;
    commit.verify(&keys::writer().public()).map_err(text)?;
    let (again, hash) = commit.header.encode(&keys::writer(), &commit.entries).map_err(text)?;
    if hash == commit.hash { Ok(again) } else { Err("the hash is another one".to_owned()) }
}

fn chunk(bytes: &[u8]) -> Read {
    let (header, stored) = ChunkHeader::parse(bytes).map_err(text)?;
    Ok([header.encode().as_slice(), stored].concat())
}
