//! The first reading of a catalog: what is chosen, how often each chunk is needed, and what hard links lead to.

use std::collections::HashMap;

use holdfast_formats::catalog::{Entry, Node, Part, TreePath};

use crate::catalog::CatalogFile;
use crate::error::ClientError;
use crate::tree::Selection;

/// What is known of the tree before anything is written.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) selection: Selection,
    /// For every chunk of the index how often it is needed.
    pub(super) uses: Vec<u32>,
    /// Bytes of all chosen files.
    pub(super) bytes: u64,
    links: HashMap<TreePath, Linked>,
}

/// Something that hard links lead to.
#[derive(Debug)]
struct Linked {
    /// How many chosen names it has.
    names: u64,
    /// When it is not chosen itself: the first chosen link, which becomes what it is.
    stand_in: Option<(TreePath, Option<Node>)>,
}

impl Survey {
    /// Reads the catalog; twice when it has hard links.
    pub(super) fn of(catalog: &CatalogFile, selection: Selection) -> Result<Self, ClientError> {
        let uses = vec![0; catalog.index().chunks().len()];
        let mut survey = Self { selection, uses, bytes: 0, links: HashMap::new() };
        for entry in catalog.entries()? {
            let entry = entry?;
            survey.selection.meet(&entry.path);
            if !survey.selection.covers(&entry.path) {
                continue;
            }
            match &entry.node {
                Node::File(..) => survey.count(catalog, &entry.node),
                Node::HardLink(target) => survey.link(target, &entry.path),
                _ => {}
            }
        }
        survey.selection.require_met()?;
        if !survey.links.is_empty() {
            survey.find_linked(catalog)?;
        }
        Ok(survey)
    }

    /// What is to be made for an entry: a hard link to something that is not chosen becomes that, or a link to the one
    /// that did.
    pub(super) fn effective(&self, entry: Entry) -> Entry {
        let Entry { path, node } = entry;
        let Node::HardLink(target) = &node else { return Entry { path, node } };
        match self.links.get(target).and_then(|linked| linked.stand_in.as_ref()) {
            Some((first, Some(found))) if *first == path => Entry { path, node: found.clone() },
            Some((first, _)) => Entry { path, node: Node::HardLink(first.clone()) },
            None => Entry { path, node },
        }
    }

    /// How many names something has in the tree that is made.
    pub(super) fn names_of(&self, path: &TreePath) -> u64 {
        let is_it = |linked: &&Linked| linked.stand_in.as_ref().is_some_and(|(first, _)| first == path);
        match self.links.get(path) {
            Some(linked) => linked.names,
            None if self.links.is_empty() || self.selection.is_all() => 1,
            None => self.links.values().find(is_it).map_or(1, |linked| linked.names),
        }
    }

    fn link(&mut self, target: &TreePath, path: &TreePath) {
        let is_chosen = self.selection.covers(target);
        let linked = self.links.entry(target.clone()).or_insert_with(|| Linked {
            names: u64::from(is_chosen),
            stand_in: (!is_chosen).then(|| (path.clone(), None)),
        });
        linked.names += 1;
    }

    /// Everything that a hard link names is there, and something that can have several names.
    fn find_linked(&mut self, catalog: &CatalogFile) -> Result<(), ClientError> {
        let mut found = 0;
        for entry in catalog.entries()? {
            let entry = entry?;
            let Some(linked) = self.links.get_mut(&entry.path) else { continue };
            if matches!(entry.node, Node::Directory(_) | Node::HardLink(_)) {
                break;
            }
            found += 1;
            if let Some((_, node)) = &mut linked.stand_in {
                *node = Some(entry.node.clone());
                self.count(catalog, &entry.node);
            }
        }
        if found == self.links.len() {
            return Ok(());
        }
        Err(ClientError::malformed("catalog", "a hard link in it leads to no file of it"))
    }

    fn count(&mut self, catalog: &CatalogFile, node: &Node) {
        let Node::File(_, content) = node else { return };
        self.bytes = self.bytes.saturating_add(content.size);
        for part in &content.parts {
            let Part::Data(extent) = part else { continue };
            let at = catalog.index().position(&extent.chunk);
            if let Some(uses) = at.and_then(|at| self.uses.get_mut(at)) {
                *uses = uses.saturating_add(1);
            }
        }
    }
}
