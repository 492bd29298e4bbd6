//! The same for snapshots of trees: one way to restore them, whichever command asks.

use std::path::Path;

use crate::artifact::ArtifactRecord;
use crate::download::Pulled;
use crate::error::ClientError;
use crate::pull::LocalVerification;
use crate::restore::{ChangeKind, RestoreInto, RestoreRequest, Restored};
use crate::session::Registry;
use crate::tree::TreeError;

impl Registry {
    /// Restores a tree over what is there: what is right by its content is kept, other things are left alone.
    pub(super) async fn pull_tree(
        &self,
        record: &ArtifactRecord,
        target: &Path,
    ) -> Result<Pulled, ClientError> {
        let into = RestoreInto::Existing { delete: false, verify: true };
        let request = RestoreRequest { into, ..RestoreRequest::all_into(target.to_owned()) };
        whole(&self.restore_tree(record, &request).await?)
    }

    /// Compares a folder with a tree by content. Owners, modes and times may be others.
    pub(super) async fn verify_local_tree(
        &self,
        record: &ArtifactRecord,
        path: &Path,
    ) -> Result<LocalVerification, ClientError> {
        let into = RestoreInto::Existing { delete: true, verify: true };
        let request = RestoreRequest { into, dry_run: true, ..RestoreRequest::all_into(path.to_owned()) };
        let found = self.restore_tree(record, &request).await?;
        let mut extra = Vec::new();
        for change in &found.changes {
            let path = change.path.as_bytes().escape_ascii().to_string();
            let rule = match change.kind {
                ChangeKind::Metadata => continue,
                ChangeKind::Remove => {
                    extra.push(path);
                    continue;
                }
                ChangeKind::Create => "it is missing",
                ChangeKind::Replace => "it is something else, or has another content",
            };
            return Err(ClientError::Differs { path, rule: rule.to_owned() });
        }
        let pulled = whole(&found)?;
        Ok(LocalVerification { files: pulled.files, bytes: pulled.bytes, extra })
    }
}

/// The counts of a restore that left nothing out.
pub(super) fn whole(restored: &Restored) -> Result<Pulled, ClientError> {
    match restored.failures.first() {
        None => Ok(Pulled { files: restored.files, bytes: restored.bytes, kept: restored.kept }),
        Some(first) => Err(TreeError::Incomplete {
            failed: restored.failed,
            path: first.path.as_bytes().escape_ascii().to_string(),
            rule: first.rule.clone(),
        }
        .into()),
    }
}
