//! Content as the store has it: which object a key stands for, and which keys may go.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;

use super::key::{InvalidKey, KeyPrefix, ObjectKey};

/// One object of a listing of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// What it is, with the generation that it was stored under.
    pub object: SweptObject,
    /// Bytes stored.
    pub size_bytes: u64,
    /// When it was written, by the store's clock, in ms since 1970.
    pub modified_ms: u64,
}

/// The key of an object that a newer sweep named: nothing is read or stored under it any more, so it may go, however late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded(ObjectKey);

impl Superseded {
    /// The key of `object`, when `newest`, the newest committed sweep that named such an object, is behind its generation.
    pub fn by(object: &SweptObject, newest: LeafIndex) -> Result<Option<Self>, InvalidKey> {
        let key = ObjectKey::of_content(object)?;
        Ok((newest > object.g).then_some(Self(key)))
    }

    /// The key.
    pub const fn key(&self) -> &ObjectKey {
        &self.0
    }
}

impl ObjectKey {
    /// The key of an object of content.
    pub fn of_content(object: &SweptObject) -> Result<Self, InvalidKey> {
        let (namespace, g) = (object.namespace.as_str(), object.g.get());
        match (object.class, &object.digest) {
            (ObjectClass::Chunk, NamedDigest::Blake3(digest)) => {
                Self::chunk(namespace, &digest.to_string(), g)
            }
            (ObjectClass::Blob, NamedDigest::Blake3(digest)) => Self::blob(namespace, &digest.to_string(), g),
            (ObjectClass::Alias, NamedDigest::Sha256(digest)) => {
                Self::alias(namespace, "sha256", &digest.to_string(), g)
            }
            (class, digest) => Err(InvalidKey::of(format!("{class} {digest}"))),
        }
    }
}

impl KeyPrefix {
    /// What [`content_of`] understands of one class of a namespace.
    pub(super) fn of_class(class: ObjectClass, namespace: &Namespace) -> Result<Self, InvalidKey> {
        match class {
            ObjectClass::Chunk => Self::chunks(namespace.as_str()),
            ObjectClass::Blob => Self::blobs(namespace.as_str()),
            ObjectClass::Alias => Self::aliases_by_sha256(namespace.as_str()),
        }
    }
}

/// The object that is stored under a key; `None` for whatever this version would not have stored there.
pub(super) fn content_of(key: &str) -> Option<SweptObject> {
    let mut segments = key.split('/');
    let (top, namespace, _, name) = (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
    let (hex, g) = name.split_once('.')?;
    let (class, digest) = match top {
        "chunks" => (ObjectClass::Chunk, NamedDigest::Blake3(hex.parse().ok()?)),
        "blobs" => (ObjectClass::Blob, NamedDigest::Blake3(hex.parse().ok()?)),
        "aliases" => (ObjectClass::Alias, NamedDigest::Sha256(hex.parse().ok()?)),
        _ => return None,
    };
    let object = SweptObject { class, namespace: namespace.parse().ok()?, digest, g: g.parse().ok()? };
    // Whatever was not looked at above is looked at here: the fan-out, the algorithm, that nothing follows.
    (ObjectKey::of_content(&object).ok()?.as_str() == key).then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_formats::digest::{Blake3Digest, Sha256Digest};

    fn object(class: ObjectClass, g: u64) -> SweptObject {
        let digest = match class {
            ObjectClass::Alias => NamedDigest::Sha256(Sha256Digest::of(b"x")),
            ObjectClass::Blob | ObjectClass::Chunk => NamedDigest::Blake3(Blake3Digest::of(b"x")),
        };
        let (namespace, g) = ("shop".parse().expect("a name"), LeafIndex::new(g).expect("a small number"));
        SweptObject { class, namespace, digest, g }
    }

    #[test]
    fn keys_of_content_read_back_and_others_do_not() {
        for class in [ObjectClass::Chunk, ObjectClass::Blob, ObjectClass::Alias] {
            for g in [0, 7, 12_345] {
                let object = object(class, g);
                let key = ObjectKey::of_content(&object).expect("a valid key");
                assert_eq!(content_of(key.as_str()), Some(object));
                let odd = [
                    format!("{key}/x"),
                    format!("{key}#1"),
                    key.as_str().replace(&format!(".{g}"), &format!(".0{g}")),
                    key.as_str().replace("shop", "sh/op"),
                    key.as_str().replace("shop", ".."),
                    key.as_str().to_uppercase(),
                ];
                for odd in odd {
                    assert_eq!(content_of(&odd), None, "{odd}");
                }
            }
        }
        let chunk = ObjectKey::of_content(&object(ObjectClass::Chunk, 0)).expect("a valid key");
        let elsewhere = chunk.as_str().replacen("chunks/shop/", "chunks/shop/0", 1);
        assert_eq!(content_of(&elsewhere), None);
    }

    #[test]
    fn an_object_may_go_only_when_a_newer_sweep_named_it() -> Result<(), InvalidKey> {
        let at = |g| LeafIndex::new(g).expect("a small number");
        let stored = object(ObjectClass::Chunk, 7);
        assert_eq!(Superseded::by(&stored, LeafIndex::FIRST)?, None);
        assert_eq!(Superseded::by(&stored, at(7))?, None);
        let gone = Superseded::by(&stored, at(8))?.expect("it was named again");
        assert!(gone.key().as_str().ends_with(".7"));
        Ok(())
    }
}
