//! Lists of artifacts. Only what the reader may read is looked at, so that neither an answer nor the place where it ends,
//! nor how long it takes, says anything about the rest.

use holdfast_formats::number::Count;
use holdfast_formats::text::Label;
use holdfast_formats::wire::v1::{ArtifactList, ArtifactSummary, ListQuery};
use holdfast_verify::facts::{ArtifactFact, Facts as _};

use super::{Failure, Identity, Service};
use crate::index::{ArtifactFilter, View};

/// How many artifacts one answer brings at most.
const LIST_MAX: usize = 1000;

impl Service {
    /// Artifacts by reference, those that the reader may read.
    pub async fn list(&self, who: &Identity, query: &ListQuery) -> Result<ArtifactList, Failure> {
        self.require_reader(who)?;
        let limit = query.limit.map_or(100, |n| usize::try_from(n).unwrap_or(LIST_MAX)).clamp(1, LIST_MAX);
        let text = |label: &Option<Label>| label.as_ref().map_or(String::new(), ToString::to_string);
        let filter = ArtifactFilter {
            prefix: text(&query.prefix),
            kind: query.kind,
            after: text(&query.after),
            limit,
            ended: query.ended.unwrap_or(false),
        };
        let (service, reader) = (self.clone(), who.clone());
        let summaries = self.log().index().scan(move |view| {
            let facts = service.readable(view, &reader, &filter)?;
            facts.into_iter().map(|fact| summary(view, fact)).collect::<Result<Vec<_>, Failure>>()
        });
        let artifacts = summaries.await?;
        let next = if artifacts.len() == limit {
            artifacts.last().and_then(|last| last.artifact.r#ref.to_string().parse().ok())
        } else {
            None
        };
        Ok(ArtifactList { artifacts, next })
    }

    /// The first artifacts of a filter that may be read.
    fn readable(
        &self,
        view: &View<'_>,
        who: &Identity,
        filter: &ArtifactFilter,
    ) -> Result<Vec<ArtifactFact>, Failure> {
        let mut found = Vec::new();
        for prefix in self.readable_prefixes(who).iter().filter_map(|own| narrower(own, &filter.prefix)) {
            let mut page = ArtifactFilter { prefix: prefix.to_owned(), ..filter.clone() };
            loop {
                let facts = view.artifacts(&page)?;
                let is_last = facts.len() < page.limit;
                let Some(last) = facts.last() else { break };
                page.after = last.artifact.r#ref.to_string();
                let readable = facts
                    .into_iter()
                    .filter(|fact| self.require_read(who, fact.artifact.r#ref.name()).is_ok());
                found.extend(readable);
                if found.len() >= filter.limit {
                    found.truncate(filter.limit);
                    return Ok(found);
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// The longer of two prefixes, when it begins with the other.
fn narrower<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.starts_with(short).then_some(long)
}

fn summary(view: &View<'_>, fact: ArtifactFact) -> Result<ArtifactSummary, Failure> {
    let holds = view.holds(&fact.artifact.r#ref)?.len() as u64;
    Ok(ArtifactSummary {
        until: fact.own_until(),
        holds: Count::new(holds).map_err(Failure::internal)?,
        ended: fact.ended.map(|ended| ended.index),
        artifact: fact.artifact,
        kind: fact.kind,
        size_bytes: fact.size_bytes,
        time: fact.time,
        index: fact.index,
    })
}
