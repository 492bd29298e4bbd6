//! The public keys that a chain of policies names: what a stranger needs to check signatures with tools of their own.

use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;
use holdfast_verify::policy_chain::PolicyChain;
use serde_json::{Value, json};

/// The keys of every policy, oldest first.
pub(super) fn keys_json(policies: &PolicyChain) -> Vec<u8> {
    let all: Vec<Value> = policies.iter().map(|policy| of_policy(&policy.policy)).collect();
    let mut text = format!("{:#}", Value::Array(all)).into_bytes();
    text.push(b'\n');
    text
}

fn of_policy(policy: &Policy) -> Value {
    let listed = |keys: &[PublicKey]| keys.iter().map(shown).collect::<Vec<_>>();
    let principals = policy.principals.iter().filter_map(|principal| {
        let key = principal.key.as_ref()?;
        Some(json!({ "principal": principal.id, "key": key, "id": key.id().to_string() }))
    });
    json!({
        "policy": policy.number, "log_keys": listed(&policy.log_keys), "head_keys": listed(&policy.head_keys),
        "registry_keys": listed(&policy.registry_keys), "root_keys": listed(&policy.root.keys),
        "principals": principals.collect::<Vec<_>>(),
        "distrusted": policy.distrust.iter().map(|d| d.key.id().to_string()).collect::<Vec<_>>(),
    })
}

fn shown(key: &PublicKey) -> Value {
    json!({ "key": key, "id": key.id().to_string() })
}

/// Whose key it is in a policy that trusts it.
pub(super) fn owner(policy: &Policy, key: &PublicKey) -> Option<String> {
    if policy.distrust.iter().any(|distrust| distrust.key == *key) {
        return None;
    }
    let principal = policy.principals.iter().find(|p| p.key.as_ref() == Some(key));
    match principal {
        Some(principal) => Some(principal.id.to_string()),
        None if policy.root.keys.contains(key) => Some(format!("root key {}", key.id())),
        None => None,
    }
}
