//! Commits: each follows the one before it, is signed by who may write, and ends with the root that its entries give.

use holdfast_verify::facts::{Facts as _, FactsError};

use super::{Attachments, Facts, Replay};
use crate::audit::decode::{CommitEnd, CommitHead, Piece};
use crate::audit::finding::{Finding, FindingKind};

impl Replay {
    /// Judges successive entries; what a commit claims beside them is checked where it begins and where it ends.
    pub(super) fn piece(
        &mut self,
        facts: &mut Facts<'_>,
        piece: &Piece,
        attachments: &Attachments,
    ) -> Result<(), FactsError> {
        let mut judged = 0;
        if let Some(head) = &piece.begins {
            if !self.check_begin(facts, head)? {
                return Ok(());
            }
            // An interrupted audit may have judged its first entries; the root at its end covers them.
            judged = self.size().get() - self.position.slot_size.get();
        }
        let skipped = usize::try_from(judged).unwrap_or(usize::MAX);
        for decoded in piece.entries.iter().skip(skipped) {
            self.entry(facts, decoded, attachments)?;
            if self.stopped {
                return Ok(());
            }
        }
        if let Some(end) = piece.ends {
            self.check_end(end);
        }
        Ok(())
    }

    /// Whether a commit's entries can be judged at all.
    fn check_begin(&mut self, facts: &Facts<'_>, head: &CommitHead) -> Result<bool, FactsError> {
        let header = &head.header;
        let (number, slot, size) = (header.number, self.position.slot, self.position.slot_size);
        if header.previous_size != size || number != slot || header.count < self.size().get() - size.get() {
            let what = format!(
                "in the place of commit {slot} stands one with the number {number} that begins at entry {}, but the log before it has {size} entries",
                header.previous_size
            );
            self.find(Finding::new(FindingKind::CommitChain, what));
            self.stopped = true;
            return Ok(false);
        }
        if header.previous != self.position.commit {
            let what = format!("commit {number} does not name the hash of the commit before it");
            self.find(Finding::new(FindingKind::CommitChain, what));
        }
        let in_force = facts.policy()?.map(|fact| fact.policy);
        let mut policies = in_force.as_deref().into_iter().chain(&head.brought);
        let is_signed = policies
            .any(|policy| policy.origin == header.origin && head.is_signed_by_one_of(&policy.registry_keys));
        if !is_signed || header.origin != self.trust.origin {
            let what = format!(
                "commit {number} is not signed by a registry key of the policy in force, or is of another log"
            );
            self.find(Finding::new(FindingKind::CommitWriter, what));
        }
        Ok(true)
    }

    fn check_end(&mut self, end: CommitEnd) {
        if self.position.edge.root() != end.root {
            let what = format!("commit {} has a root that its entries do not give", end.number);
            self.find(Finding::new(FindingKind::Root, what));
        }
        (self.position.slot, self.position.commit) = (end.number + 1, end.hash);
        self.position.slot_size = self.size();
    }
}
