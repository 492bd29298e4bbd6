//! What a prepared statement still needs before the registry can take it.

use std::sync::Arc;

use holdfast_formats::key::KeyId;
use holdfast_formats::policy::Policy;
use holdfast_verify::approval::{Approval, approvals, signatories};

use crate::error::ClientError;
use crate::session::Registry;
use crate::statement::Prepared;

/// Who has signed a prepared statement and who is still wanted, by one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// The policy that says so.
    pub policy: Arc<Policy>,
    /// What the statement needs; empty for what only the registry says.
    pub wanted: Vec<Approval>,
    /// Keys that are said to have signed and that the policy does not name: of grants, perhaps, or of nobody.
    pub unknown: Vec<KeyId>,
}

impl Approvals {
    /// How many signatures are missing.
    pub fn missing(&self) -> usize {
        self.wanted.iter().map(Approval::missing).max().unwrap_or(0)
    }
}

impl Registry {
    /// Refuses a prepared statement that is for another log.
    pub fn check_log(&self, prepared: &Prepared) -> Result<(), ClientError> {
        let found = prepared.statement()?.header.log;
        if found == *self.origin() {
            return Ok(());
        }
        Err(ClientError::PreparedForOtherLog { wanted: self.origin().clone(), found })
    }

    /// Who has signed and who is still wanted, by the newest policy; when the registry does not answer, by the newest
    /// that this machine knows. `None` when it knows none. A signature that does not verify is an error.
    pub async fn approvals(&self, prepared: &Prepared) -> Result<Option<Approvals>, ClientError> {
        match self.sync().await {
            Ok(_) | Err(ClientError::Unreachable { .. }) => {}
            Err(error) => return Err(error),
        }
        let Some(chain) = self.policies_at_hand()? else { return Ok(None) };
        let (statement, policy) = (prepared.statement()?, &chain.newest().policy);
        let (signed, unknown) = prepared.signers(signatories(&statement, policy))?;
        let wanted = approvals(&statement, policy, &signed);
        Ok(Some(Approvals { policy: Arc::clone(policy), wanted, unknown }))
    }
}
