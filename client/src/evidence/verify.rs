//! Verifying a pack without any network, with nothing but a trust.json.
//!
//! From the outside in: which files, by the manifest; which policies, by the trust; which tree, by the policies; then every
//! entry by its proof and its signatures, and that none is missing; at last who vouches for the selection.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::from_json;
use holdfast_formats::proof::{ProofError, TlogProof};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1::Receipt;
use holdfast_verify::consistency::verify_consistency;
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::receipt::{verify_policies, verify_receipt};

use super::gather::attached;
use super::keys::keys_json;
use super::seal::Sealed;
use super::{
    ATTACHMENTS, CHECKPOINT, CONSISTENCY, CONTEXT, ENTRIES, EvidencePack, Extends, KEYS, MANIFEST, POLICIES,
    PackError, PackManifest, read,
};
use crate::error::ClientError;

/// Verifies a pack. Blocks; it reads every file twice.
pub fn verify(folder: &Path, trust: &Trust) -> Result<EvidencePack, ClientError> {
    let sealed = Sealed::read(&read::manifest(folder)?)?;
    let manifest = &sealed.manifest;
    if manifest.log != trust.origin {
        return Err(ClientError::OtherLog { wanted: trust.origin.clone(), found: manifest.log.clone() });
    }
    read::check_files(folder, &manifest.files)?;
    let note = String::from_utf8(read::small(folder, CHECKPOINT)?)
        .map_err(|_| PackError::broken(CHECKPOINT, "it is not text"))?;
    let (policies, checkpoint) = check_policies(folder, trust, &note)?;
    if checkpoint.size() != manifest.size {
        return Err(PackError::broken(MANIFEST, "it is about another size than the checkpoint").into());
    }
    let pack = Pack { folder, manifest, note: &note, policies: &policies };
    pack.check_extends(&checkpoint)?;
    pack.check_context()?;
    let types = pack.check_entries()?;
    if read::small(folder, KEYS)? != keys_json(&policies) {
        return Err(PackError::broken(KEYS, "it does not have the keys that the policies name").into());
    }
    let in_force = policies.in_force_of(checkpoint.size());
    let in_force = in_force.ok_or_else(|| PackError::broken(POLICIES, "none is in force"))?;
    Ok(EvidencePack {
        exporter: sealed.signer(&in_force.policy)?,
        log: manifest.log.clone(),
        since: manifest.since,
        exported_at: manifest.exported_at,
        before: manifest.before,
        size: manifest.size,
        root: checkpoint.root(),
        types,
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.size).sum(),
        missing: manifest.missing.clone(),
    })
}

/// The chain of policies, and the checkpoint that its receipts lead to.
fn check_policies(
    folder: &Path,
    trust: &Trust,
    note: &str,
) -> Result<(PolicyChain, Checkpoint), ClientError> {
    let mut receipts = Vec::new();
    read::receipts(folder, POLICIES, |receipt| {
        check_note(POLICIES, &receipt, note)?;
        receipts.push(receipt);
        Ok(())
    })?;
    let broken = |e: holdfast_verify::receipt::ReceiptError| PackError::broken(POLICIES, in_full(&e));
    let policies = verify_policies(trust, &receipts).map_err(broken)?;
    let newest = receipts.last().ok_or_else(|| PackError::broken(POLICIES, "it is empty"))?;
    let (checkpoint, _) = verify_receipt(newest, &policies).map_err(broken)?;
    Ok((policies, checkpoint))
}

/// Every proof is under the one checkpoint.
fn check_note(file: &str, receipt: &Receipt, note: &str) -> Result<(), PackError> {
    let proof: TlogProof =
        receipt.proof.parse().map_err(|e: ProofError| PackError::broken(file, e.to_string()))?;
    if proof.checkpoint() == note {
        return Ok(());
    }
    Err(PackError::broken(file, format!("entry {} is proven under another checkpoint", receipt.index)))
}

/// A pack whose files are those of its manifest.
struct Pack<'a> {
    folder: &'a Path,
    manifest: &'a PackManifest,
    note: &'a str,
    policies: &'a PolicyChain,
}

