//! The bodies of schema, flags and snapshot manifests.

use crate::digest::Digests;
use crate::number::{ByteSize, Count};
use crate::reference::ArtifactRef;
use crate::strict::{record, word};
use crate::text::{Label, Reason};
use crate::time::Timestamp;

record! {
    /// The body of a kind that adds nothing: `{}`.
    pub struct NoBody {}
}

record! {
    /// A database schema and how to get there and back.
    pub struct SchemaBody {
        /// The database engine.
        req engine: Label,
        /// The schema state it starts from.
        req from_state: Label,
        /// The schema state it ends in.
        req to_state: Label,
        /// The application versions that work with it.
        req app_range: Label,
        /// The migrations in order.
        req migrations: Vec<Migration>,
    }
}

record! {
    /// One migration.
    pub struct Migration {
        /// Its id.
        req id: Label,
        /// The migration tool's own checksum.
        req checksum: MigrationChecksum,
        /// The file that goes up.
        req up: Label,
        /// The file that goes down.
        opt down: Label,
        /// Whether going down restores what was.
        req reversible: bool,
        /// Whether going up loses data.
        req destructive: bool,
        /// Whether it runs in one transaction.
        req transactional: bool,
    }
}

record! {
    /// A checksum as the migration tool makes it.
    pub struct MigrationChecksum {
        /// The tool.
        req tool: Label,
        /// Its algorithm.
        req alg: Label,
        /// The value.
        req value: Label,
    }
}

record! {
    /// Where feature flags came from.
    pub struct FlagsBody {
        /// The flag service.
        req provider: Label,
        /// Its project.
        req project: Label,
        /// Its environment.
        req environment: Label,
        /// Its revision.
        req revision: Label,
        /// When they were exported.
        req exported_at: Timestamp,
    }
}

record! {
    /// Where data came from, and what it needs.
    pub struct SnapshotBody {
        /// The system.
        req source: SnapshotSource,
        /// The time the data is of.
        req data_as_of: DataAsOf,
        /// How consistent it is.
        req consistency: Consistency,
        /// The schema state of the data.
        opt schema_state: Label,
        /// The snapshot before.
        opt parent: ArtifactRef,
        /// What it was made from.
        opt derived_from: Vec<SnapshotOrigin>,
        /// What made it.
        req tool: Label,
        /// The catalog of a tree; left out when the manifest's `files` hold all the data.
        opt catalog: SnapshotCatalog,
    }
}

record! {
    /// The system that data came from.
    pub struct SnapshotSource {
        /// Which system.
        req system_id: Label,
        /// Which engine.
        req engine: Label,
        /// Its version.
        req version: Label,
        /// Which database or folder.
        req dataset: Label,
    }
}

record! {
    /// The time that data is of: no earlier and no later than.
    pub struct DataAsOf {
        /// No earlier.
        req not_before: Timestamp,
        /// No later.
        req not_after: Timestamp,
        /// The exact place in the source's own order.
        opt position: Position,
    }
}

record! {
    /// A place in a source's own order, such as a log sequence number.
    pub struct Position {
        /// What kind.
        req kind: Label,
        /// Its value.
        req value: Label,
    }
}

word! {
    /// How consistent data is.
    pub enum Consistency {
        /// As after a power cut.
        Crash = "crash",
        /// One transaction's view.
        Transaction = "transaction",
        /// The application was quiet.
        Application = "application",
    }
}

record! {
    /// What a snapshot was made from.
    pub struct SnapshotOrigin {
        /// The artifact.
        req r#ref: ArtifactRef,
        /// Its digests.
        req digest: Digests,
        /// What was done to it.
        opt transform: Reason,
    }
}

record! {
    /// The catalog: the manifest's one file, named `catalog`, that lists a tree.
    pub struct SnapshotCatalog {
        /// Its digests.
        req digest: Digests,
        /// How many entries it has, the root included.
        req entries: Count,
        /// The bytes of all files in the tree.
        req size_bytes: ByteSize,
    }
}
