//! Tokens: which grants there are, each proven.

use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{GrantList, GrantQuery};
use holdfast_verify::facts::GrantFact;
use holdfast_verify::receipt::verify_grants;
use holdfast_verify::verified::Verified;

use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry};
use crate::transport::query_string;

/// The most pages of grants: millions of them.
const PAGES_MAX: u32 = 10_000;

/// Which tokens are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// Those that may be used now, as the registry sees it.
    Standing,
    /// Those that were revoked or have expired too.
    All,
}

impl Registry {
    /// The grants of the log, oldest first; needs a token with `audit`. Each is proven, with what revoked it; that the
    /// registry left none out, and no revoke, only an audit shows.
    pub async fn grants(&self, which: Tokens) -> Result<Vec<Verified<GrantFact>>, ClientError> {
        let mut all: Vec<Verified<GrantFact>> = Vec::new();
        let mut pages = 0;
        let mut after: Option<LeafIndex> = None;
        loop {
            let query = GrantQuery { after, limit: None, ended: Some(which == Tokens::All) };
            let path = format!("/v1/grants{}", query_string(&query)?);
            let list: GrantList = self.transport().get(&path, "list of grants", LARGE_ANSWER_MAX).await?;
            let next = list.next;
            let page = self.check_grants(list).await?;
            let indices = after.into_iter().chain(page.iter().map(|grant| grant.get().index)).chain(next);
            if !indices.is_sorted() || next.is_some_and(|next| Some(next) <= after) || pages == PAGES_MAX {
                return Err(ClientError::malformed("list of grants", "its pages do not lead on to an end"));
            }
            all.extend(page);
            pages += 1;
            match next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn check_grants(&self, list: GrantList) -> Result<Vec<Verified<GrantFact>>, ClientError> {
        let known = self.policies().await?;
        let (checkpoint, grants) = if let Ok(verified) = verify_grants(&list, &known) {
            verified
        } else {
            // A newer policy may name the key; the second answer is final.
            let newer = self.fetch_policies().await?;
            verify_grants(&list, &newer).map_err(|e| ClientError::untrue("list of grants", e))?
        };
        self.follow(&list.checkpoint, &checkpoint).await?;
        if let Some(newest) = grants.iter().map(|grant| grant.get().index).max() {
            self.require_witnessed(&list.checkpoint, &checkpoint, newest).await?;
        }
        Ok(grants)
    }
}