impl Pack<'_> {
    /// The tree before the period is the beginning of this one.
    fn check_extends(&self, checkpoint: &Checkpoint) -> Result<(), ClientError> {
        let broken = |rule: String| PackError::broken(CONSISTENCY, rule);
        let bytes = read::small(self.folder, CONSISTENCY)?;
        let extends: Extends = from_json(&bytes, bytes.len()).map_err(|e| broken(e.to_string()))?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        if (extends.old_size, extends.new_size, extends.new_root) != (self.manifest.before, size, root) {
            return Err(broken("it is about other trees".to_owned()).into());
        }
        let (old, old_root) = (extends.old_size, extends.old_root);
        verify_consistency(old, size, &old_root, &root, &extends.hashes)
            .map_err(|e| broken(e.to_string()))?;
        Ok(())
    }

    /// Earlier entries in their order; the last before the period is among them, and older than it.
    fn check_context(&self) -> Result<(), ClientError> {
        let broken = |rule: &str| PackError::broken(CONTEXT, rule);
        let mut last: Option<(LeafIndex, Timestamp)> = None;
        read::receipts(self.folder, CONTEXT, |receipt| {
            let logged = self.check(CONTEXT, &receipt)?;
            if last.is_some_and(|(index, _)| index >= receipt.index) {
                return Err(broken("its entries are not in order").into());
            }
            last = Some((receipt.index, logged.time()));
            Ok(())
        })?;
        let before = self.manifest.before.get();
        match last {
            None if before == 0 => Ok(()),
            Some((index, time)) if index.get() + 1 == before && time < self.manifest.since => Ok(()),
            _ => Err(broken("it does not show that the period begins where the pack does").into()),
        }
    }

    /// The entries of the period: all of them, each in its place, with what they name.
    fn check_entries(&self) -> Result<BTreeMap<&'static str, u64>, ClientError> {
        let broken = |rule: String| PackError::broken(ENTRIES, rule);
        let mut next = self.manifest.before.get();
        let mut types = BTreeMap::new();
        let mut wanted: BTreeSet<Sha256Digest> = BTreeSet::new();
        read::receipts(self.folder, ENTRIES, |receipt| {
            if receipt.index.get() != next {
                return Err(broken(format!("entry {next} is not there")).into());
            }
            let logged = self.check(ENTRIES, &receipt)?;
            if logged.time() < self.manifest.since {
                return Err(broken(format!("entry {next} is older than the period")).into());
            }
            let statement = logged.statement();
            *types.entry(statement.kind().as_str()).or_insert(0) += 1;
            wanted.extend(attached(&statement.predicate));
            next += 1;
            Ok(())
        })?;
        if next != self.manifest.size.get() {
            return Err(broken(format!("entry {next} is not there")).into());
        }
        self.check_attachments(&wanted)?;
        Ok(types)
    }

    /// What the entries name is there or said to be missing, and nothing else is.
    fn check_attachments(&self, wanted: &BTreeSet<Sha256Digest>) -> Result<(), ClientError> {
        let mut found: BTreeSet<Sha256Digest> = self.manifest.missing.iter().copied().collect();
        for file in &self.manifest.files {
            let Some(name) = file.path.strip_prefix(ATTACHMENTS).and_then(|rest| rest.strip_prefix('/'))
            else {
                continue;
            };
            if name != file.digests.sha256.to_string() {
                return Err(PackError::broken(&file.path, "its name is not its digest").into());
            }
            found.insert(file.digests.sha256);
        }
        if found == *wanted {
            return Ok(());
        }
        Err(PackError::broken(ATTACHMENTS, "they are not those that the entries name").into())
    }

    fn check(&self, file: &str, receipt: &Receipt) -> Result<LoggedStatement, ClientError> {
        check_note(file, receipt, self.note)?;
        let (_, logged) = verify_receipt(receipt, self.policies)
            .map_err(|e| PackError::broken(file, format!("entry {}: {}", receipt.index, in_full(&e))))?;
        Ok(logged.into_inner())
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
