//! What differs between two trees.

use std::cmp::Ordering;
use std::iter::Peekable;

use holdfast_formats::catalog::{Entry, FileContent, Metadata, Node};

use crate::error::ClientError;

/// One path at which two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Only the second has it.
    Added(Entry),
    /// Only the first has it.
    Removed(Entry),
    /// It is something else, or has another content.
    Changed(Entry, Entry),
    /// Mode, owner, time or attributes differ, and nothing else.
    Metadata(Entry, Entry),
}

/// Compares two trees; both must come in the order of a catalog. An error is the last item.
pub fn differences(
    before: impl Iterator<Item = Result<Entry, ClientError>>,
    after: impl Iterator<Item = Result<Entry, ClientError>>,
) -> impl Iterator<Item = Result<Difference, ClientError>> {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    let mut is_over = false;
    std::iter::from_fn(move || {
        while !is_over {
            match step(&mut before, &mut after) {
                Ok(Step::Same) => {}
                Ok(Step::Differs(difference)) => return Some(Ok(*difference)),
                Ok(Step::End) => is_over = true,
                Err(error) => {
                    is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    })
}

enum Step {
    Same,
    Differs(Box<Difference>),
    End,
}

type Items<I> = Peekable<I>;

fn step<A, B>(before: &mut Items<A>, after: &mut Items<B>) -> Result<Step, ClientError>
where
    A: Iterator<Item = Result<Entry, ClientError>>,
    B: Iterator<Item = Result<Entry, ClientError>>,
{
    let order = match (before.peek(), after.peek()) {
        (None, None) => return Ok(Step::End),
        (Some(Ok(before)), Some(Ok(after))) => before.path.cmp(&after.path),
        (Some(_), None) | (Some(Err(_)), Some(_)) => Ordering::Less,
        (None, Some(_)) | (Some(Ok(_)), Some(Err(_))) => Ordering::Greater,
    };
    let before = if order.is_le() { before.next().transpose()? } else { None };
    let after = if order.is_ge() { after.next().transpose()? } else { None };
    Ok(match (before, after) {
        (Some(before), None) => Step::Differs(Box::new(Difference::Removed(before))),
        (None, Some(after)) => Step::Differs(Box::new(Difference::Added(after))),
        (Some(before), Some(after)) if !is_same_content(&before.node, &after.node) => {
            Step::Differs(Box::new(Difference::Changed(before, after)))
        }
        (Some(before), Some(after)) if before.node.metadata() != after.node.metadata() => {
            Step::Differs(Box::new(Difference::Metadata(before, after)))
        }
        _ => Step::Same,
    })
}

/// Whether two nodes are the same but for their metadata. How a file is cut into chunks says nothing about its content.
fn is_same_content(one: &Node, other: &Node) -> bool {
    let file = |content: &FileContent| (content.size, content.blake3);
    match (one, other) {
        (Node::Directory(_), Node::Directory(_))
        | (Node::Fifo(_), Node::Fifo(_))
        | (Node::Socket(_), Node::Socket(_)) => true,
        (Node::File(_, one), Node::File(_, other)) => file(one) == file(other),
        (Node::Symlink(_, one), Node::Symlink(_, other)) => one == other,
        (Node::HardLink(one), Node::HardLink(other)) => one == other,
        (Node::CharacterDevice(_, one), Node::CharacterDevice(_, other))
        | (Node::BlockDevice(_, one), Node::BlockDevice(_, other)) => one == other,
        _ => false,
    }
}

/// The metadata of something, for those who show how it changed.
pub fn changed_fields(before: &Metadata, after: &Metadata) -> Vec<&'static str> {
    [
        ("mode", before.mode != after.mode),
        ("owner", before.owner != after.owner),
        ("group", before.group != after.group),
        ("time", before.modified != after.modified),
        ("attributes", before.attributes != after.attributes),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use holdfast_formats::catalog::{FileTime, Owner, TreePath};

    use super::*;

    type Item = Result<Entry, ClientError>;

    fn folder(path: &str, mode: u16) -> Entry {
        let owner = Owner { id: 0, name: Vec::new() };
        let modified = FileTime { seconds: 0, nanos: 0 };
        let metadata =
            Metadata { mode, owner: owner.clone(), group: owner, modified, attributes: Vec::new() };
        let path = TreePath::new(path.as_bytes().to_vec()).unwrap();
        Entry { path, node: Node::Directory(metadata) }
    }

    fn link(path: &str) -> Entry {
        let Entry { path, node } = folder(path, 0o777);
        let metadata = node.metadata().unwrap().clone();
        Entry { path, node: Node::Symlink(metadata, b"x".to_vec()) }
    }

    fn catalog(entries: Vec<Entry>) -> impl Iterator<Item = Item> {
        entries.into_iter().map(Ok)
    }

    fn shown(difference: Result<Difference, ClientError>) -> String {
        match difference.unwrap() {
            Difference::Added(entry) => format!("+{:?}", entry.path),
            Difference::Removed(entry) => format!("-{:?}", entry.path),
            Difference::Changed(entry, _) => format!("!{:?}", entry.path),
            Difference::Metadata(entry, _) => format!("~{:?}", entry.path),
        }
    }

    #[test]
    fn trees_are_compared_path_by_path() {
        let before = vec![folder("", 0o755), folder("a", 0o755), folder("a/b", 0o755), link("c")];
        let after = vec![folder("", 0o755), folder("a", 0o700), folder("a!", 0o755), folder("c", 0o777)];
        let found: Vec<String> = differences(catalog(before), catalog(after)).map(shown).collect();
        assert_eq!(found, ["~TreePath(a)", "-TreePath(a/b)", "+TreePath(a!)", "!TreePath(c)"]);
    }

    #[test]
    fn an_error_ends_the_comparison() {
        let cut: Item = Err(ClientError::malformed("catalog", "cut"));
        let broken = [Ok(folder("", 0o755)), cut, Ok(folder("b", 0o755))];
        let whole = vec![folder("", 0o755), folder("a", 0o755)];
        let mut found = differences(broken.into_iter(), catalog(whole));
        assert!(found.next().is_some_and(|first| first.is_err()));
        assert!(found.next().is_none());
    }
}
