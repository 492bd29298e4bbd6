//! What was published since a plan was begun: each such publish is read once, and whatever it refers to stays.

use std::collections::HashMap;

use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::tree::TreeSize;
use holdfast_verify::facts::ArtifactFact;

use super::compare::{Found, NAMED, bytes_of, name_of};
use super::spill::{Scratch, Spill};
use super::{SweepError, Sweeper};

/// How many publishes are read in one snapshot of the index.
const PAGE: usize = 100;

/// The references of publishes since the plan.
#[derive(Debug)]
pub(super) struct Late {
    /// Every publish before is in the plan, or in here.
    through: TreeSize,
    places: HashMap<Namespace, u32>,
    named: Spill<NAMED>,
    is_empty: bool,
}

impl Late {
    /// Nothing since a plan of these namespaces, made of the log as it was at this size.
    pub(super) fn since(through: TreeSize, namespaces: &[Namespace], scratch: &Scratch) -> Self {
        let places = (0..).zip(namespaces).map(|(at, namespace)| (namespace.clone(), at)).collect();
        Self { through, places, named: Spill::new(scratch), is_empty: true }
    }

    /// Those objects that no late publish refers to; they come in the order of the plan.
    pub(super) async fn spare(
        &mut self,
        scratch: &Scratch,
        found: Vec<Found>,
    ) -> Result<Vec<Found>, SweepError> {
        if self.is_empty {
            return Ok(found);
        }
        let names: Vec<Option<[u8; NAMED]>> = found.iter().map(|found| self.name(found)).collect();
        let mut late = self.named.sorted().await?;
        let dead = move || {
            let mut dead = Vec::with_capacity(found.len());
            for (found, name) in found.into_iter().zip(names) {
                while late.peek().is_some_and(|late| name.is_some_and(|name| *late < name)) {
                    late.next()?;
                }
                if name.is_some() && late.peek() != name.as_ref() {
                    dead.push(found);
                }
            }
            Ok(dead)
        };
        scratch.run(dead).await
    }

    fn name(&self, found: &Found) -> Option<[u8; NAMED]> {
        let object = &found.object;
        let at = self.places.get(&object.namespace)?;
        Some(name_of(*at, object.class, bytes_of(&object.digest)))
    }
}

impl Sweeper {
    /// Reads the publishes up to a size of the log.
    pub(super) async fn read_late(&self, late: &mut Late, through: TreeSize) -> Result<(), SweepError> {
        while late.through < through {
            let from = late.through.next_index();
            let page = self.index().scan(move |view| view.published_from(from, PAGE)).await?;
            let mut is_last = page.len() < PAGE;
            for fact in page {
                if !through.contains(fact.index) {
                    is_last = true;
                    break;
                }
                self.read_publish(late, &fact).await?;
                late.through = fact.index.size_through().unwrap_or(through);
            }
            if is_last {
                late.through = through;
            }
        }
        Ok(())
    }

    async fn read_publish(&self, late: &mut Late, fact: &ArtifactFact) -> Result<(), SweepError> {
        let namespace = fact.artifact.r#ref.name().namespace();
        let Some(at) = late.places.get(&namespace).copied() else { return Ok(()) };
        late.is_empty = false;
        for blob in self.blobs_of(fact).await? {
            let digests = blob.digests();
            let alias = name_of(at, ObjectClass::Alias, digests.sha256.as_bytes());
            let record = name_of(at, ObjectClass::Blob, digests.blake3.as_bytes());
            late.named.add(&[alias, record]).await?;
            let index = fact.index.get();
            let mut references = self.references(&namespace, &blob, index).await?;
            while let Some(chunks) = self.next_of(&namespace, &mut references, &blob, index).await? {
                let names: Vec<[u8; NAMED]> =
                    chunks.iter().map(|chunk| name_of(at, ObjectClass::Chunk, chunk)).collect();
                late.named.add(&names).await?;
            }
        }
        Ok(())
    }
}
