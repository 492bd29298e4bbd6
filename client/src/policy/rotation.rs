//! New keys in the place of old ones.

use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;

use super::refused;
use crate::error::ClientError;

/// Which of the registry's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKey {
    /// It signs checkpoints.
    Log,
    /// It signs channel heads.
    Head,
    /// It signs commits and the registry's own statements.
    Registry,
}

/// Gives the registry a new key of a kind. From that policy on only it counts, unless the old ones are kept beside it for
/// a while.
pub fn rotate_registry_key(
    policy: &mut Policy,
    kind: RegistryKey,
    new: PublicKey,
    keep_old: bool,
) -> Result<(), ClientError> {
    let keys = match kind {
        RegistryKey::Log => &mut policy.log_keys,
        RegistryKey::Head => &mut policy.head_keys,
        RegistryKey::Registry => &mut policy.registry_keys,
    };
    let is_there = keys.contains(&new);
    if is_there && (keep_old || keys.len() == 1) {
        return Err(refused(format!("{new} is in force already")));
    }
    if !keep_old {
        keys.clear();
    }
    keys.push(new);
    Ok(())
}

/// Gives a root key, and whatever principal has it, a new key.
pub fn rotate_root_key(policy: &mut Policy, old: &PublicKey, new: &PublicKey) -> Result<(), ClientError> {
    let principals = policy.principals.iter().filter_map(|p| p.key.as_ref());
    if principals.chain(&policy.root.keys).any(|key| key == new) {
        return Err(refused(format!("{new} is somebody's key already")));
    }
    let Some(place) = policy.root.keys.iter_mut().find(|key| *key == old) else {
        return Err(refused(format!("{old} is no root key; `holdfast policy show` lists them")));
    };
    *place = new.clone();
    for principal in policy.principals.iter_mut().filter(|p| p.key.as_ref() == Some(old)) {
        principal.key = Some(new.clone());
    }
    Ok(())
}
