//! The chain of policies, followed from trust.json and never backwards.

use std::sync::Arc;

use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::Policy;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{PolicyChain as PolicyAnswer, PolicyQuery, Receipt};
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::receipt::{follow_policies, verify_policies, verify_receipt};
use holdfast_verify::verified::Verified;

use super::{LARGE_ANSWER_MAX, Registry};
use crate::blocking;
use crate::error::ClientError;
use crate::transport::query_string;

impl Registry {
    /// The newest policy of the log, with its place.
    pub async fn policy(&self) -> Result<(LeafIndex, Policy), ClientError> {
        self.sync().await?;
        let chain = self.policies().await?;
        let newest = chain.newest();
        Ok((newest.entry.index, newest.policy.as_ref().clone()))
    }

    /// The policies known, from memory, from disk, or else from the registry.
    pub(crate) async fn policies(&self) -> Result<Arc<PolicyChain>, ClientError> {
        match self.policies_at_hand()? {
            Some(chain) => Ok(chain),
            None => self.fetch_policies().await,
        }
    }

    /// The policies known without asking anybody; `None` before the registry was asked for the first time.
    pub(crate) fn policies_at_hand(&self) -> Result<Option<Arc<PolicyChain>>, ClientError> {
        if let Some(chain) = self.seen().policies.clone() {
            return Ok(Some(chain));
        }
        let kept = self.state().policies()?;
        if kept.is_empty() {
            return Ok(None);
        }
        let chain = Arc::new(self.follow_policies(&kept)?);
        self.seen().policies = Some(Arc::clone(&chain));
        Ok(Some(chain))
    }

    /// Begins with the receipt of the trusted policy, where nobody may be asked for it yet.
    pub(crate) async fn begin_with(&self, receipt: Receipt) -> Result<(), ClientError> {
        let receipts = vec![receipt];
        let chain = self.follow_policies(&receipts)?;
        self.keep_policies(receipts, &chain).await
    }

    /// Asks for newer policies, checks them, and remembers them on disk.
    pub(crate) async fn fetch_policies(&self) -> Result<Arc<PolicyChain>, ClientError> {
        let mut receipts = self.state().policies()?;
        let kept = receipts.len();
        let mut known = match receipts.as_slice() {
            [] => None,
            kept => Some(self.link_policies(kept)?),
        };
        let chain = loop {
            // Before the trusted one is reached nothing can be checked; policies are numbered from 1.
            let counted = PolicyNumber::new(receipts.len() as u64).ok();
            let after = known.as_ref().map_or(counted, |chain| Some(chain.newest().policy.number));
            let path = format!("/v1/policies{}", query_string(&PolicyQuery { after })?);
            let page: PolicyAnswer = self.transport().get(&path, "policies", LARGE_ANSWER_MAX).await?;
            let is_end = page.policies.is_empty();
            receipts.extend(page.policies);
            match known {
                // The newest policy may have changed the key that signs for the places of all before it.
                _ if is_end => break self.follow_policies(&receipts)?,
                None if (receipts.len() as u64) < self.trust().policy.number.get() => {}
                // Those that do not lead on from the ones before are refused, so every page is a step forward.
                _ => known = Some(self.link_policies(&receipts)?),
            }
        };
        let chain = Arc::new(chain);
        if receipts.len() > kept {
            self.keep_policies(receipts, &chain).await?;
        }
        self.seen().policies = Some(Arc::clone(&chain));
        Ok(chain)
    }

    /// Checks a receipt from end to end: entry, signatures, place, and that its checkpoint is of the log seen before.
    pub(crate) async fn check_receipt(
        &self,
        what: &'static str,
        receipt: &Receipt,
    ) -> Result<Verified<LoggedStatement>, ClientError> {
        let known = self.policies().await?;
        let (checkpoint, verified) = if let Ok(believed) = verify_receipt(receipt, &known) {
            believed
        } else {
            // A newer policy may name the key; the second answer is final.
            let newer = self.fetch_policies().await?;
            verify_receipt(receipt, &newer).map_err(|e| ClientError::untrue(what, e))?
        };
        self.follow_receipt(receipt, &checkpoint).await?;
        Ok(verified)
    }

    fn link_policies(&self, receipts: &[Receipt]) -> Result<PolicyChain, ClientError> {
        follow_policies(self.trust(), receipts).map_err(|e| ClientError::untrue("chain of policies", e))
    }

    fn follow_policies(&self, receipts: &[Receipt]) -> Result<PolicyChain, ClientError> {
        verify_policies(self.trust(), receipts).map_err(|e| ClientError::untrue("chain of policies", e))
    }

    /// Another process may have gone further in the meantime: the longer chain stays.
    async fn keep_policies(&self, receipts: Vec<Receipt>, chain: &PolicyChain) -> Result<(), ClientError> {
        let (handle, newest) = (self.clone(), chain.newest().policy.number);
        blocking::run(move || {
            let lock = handle.state().lock()?;
            let kept = handle.state().policies()?;
            if !kept.is_empty() && handle.follow_policies(&kept)?.newest().policy.number >= newest {
                return Ok(());
            }
            handle.state().keep_policies(&lock, receipts)
        })
        .await
    }
}
