//! Tokens: which grants there are, each proven.

use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{GrantList, GrantQuery};
use holdfast_verify::facts::GrantFact;
use holdfast_verify::receipt::verify_grants;
use holdfast_verify::verified::Verified;

use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry};
use crate::transport::query_string;

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
        let mut all = Vec::new();
        let mut after: Option<LeafIndex> = None;
        loop {
            let query = GrantQuery { after, limit: None, ended: Some(which == Tokens::All) };
            let path = format!("/v1/grants{}", query_string(&query)?);
            let list: GrantList = self.transport().get(&path, "list of grants", LARGE_ANSWER_MAX).await?;
            let next = list.next;
            all.extend(self.check_grants(list).await?);
            match next {
                Some(next) if after.is_none_or(|after| after < next) => after = Some(next),
                Some(_) => {
                    return Err(ClientError::malformed("list of grants", "its pages go round in a circle"));
                }
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
