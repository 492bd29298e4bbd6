//! How things of a tree are shown: names that may hold any bytes, modes, times; and paths as somebody types them.

use std::ffi::OsStr;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_client::{ArtifactRecord, Registry};
use holdfast_formats::catalog::{Entry, FileTime, Metadata, Node, Owner, TreePath};
use holdfast_formats::reference::Reference;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// What help texts say about names in JSON.
pub(super) const NAMES_IN_JSON: &str = "\
With --format json a name that is UTF-8 stands in `path`, any other in `path_base64` (standard base64 of its bytes), so that no \
two names look the same. `target` and `target_base64` of links likewise.";

/// A path inside a snapshot, as it was typed: `/` at its ends does not matter.
pub(super) fn parse_path(text: &OsStr) -> Result<TreePath, Failure> {
    let wrong = |e: &dyn std::fmt::Display| {
        Failure::usage(format!("{} is no path in a snapshot: {e}", text.display()))
    };
    let bytes = text.as_encoded_bytes();
    let bytes = bytes.strip_prefix(b"./").unwrap_or(bytes);
    let start = bytes.iter().position(|b| *b != b'/').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| *b != b'/').map_or(start, |at| at + 1);
    let inner = bytes.get(start..end).filter(|inner| *inner != b".").unwrap_or_default();
    TreePath::new(inner.to_vec()).map_err(|e| wrong(&e))
}

/// The one snapshot that a reference means.
pub(super) async fn one_snapshot(
    registry: &Registry,
    reference: &Reference,
) -> anyhow::Result<ArtifactRecord> {
    let mut found = registry.snapshots(reference).await?;
    let names: Vec<String> = found.iter().map(|(_, record)| record.artifact().r#ref.to_string()).collect();
    match (found.pop(), found.is_empty()) {
        (Some((_, record)), true) => Ok(record),
        _ => Err(Failure::usage(format!("{reference} has several snapshots"))
            .with_hint(format!("name one of them: {}", names.join(", ")))
            .into()),
    }
}

/// Bytes for a person: what is no UTF-8 as `\xNN`. What is dangerous to a terminal is escaped by the output.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Puts bytes under a name, or under the name with `_base64` when they are no UTF-8.
pub(super) fn put_bytes(object: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => object.insert(name.to_owned(), json!(text)),
        Err(_) => object.insert(format!("{name}_base64"), json!(STANDARD.encode(bytes))),
    };
}

/// A path in JSON, to be completed.
pub(super) fn path_json(path: &TreePath) -> Map<String, Value> {
    let mut object = Map::new();
    put_bytes(&mut object, "path", path.as_bytes());
    object
}

/// An entry for a program.
pub(super) fn entry_json(entry: &Entry) -> Value {
    let mut object = path_json(&entry.path);
    object.insert("kind".to_owned(), json!(kind(&entry.node)));
    match &entry.node {
        Node::File(_, content) => {
            object.insert("size".to_owned(), json!(content.size));
            object.insert("blake3".to_owned(), json!(content.blake3));
        }
        Node::Symlink(_, target) => put_bytes(&mut object, "target", target),
        Node::HardLink(target) => put_bytes(&mut object, "target", target.as_bytes()),
        Node::CharacterDevice(_, device) | Node::BlockDevice(_, device) => {
            object.insert("device".to_owned(), json!([device.major, device.minor]));
        }
        Node::Directory(_) | Node::Fifo(_) | Node::Socket(_) => {}
    }
    if let Some(metadata) = entry.node.metadata() {
        put_metadata(&mut object, metadata);
    }
    Value::Object(object)
}

fn put_metadata(object: &mut Map<String, Value>, metadata: &Metadata) {
    object.insert("mode".to_owned(), json!(format!("{:04o}", metadata.mode)));
    for (name, owner) in [("owner", &metadata.owner), ("group", &metadata.group)] {
        object.insert(format!("{name}_id"), json!(owner.id));
        if !owner.name.is_empty() {
            put_bytes(object, name, &owner.name);
        }
    }
    object.insert("modified".to_owned(), json!(time(metadata.modified)));
    object.insert("modified_seconds".to_owned(), json!(metadata.modified.seconds));
    object.insert("modified_nanos".to_owned(), json!(metadata.modified.nanos));
    if !metadata.attributes.is_empty() {
        let attributes = metadata.attributes.iter().map(|attribute| {
            let mut object = Map::new();
            put_bytes(&mut object, "name", &attribute.name);
            object.insert("value_base64".to_owned(), json!(STANDARD.encode(&attribute.value)));
            Value::Object(object)
        });
        object.insert("attributes".to_owned(), attributes.collect());
    }
}

