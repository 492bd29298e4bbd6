//! Exporting: gather, write, sign, and verify what was written before it gets its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::Receipt;
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;

use super::gather::{Gatherer, attached, named, read};
use super::keys::{keys_json, owner};
use super::prover::Prover;
use super::seal::seal;
use super::writer::Writer;
use super::{
    ATTACHMENTS, CHECKPOINT, CONSISTENCY, CONTEXT, ENTRIES, EvidencePack, ExportRequest, Extends, INDEX,
    KEYS, MANIFEST, POLICIES, PackError, PackManifest, verify,
};
use crate::blocking;
use crate::error::ClientError;
use crate::progress::{Activity, Running};
use crate::session::{Registry, SMALL_ANSWER_MAX};
use crate::transport::Request;

/// Entries asked for at a time.
const PAGE: u32 = 256;
/// How often the published checkpoint is looked at until it has caught up; it lags by some tenths of a second.
const LOOKS_MAX: u32 = 50;

/// What was found on the way through the period.
struct Found {
    context: BTreeSet<LeafIndex>,
    attachments: BTreeSet<Sha256Digest>,
    /// Lines for people, by type.
    index: BTreeMap<&'static str, Vec<String>>,
}

impl Registry {
    /// Writes an evidence pack. Needs a token that may read the log (`audit`).
    pub async fn export_evidence(&self, request: &ExportRequest<'_>) -> Result<EvidencePack, ClientError> {
        let prover = self.published_tree().await?;
        let policies = self.policies().await?;
        let policy = policies.in_force_of(prover.size()).ok_or(PackError::Unnamed)?;
        if owner(&policy.policy, &self.signer()?.public()).is_none() {
            return Err(PackError::Unnamed.into());
        }
        let mut writer = Writer::begin(request.out)?;
        let mut gatherer = Gatherer::new(self, prover);
        let before = gatherer.older_than(request.since).await?;
        let found = self.write_entries(&mut gatherer, &mut writer, before, request).await?;
        write_context(&mut gatherer, &mut writer, before, &found.context).await?;
        let own = self.write_policies(&mut gatherer, &mut writer).await?;
        let missing = write_attachments(&gatherer, &mut writer, &found.attachments).await?;
        write_tree(&mut gatherer, &mut writer, before).await?;
        writer.add(KEYS, &keys_json(&own))?;
        writer.add(INDEX, index_text(self, request, &found, before, &gatherer).as_bytes())?;
        let manifest = PackManifest {
            log: self.origin().clone(),
            since: request.since,
            exported_at: self.now(),
            before,
            size: gatherer.prover.size(),
            missing,
            files: writer.files(),
        };
        writer.add_unlisted(MANIFEST, &seal(&manifest, self.signer()?).await?)?;
        let trust = self.trust().clone();
        blocking::run(move || {
            let pack = verify(writer.folder(), &trust)?;
            writer.finish()?;
            Ok(pack)
        })
        .await
    }

