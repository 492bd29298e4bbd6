//! Everything whose form is a line of text: names, versions, references, patterns, times, digests, keys, tokens, paths.

use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::digest::{Blake3Digest, NamedDigest, Sha256Digest};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::login::LoginSecret;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace, PrincipalId};
use holdfast_formats::note::{KeyName, NoteKey};
use holdfast_formats::origin::Origin;
use holdfast_formats::path::FilePath;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::reference::{ArtifactRef, Reference};
use holdfast_formats::text::Label;
use holdfast_formats::tile::TilePath;
use holdfast_formats::time::Timestamp;
use holdfast_formats::token::Token;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::version::Version;

use crate::rules::one_form;

pub(crate) const KINDS: &[&str] = &[
    "texts:namespace",
    "texts:artifact-name",
    "texts:channel-name",
    "texts:principal",
    "texts:version",
    "texts:artifact-ref",
    "texts:reference",
    "texts:pattern",
    "texts:origin",
    "texts:path",
    "texts:time",
    "texts:digest",
    "texts:public-key",
    "channel-head",
    "tile-paths",
    "verifier-keys",
];

pub(crate) const EXAMPLES: &[&[u8]] =
    &[b"hft_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", b"18446744073709551615"];

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    one_form::<Namespace>(text);
    one_form::<ArtifactName>(text);
    one_form::<ChannelName>(text);
    one_form::<PrincipalId>(text);
    one_form::<Label>(text);
    one_form::<Version>(text);
    one_form::<ArtifactRef>(text);
    one_form::<Reference>(text);
    one_form::<NamePattern>(text);
    one_form::<Origin>(text);
    one_form::<FilePath>(text);
    one_form::<Timestamp>(text);
    one_form::<NamedDigest>(text);
    one_form::<Blake3Digest>(text);
    one_form::<Sha256Digest>(text);
    one_form::<RandomId>(text);
    one_form::<KeyId>(text);
    one_form::<PublicKey>(text);
    one_form::<KeyName>(text);
    one_form::<NoteKey>(text);
    one_form::<TilePath>(text);
    one_form::<TreeHash>(text);
    one_form::<TreeSize>(text);
    one_form::<LeafIndex>(text);
    one_form::<ChannelHead>(text);
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.expose(), text);
    }
    if let Ok(secret) = text.parse::<LoginSecret>() {
        assert_eq!(secret.expose(), text);
    }
}
