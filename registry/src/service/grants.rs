//! Tokens: which grants there are, for auditors.

use std::sync::Arc;

use holdfast_formats::wire::v1::{GrantList, GrantQuery};

use super::assembly::Assembly;
use super::{Failure, Identity, Service};

/// How many grants one answer brings at most.
const GRANTS_MAX: usize = 256;

impl Service {
    /// Grants by their place, those that have ended only when they are asked for.
    pub async fn grants(&self, who: &Identity, query: &GrantQuery) -> Result<GrantList, Failure> {
        who.require_audit()?;
        let head = self.log().head();
        let limit =
            query.limit.map_or(GRANTS_MAX, |n| usize::try_from(n).unwrap_or(GRANTS_MAX)).clamp(1, GRANTS_MAX);
        let (after, ended, now) = (query.after, query.ended.unwrap_or(false), self.now());
        let facts = self
            .log()
            .index()
            .read(move |view| view.grants_after(after, limit).map_err(Failure::from))
            .await?;
        let next = if facts.len() == limit { facts.last().map(|fact| fact.index) } else { None };
        let wanted = facts.into_iter().filter(|fact| ended || fact.is_valid_at(now)).map(Arc::new);
        let grants = Assembly::begin(self, Arc::clone(&head)).shown(wanted.collect()).await?;
        Ok(GrantList { checkpoint: head.checkpoint().to_owned(), grants, next })
    }
}