    /// The newest published checkpoint, once it has everything that is logged now: its tiles are all there.
    async fn published_tree(&self) -> Result<Prover<'_>, ClientError> {
        let wanted = self.sync().await?.size;
        for _ in 0..LOOKS_MAX {
            let request = Request::get("/log/checkpoint", "checkpoint", SMALL_ANSWER_MAX);
            let note = String::from_utf8(self.transport().call_bytes(&request).await?)
                .map_err(|e| ClientError::malformed("checkpoint", e))?;
            let checkpoint = self.check_checkpoint(&note, self.policies().await?.as_ref())?;
            if checkpoint.size() >= wanted {
                self.follow(&note, &checkpoint).await?;
                return Ok(Prover::new(self, note, checkpoint));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(ClientError::Stale {
            source: format!("the published checkpoint does not reach the {wanted} entries that there are")
                .into(),
        })
    }

    async fn write_entries(
        &self,
        gatherer: &mut Gatherer<'_>,
        writer: &mut Writer,
        before: TreeSize,
        request: &ExportRequest<'_>,
    ) -> Result<Found, ClientError> {
        let size = gatherer.prover.size();
        let _running = Running::begin(self.progress(), Activity::Audit, size.get() - before.get());
        let mut lines = writer.lines(ENTRIES)?;
        let mut found =
            Found { context: BTreeSet::new(), attachments: BTreeSet::new(), index: BTreeMap::new() };
        let mut next = before.next_index();
        while size.contains(next) {
            let left = u32::try_from(size.get() - next.get()).unwrap_or(PAGE);
            let page = self.raw_entries(next, Some(PAGE.min(left))).await?;
            if page.entries.is_empty() {
                return Err(ClientError::malformed("page of entries", "it is empty"));
            }
            for entry in &page.entries {
                let logged = read(entry, next)?;
                lines.push(&gatherer.receipt(entry, &logged, &page.grants).await?)?;
                found.note(&logged, before, request);
                next = next.checked_add(1).map_err(|e| ClientError::malformed("page of entries", e))?;
            }
            self.progress().advance(page.entries.len() as u64);
        }
        writer.close(lines)?;
        Ok(found)
    }

    /// Every policy up to the checkpoint, from the trusted one or before on.
    async fn write_policies(
        &self,
        gatherer: &mut Gatherer<'_>,
        writer: &mut Writer,
    ) -> Result<PolicyChain, ClientError> {
        let mut lines = writer.lines(POLICIES)?;
        let mut receipts = Vec::new();
        let (kept, size) = (self.state().policies()?, gatherer.prover.size());
        for receipt in kept.into_iter().filter(|receipt| size.contains(receipt.index)) {
            let receipt = Receipt { proof: gatherer.prover.proof(receipt.index).await?, ..receipt };
            lines.push(&receipt)?;
            receipts.push(receipt);
        }
        writer.close(lines)?;
        holdfast_verify::receipt::verify_policies(self.trust(), &receipts)
            .map_err(|e| ClientError::untrue("chain of policies", e))
    }
}

impl Found {
    fn note(&mut self, logged: &LoggedStatement, before: TreeSize, request: &ExportRequest<'_>) {
        let statement = logged.statement();
        self.context.extend(named(&statement.predicate).into_iter().filter(|index| before.contains(*index)));
        self.attachments.extend(attached(&statement.predicate));
        let line = format!("{:>8}  {}  {}", logged.index(), logged.time(), (request.describe)(statement));
        self.index.entry(statement.kind().as_str()).or_default().push(line);
    }
}

/// The earlier entries that were named, and the last one before the period, which shows where it begins.
async fn write_context(
    gatherer: &mut Gatherer<'_>,
    writer: &mut Writer,
    before: TreeSize,
    context: &BTreeSet<LeafIndex>,
) -> Result<(), ClientError> {
    let mut all = context.clone();
    all.extend(before.get().checked_sub(1).and_then(|last| LeafIndex::new(last).ok()));
    let mut lines = writer.lines(CONTEXT)?;
    for index in all {
        let (logged, page) = gatherer.one(index).await?;
        for entry in &page.entries {
            lines.push(&gatherer.receipt(entry, &logged, &page.grants).await?)?;
        }
    }
    writer.close(lines)
}

async fn write_attachments(
    gatherer: &Gatherer<'_>,
    writer: &mut Writer,
    wanted: &BTreeSet<Sha256Digest>,
) -> Result<Vec<Sha256Digest>, ClientError> {
    let mut missing = Vec::new();
    for digest in wanted {
        match gatherer.attachment(*digest).await? {
            Some(bytes) => writer.add(&format!("{ATTACHMENTS}/{digest}"), &bytes)?,
            None => missing.push(*digest),
        }
    }
    Ok(missing)
}

async fn write_tree(
    gatherer: &mut Gatherer<'_>,
    writer: &mut Writer,
    before: TreeSize,
) -> Result<(), ClientError> {
    let (old_root, hashes) = gatherer.prover.extends(before).await?;
    let (new_size, new_root) = (gatherer.prover.size(), gatherer.prover.root());
    let extends = Extends { old_size: before, old_root, new_size, new_root, hashes };
    let json = serde_json::to_vec(&extends)
        .map_err(|source| ClientError::Encode { what: "consistency proof", source })?;
    writer.add(CONSISTENCY, &json)?;
    writer.add(CHECKPOINT, gatherer.prover.note().as_bytes())
}

fn index_text(
    registry: &Registry,
    request: &ExportRequest<'_>,
    found: &Found,
    before: TreeSize,
    gatherer: &Gatherer<'_>,
) -> String {
    let size = gatherer.prover.size();
    let mut text = format!(
        "Evidence of the log {}\nsince {}: entries {before} to before {size}\n\n\
         Check it with `holdfast verify` and a trust.json that is not from here. Then every line below is a statement\n\
         that stands in the log at its place, signed by whom the policy in force let say it; nothing was left out.\n",
        registry.origin(),
        request.since
    );
    for (kind, lines) in &found.index {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{kind}: {}", lines.len());
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
