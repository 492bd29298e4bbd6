//! Receipts: an entry with the proof that it is in the log, checked from end to end.

use holdfast_formats::checkpoint::{Checkpoint, CheckpointError};
use holdfast_formats::note::Note;
use holdfast_formats::proof::{ProofError, TlogProof};
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1::{GrantList, Receipt, ShownGrant};

use crate::entitlement::{self, EntitlementError};
use crate::evidence::EvidenceError;
use crate::facts::GrantFact;
use crate::grants::{ShownGrants, read_shown};
use crate::inclusion::{InclusionError, verify_inclusion};
use crate::logged::{LoggedError, LoggedStatement};
use crate::policy_chain::{ChainError, PolicyChain};
use crate::verified::Verified;

/// Why a receipt was refused.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The entry itself.
    #[error("the receipt's entry is refused")]
    Entry(#[from] LoggedError),
    /// Who signed the statement.
    #[error("the receipt's statement is not believed")]
    Entitlement(#[from] EntitlementError),
    /// A grant: listed, or that of an ephemeral key that signed it.
    #[error("the grant that is shown, entry {index}, is not believed")]
    Grant {
        /// The grant.
        index: LeafIndex,
        /// Why.
        source: EvidenceError,
    },
    /// The proof's text.
    #[error("the receipt's proof is malformed")]
    Proof(#[from] ProofError),
    /// The proof is about another place than the receipt.
    #[error("the receipt is for entry {receipt}, its proof for entry {proof}")]
    OtherIndex {
        /// What the receipt says.
        receipt: LeafIndex,
        /// What the proof says.
        proof: LeafIndex,
    },
    /// The checkpoint inside the proof.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is older than every policy that is known.
    #[error(
        "no policy is known that was in force when the log had {0} entries; fetch the chain of policies from its beginning"
    )]
    NoPolicy(TreeSize),
    /// The audit path.
    #[error("the receipt does not prove its entry")]
    Inclusion(#[from] InclusionError),
    /// The policies that came as receipts.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Checks a receipt: the leaf, its place under a signed checkpoint, its form, and that its signers may say it.
pub fn verify_receipt(
    receipt: &Receipt,
    policies: &PolicyChain,
) -> Result<(Checkpoint, Verified<LoggedStatement>), ReceiptError> {
    let logged = LoggedStatement::of_receipt(receipt)?;
    let checkpoint = check_place(receipt, &logged, policies)?;
    let grants = ShownGrants::read(&receipt.grant, &checkpoint, policies)
        .map_err(|(index, source)| ReceiptError::Grant { index, source })?;
    entitlement::check(&logged, policies, &grants)?;
    Ok((checkpoint, Verified::new(logged)))
}

/// Checks a list of grants: each proven against the list's checkpoint, and given and ended by those who may.
pub fn verify_grants(
    list: &GrantList,
    policies: &PolicyChain,
) -> Result<(Checkpoint, Vec<Verified<GrantFact>>), ReceiptError> {
    let checkpoint = verify_checkpoint(&list.checkpoint, policies)?;
    let read = |shown: &ShownGrant| {
        let index = shown.grant.index;
        let fact = read_shown(shown, &checkpoint, policies);
        fact.map(Verified::new).map_err(|source| ReceiptError::Grant { index, source })
    };
    let grants = list.grants.iter().map(read).collect::<Result<_, _>>()?;
    Ok((checkpoint, grants))
}

/// Follows policies, oldest first, from the trusted one by their root keys. That they are in the log is not checked: a
/// later policy, not yet fetched, may name the key that signed the checkpoint.
pub fn follow_policies(trust: &Trust, receipts: &[Receipt]) -> Result<PolicyChain, ReceiptError> {
    Ok(PolicyChain::from_trust(trust, &read_all(receipts)?)?)
}

/// Follows the receipts of policies, oldest first, from the trusted one; each must be in the log where it claims to be.
pub fn verify_policies(trust: &Trust, receipts: &[Receipt]) -> Result<PolicyChain, ReceiptError> {
    let logged = read_all(receipts)?;
    let chain = PolicyChain::from_trust(trust, &logged)?;
    for (receipt, logged) in receipts.iter().zip(&logged) {
        check_place(receipt, logged, &chain)?;
    }
    Ok(chain)
}

fn read_all(receipts: &[Receipt]) -> Result<Vec<LoggedStatement>, ReceiptError> {
    Ok(receipts.iter().map(LoggedStatement::of_receipt).collect::<Result<_, _>>()?)
}

fn check_place(
    receipt: &Receipt,
    logged: &LoggedStatement,
    policies: &PolicyChain,
) -> Result<Checkpoint, ReceiptError> {
    let proof: TlogProof = receipt.proof.parse()?;
    if proof.index() != receipt.index {
        return Err(ReceiptError::OtherIndex { receipt: receipt.index, proof: proof.index() });
    }
    let checkpoint = verify_checkpoint(proof.checkpoint(), policies)?;
    let (size, root) = (checkpoint.size(), checkpoint.root());
    verify_inclusion(&logged.leaf(), proof.index(), size, proof.hashes(), &root)?;
    Ok(checkpoint)
}

/// Reads a signed checkpoint by the log keys of the policy that was in force at its size.
pub(crate) fn verify_checkpoint(signed: &str, policies: &PolicyChain) -> Result<Checkpoint, ReceiptError> {
    let note = Note::parse(signed.as_bytes()).map_err(CheckpointError::from)?;
    let size = Checkpoint::from_body(note.unverified_text())?.size();
    let policy = policies.in_force_of(size).ok_or(ReceiptError::NoPolicy(size))?;
    Ok(Checkpoint::from_signed(signed.as_bytes(), policies.origin(), &policy.policy.log_keys)?)
}

#[cfg(test)]
mod tests;
