//! The list of objects that a sweep names: an attachment of its `end` entry.
//!
//! One line an object: `<class> <namespace> <digest> <g>`, where `g` is the generation that the object has. Lines are sorted
//! by their bytes and none is there twice, so one set of objects has one list; aliases come before records and records
//! before chunks, as they are deleted.

use std::fmt;

use crate::digest::NamedDigest;
use crate::limits::{ATTACHMENT_BYTES_MAX, SWEEP_OBJECTS_MAX};
use crate::name::Namespace;
use crate::statement::ObjectClass;
use crate::tree::LeafIndex;

/// One object that a sweep names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SweptObject {
    /// Of what class.
    pub class: ObjectClass,
    /// Whose.
    pub namespace: Namespace,
    /// Which: an alias by its SHA-256, everything else by its BLAKE3.
    pub digest: NamedDigest,
    /// Its generation: the newest sweep that named it before, else 0.
    pub g: LeafIndex,
}

/// Why a list is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepListError {
    /// A line is not exactly what its object's line is.
    #[error(
        "line {0} of the sweep's list is not `class namespace digest g`; the list is written by a registry"
    )]
    Line(usize),
    /// A line does not come behind the one before it.
    #[error("line {0} of the sweep's list does not sort behind the one before it")]
    Unsorted(usize),
    /// More than one sweep names.
    #[error(
        "a sweep names at most {SWEEP_OBJECTS_MAX} objects in {ATTACHMENT_BYTES_MAX} bytes; name the others in another one"
    )]
    TooLarge,
}

impl fmt::Display for SweptObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.class, self.namespace, self.digest, self.g)
    }
}

impl SweptObject {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let class: ObjectClass = parts.next()?.parse().ok()?;
        let namespace = parts.next()?.parse().ok()?;
        let digest: NamedDigest = parts.next()?.parse().ok()?;
        let g = LeafIndex::new(parts.next()?.parse().ok()?).ok()?;
        let by_sha256 = matches!(digest, NamedDigest::Sha256(_));
        let object = Self { class, namespace, digest, g };
        // Numbers and digests can be written in more ways than one, and only one of them is the object's line.
        (by_sha256 == (class == ObjectClass::Alias) && object.to_string() == line).then_some(object)
    }
}

/// The list of these objects, whatever their order.
pub fn encode(objects: &[SweptObject]) -> Result<Vec<u8>, SweepListError> {
    if objects.len() > SWEEP_OBJECTS_MAX {
        return Err(SweepListError::TooLarge);
    }
    let mut lines: Vec<String> = objects.iter().map(|object| format!("{object}\n")).collect();
    lines.sort_unstable();
    lines.dedup();
    let list = lines.concat().into_bytes();
    if list.len() > ATTACHMENT_BYTES_MAX { Err(SweepListError::TooLarge) } else { Ok(list) }
}

/// The objects of a list, in its order.
pub fn parse(list: &[u8]) -> Result<Vec<SweptObject>, SweepListError> {
    if list.len() > ATTACHMENT_BYTES_MAX {
        return Err(SweepListError::TooLarge);
    }
    let mut objects = Vec::new();
    let mut before: &[u8] = &[];
    for (number, line) in (1..).zip(list.split_inclusive(|byte| *byte == b'\n')) {
        if number > SWEEP_OBJECTS_MAX {
            return Err(SweepListError::TooLarge);
        }
        if line <= before {
            return Err(SweepListError::Unsorted(number));
        }
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        objects.push(text.and_then(SweptObject::parse).ok_or(SweepListError::Line(number))?);
        before = line;
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Blake3Digest, Sha256Digest};

    fn object(class: ObjectClass, content: &[u8], g: u64) -> SweptObject {
        let digest = match class {
            ObjectClass::Alias => NamedDigest::Sha256(Sha256Digest::of(content)),
            ObjectClass::Blob | ObjectClass::Chunk => NamedDigest::Blake3(Blake3Digest::of(content)),
        };
        SweptObject { class, namespace: "shop".parse().unwrap(), digest, g: LeafIndex::new(g).unwrap() }
    }

    fn listed() -> Vec<SweptObject> {
        vec![
            object(ObjectClass::Alias, b"x", 0),
            object(ObjectClass::Blob, b"x", 7),
            object(ObjectClass::Chunk, b"x", 12),
        ]
    }

    #[test]
    fn a_list_reads_back_sorted_as_objects_are_deleted() {
        let mut shuffled = listed();
        shuffled.reverse();
        shuffled.extend(listed());
        let list = encode(&shuffled).unwrap();
        assert_eq!(parse(&list).unwrap(), listed());
        assert!(list.starts_with(b"alias shop sha256:"));
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn one_set_of_objects_has_one_list() {
        let list = String::from_utf8(encode(&listed()).unwrap()).unwrap();
        let lines: Vec<&str> = list.lines().collect();
        let joined = |lines: &[&str]| lines.join("\n") + "\n";
        let refused = |text: String| parse(text.as_bytes()).unwrap_err();
        assert_eq!(refused(joined(&[lines[1], lines[0]])), SweepListError::Unsorted(2));
        assert_eq!(refused(joined(&[lines[0], lines[0]])), SweepListError::Unsorted(2));
        assert_eq!(refused(list.trim_end().to_owned()), SweepListError::Line(3));
        assert_eq!(refused(list.replace(" 7\n", " 07\n")), SweepListError::Line(2));
        assert_eq!(refused(list.replace(" 7\n", " 7 \n")), SweepListError::Line(2));
        assert_eq!(refused(list.replace(" 7\n", " 7\r\n")), SweepListError::Line(2));
        assert_eq!(refused(list.replace("blob shop blake3", "blob shop sha256")), SweepListError::Line(2));
        assert_eq!(refused(list.replace("alias", "thing")), SweepListError::Line(1));
    }
}
