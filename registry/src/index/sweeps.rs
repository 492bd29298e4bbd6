//! What nodes ask about sweeps beside the rule book: which are still to be carried out, and where an object is now.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::SweepFact;

use super::IndexError;
use super::readers::{Index, View};
use super::rows::{all_facts, signed};

impl View<'_> {
    /// Sweeps whose objects are not known to be gone, oldest first.
    pub fn open_sweeps(&self, limit: usize) -> Result<Vec<SweepFact>, IndexError> {
        let sql = "SELECT fact FROM sweeps WHERE phase = 'end' AND swept = 0 ORDER BY idx LIMIT ?1";
        all_facts(self.connection, sql, [signed(limit as u64)])
    }
}

impl Index {
    /// The newest sweep that named an object, [`LeafIndex::FIRST`] when none did. Where none ever named it, nothing is read.
    pub async fn generation(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, IndexError> {
        if !self.swept().may_have(class, namespace, digest) {
            return Ok(LeafIndex::FIRST);
        }
        let (namespace, digest) = (namespace.clone(), *digest);
        self.read(move |view| view.generation_of(class, &namespace, &digest)).await
    }

    /// The newest sweep that ended something, [`LeafIndex::FIRST`] when none did: at most as new as what is read afterwards.
    pub fn newest_sweep(&self) -> LeafIndex {
        self.swept().newest()
    }
}
