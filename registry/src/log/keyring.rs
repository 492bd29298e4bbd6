//! Which of the node's keys sign under which policy.
//!
//! Keys rotate by policy: from the entry of a policy on, only the keys that it names sign. The node holds old and new ones
//! side by side and looks into its folder again when it holds none that a policy names. It never signs with another.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use holdfast_formats::key::{PublicKey, SigningKey};
use holdfast_formats::policy::Policy;

use super::keys::{KeyKind, KeysError, NodeKeys};

/// The keys that sign under one policy.
#[derive(Debug, Clone)]
pub struct ActingKeys {
    /// Each signs checkpoints: during a change, who knows only the old key believes it still.
    pub(super) log: Vec<SigningKey>,
    /// Signs channel heads.
    pub(crate) head: SigningKey,
    /// Signs commits and the registry's own statements.
    pub(crate) registry: SigningKey,
}

impl ActingKeys {
    /// The key that signs commits and the registry's own statements.
    pub const fn registry(&self) -> &SigningKey {
        &self.registry
    }
}

/// The keys that a node holds, and where they are.
#[derive(Debug)]
pub struct Keyring {
    folder: PathBuf,
    held: RwLock<Arc<NodeKeys>>,
    /// The number of the policy for whose keys the folder was last looked into; 0 for none.
    looked_for: AtomicU64,
}

impl Keyring {
    /// These keys of this folder.
    pub fn new(keys: NodeKeys, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), held: RwLock::new(Arc::new(keys)), looked_for: AtomicU64::new(0) }
    }

    /// What is held now.
    pub fn held(&self) -> Arc<NodeKeys> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys that sign while a policy is in force; the first ones before any is. The folder is looked into again when none
    /// is held, and once for every policy that names one which is not.
    pub(super) fn acting(&self, policy: Option<&Policy>) -> Result<ActingKeys, KeysError> {
        let held = self.held();
        let acting = held.acting(policy);
        let is_settled = policy.is_none_or(|policy| held.has_all_of(policy) || self.has_looked_for(policy));
        if is_settled && acting.is_ok() {
            return acting;
        }
        match NodeKeys::load(&self.folder) {
            Ok(Some(found)) if found.origin == held.origin => {
                let found = Arc::new(found);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&found);
                found.acting(policy)
            }
            _ => acting,
        }
    }

    /// Whether the folder was looked into for this policy; from now on it was.
    fn has_looked_for(&self, policy: &Policy) -> bool {
        let number = policy.number.get();
        self.looked_for.swap(number, Ordering::Relaxed) == number
    }

    /// The keys with which checkpoints may be signed that are there already.
    pub(super) fn checkpoint_keys(&self, policy: Option<&Policy>) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> = policy.map_or_else(Vec::new, |policy| policy.log_keys.clone());
        for key in self.held().keys(KeyKind::Log).iter().map(SigningKey::public) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}