const fn kind(node: &Node) -> &'static str {
    match node {
        Node::Directory(_) => "directory",
        Node::File(..) => "file",
        Node::Symlink(..) => "symlink",
        Node::HardLink(_) => "hard-link",
        Node::Fifo(_) => "fifo",
        Node::CharacterDevice(..) => "character-device",
        Node::BlockDevice(..) => "block-device",
        Node::Socket(_) => "socket",
    }
}

/// An entry for a person, with all that is known of it.
pub(super) fn long_line(entry: &Entry, name: &[u8]) -> String {
    let leads = match &entry.node {
        Node::Symlink(_, target) => format!(" -> {}", shown(target)),
        Node::HardLink(target) => format!(" = {}", shown(target.as_bytes())),
        _ => String::new(),
    };
    let size = match &entry.node {
        Node::File(_, content) => content.size.to_string(),
        Node::CharacterDevice(_, device) | Node::BlockDevice(_, device) => {
            format!("{},{}", device.major, device.minor)
        }
        _ => "-".to_owned(),
    };
    let name = shown(name);
    let Some(metadata) = entry.node.metadata() else {
        return format!("{:<10} {:<8} {:<8} {size:>12} {:<30} {name}{leads}", "=", "", "", "");
    };
    let (owner, group) = (owner(&metadata.owner), owner(&metadata.group));
    let (mode, time) = (mode(&entry.node, metadata.mode), time(metadata.modified));
    format!("{mode} {owner:<8} {group:<8} {size:>12} {time:<30} {name}{leads}")
}

fn owner(owner: &Owner) -> String {
    if owner.name.is_empty() { owner.id.to_string() } else { shown(&owner.name) }
}

/// As `ls -l` writes it.
fn mode(node: &Node, mode: u16) -> String {
    let first = match node {
        Node::Directory(_) => 'd',
        Node::Symlink(..) => 'l',
        Node::Fifo(_) => 'p',
        Node::CharacterDevice(..) => 'c',
        Node::BlockDevice(..) => 'b',
        Node::Socket(_) => 's',
        Node::File(..) | Node::HardLink(_) => '-',
    };
    let special = [(0o4000, 's', 'S'), (0o2000, 's', 'S'), (0o1000, 't', 'T')];
    let mut text = String::from(first);
    for (shift, (bit, with, without)) in [6, 3, 0].into_iter().zip(special) {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, mode & bit != 0) {
            (true, true) => with,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A moment with its nanoseconds, in UTC; what no calendar of ours has as seconds.
pub(super) fn time(time: FileTime) -> String {
    let since = u64::try_from(time.seconds).ok().filter(|seconds| *seconds < 253_402_300_800);
    match since {
        Some(seconds) => {
            let moment = std::time::UNIX_EPOCH + std::time::Duration::new(seconds, time.nanos);
            humantime::format_rfc3339_nanos(moment).to_string()
        }
        None => format!("{}.{:09}", time.seconds, time.nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_people_write_them() {
        for (typed, meant) in
            [("a/b", "a/b"), ("/a/b/", "a/b"), ("./a", "a"), ("", ""), (".", ""), ("/", ""), ("./", "")]
        {
            assert_eq!(parse_path(OsStr::new(typed)).unwrap().as_bytes(), meant.as_bytes(), "{typed:?}");
        }
        for typed in ["..", "a/../b", "a//b"] {
            assert!(parse_path(OsStr::new(typed)).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn names_that_are_no_text_are_shown_and_kept() {
        assert_eq!(shown(b"a\xff\xfeb"), "a\\xff\\xfeb");
        let mut object = Map::new();
        put_bytes(&mut object, "path", b"\xff");
        put_bytes(&mut object, "target", b"text");
        assert_eq!(Value::Object(object), json!({ "path_base64": "/w==", "target": "text" }));
    }

    #[test]
    fn modes_look_as_ls_writes_them() {
        let owner = Owner { id: 0, name: Vec::new() };
        let modified = FileTime { seconds: 0, nanos: 0 };
        let metadata =
            Metadata { mode: 0, owner: owner.clone(), group: owner, modified, attributes: Vec::new() };
        let node = Node::Directory(metadata);
        for (bits, text) in [(0o1777, "drwxrwxrwt"), (0o4755, "drwsr-xr-x"), (0o2640, "drw-r-S---")] {
            assert_eq!(mode(&node, bits), text);
        }
        assert_eq!(time(FileTime { seconds: -5, nanos: 1 }), "-5.000000001");
    }
}
