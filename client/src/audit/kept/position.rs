//! How far an audit is: what stands beside the facts, and changes with them in one transaction.

use std::collections::BTreeMap;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::statement::StatementType;
use holdfast_formats::tile::{TileKind, TileLevel};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_verify::merkle::Edge;
use serde::{Deserialize, Serialize};

/// Raised whenever what is kept changes: a state of another version is begun anew.
const VERSION: u32 = 2;
/// Tile levels of the largest tree.
const LEVELS: u8 = 7;

/// The position as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    size: TreeSize,
    root: TreeHash,
    edge: Vec<Vec<TreeHash>>,
    time: Option<Timestamp>,
    slot: u64,
    slot_size: TreeSize,
    commit: Sha256Digest,
    artifacts: u64,
    statements: BTreeMap<StatementType, u64>,
    findings: u64,
    anchored: bool,
}

/// What was judged so far, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Position {
    /// The tree of every entry judged.
    pub(in crate::audit) edge: Edge,
    /// When the newest was logged.
    pub(in crate::audit) time: Option<Timestamp>,
    /// The number of the next commit, where commits are read.
    pub(in crate::audit) slot: u64,
    /// The size at which that commit begins: smaller than the tree while only a part of it is judged.
    pub(in crate::audit) slot_size: TreeSize,
    /// The hash of the commit before; zeros before commit 0.
    pub(in crate::audit) commit: Sha256Digest,
    /// How many artifacts there are.
    pub(in crate::audit) artifacts: u64,
    /// How many statements there are of each type, refused ones included.
    pub(in crate::audit) statements: BTreeMap<StatementType, u64>,
    /// How many findings are kept.
    pub(in crate::audit) findings: u64,
    /// Whether the trusted policy was found in the log.
    pub(in crate::audit) anchored: bool,
}

impl Position {
    /// Before entry 0.
    pub(in crate::audit) const fn start() -> Self {
        Self {
            edge: Edge::empty(),
            time: None,
            slot: 0,
            slot_size: TreeSize::ZERO,
            commit: Sha256Digest::from_bytes([0; 32]),
            artifacts: 0,
            statements: BTreeMap::new(),
            findings: 0,
            anchored: false,
        }
    }

    /// How many entries were judged.
    pub(in crate::audit) const fn size(&self) -> TreeSize {
        self.edge.size()
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Record {
            version: VERSION,
            size: self.edge.size(),
            root: self.edge.root(),
            edge: (0..LEVELS).map(|level| partial_tile(&self.edge, level)).collect(),
            time: self.time,
            slot: self.slot,
            slot_size: self.slot_size,
            commit: self.commit,
            artifacts: self.artifacts,
            statements: self.statements.clone(),
            findings: self.findings,
            anchored: self.anchored,
        })
    }

    /// Reads what was written; says why it cannot be used.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let record: Record = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if record.version != VERSION {
            return Err(format!("it is of version {}", record.version));
        }
        let edge = Edge::from_parts(record.size, record.edge).map_err(|e| e.to_string())?;
        if edge.root() != record.root {
            return Err("its tree does not hash to its root".to_owned());
        }
        let Record { time, slot, slot_size, commit, artifacts, statements, findings, anchored, .. } = record;
        Ok(Self { edge, time, slot, slot_size, commit, artifacts, statements, findings, anchored })
    }
}

fn partial_tile(edge: &Edge, level: u8) -> Vec<TreeHash> {
    let kind = TileLevel::new(level).map(TileKind::Hashes);
    let tile = edge.partial_tiles().find(|(path, _)| Ok(path.kind()) == kind);
    tile.map_or_else(Vec::new, |(_, hashes)| hashes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_bytes_and_an_altered_one_is_refused() {
        let mut position = Position { slot: 7, artifacts: 3, anchored: true, ..Position::start() };
        for at in 0..600_u32 {
            position.edge.push(TreeHash::leaf(&at.to_be_bytes()), &mut |_, _| ()).unwrap();
        }
        position.statements.insert(StatementType::Pin, 2);
        let bytes = position.encode().unwrap();
        assert_eq!(Position::decode(&bytes), Ok(position));
        let text = String::from_utf8(bytes).unwrap();
        let version = text.replacen("\"version\":2", "\"version\":3", 1);
        assert!(Position::decode(version.as_bytes()).unwrap_err().contains("version 3"));
        let size = text.replacen("\"size\":600", "\"size\":601", 1);
        assert!(Position::decode(size.as_bytes()).is_err());
        let root = TreeHash::empty().to_string();
        let other =
            text.replacen(&Position::decode(text.as_bytes()).unwrap().edge.root().to_string(), &root, 1);
        assert!(Position::decode(other.as_bytes()).is_err());
    }
}
