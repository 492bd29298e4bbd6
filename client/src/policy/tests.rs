use holdfast_formats::key::SigningKey;
use holdfast_formats::policy::Role;
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};

use super::*;
use holdfast_formats::policy::Policy;

fn key(seed: u8) -> holdfast_formats::key::PublicKey {
    SigningKey::from_seed([seed; 32]).public()
}

fn solo() -> Policy {
    let keys = RegistryKeys { log: key(1), head: key(2), registry: key(3) };
    solo_policy("example/log".parse().unwrap(), keys, key(9), "owner".parse().unwrap())
}

fn member(id: &str, seed: u8) -> Member {
    Member { id: id.parse().unwrap(), key: key(seed) }
}

fn team(owners: Vec<Member>, releasers: Vec<Member>) -> Team {
    Team {
        owners,
        releasers,
        publishers: Vec::new(),
        root_threshold: None,
        pin_threshold: None,
        may_release_own: false,
    }
}

fn changes(old: &Policy, new: &Policy) -> Vec<String> {
    difference(old, new).iter().map(ToString::to_string).collect()
}

#[test]
fn a_team_of_three_needs_two_for_the_root_and_for_a_pin() {
    let mut policy = solo();
    upgrade(&mut policy, &team(vec![member("bob", 20), member("cleo", 21)], vec![])).unwrap();
    assert_eq!((policy.root.keys.len(), policy.root.threshold), (3, 2));
    let releasers = policy.roles.iter().find(|rule| rule.role == Role::Releaser).unwrap();
    assert_eq!((releasers.principals.len(), releasers.threshold), (3, 2));
    assert_eq!(policy.separate, [(Role::Publisher, Role::Releaser)]);
    let said = changes(&solo(), &policy);
    for wanted in [
        "~ threshold of the root: 1 → 2".to_owned(),
        format!("+ root key {}", key(20)),
        format!("+ principal bob {}", key(20)),
        "+ role releaser (names *, channels *): bob".to_owned(),
        "~ role releaser (names *, channels *): threshold: 1 → 2".to_owned(),
        "+ separate publisher from releaser".to_owned(),
    ] {
        assert!(said.contains(&wanted), "{wanted}: {said:#?}");
    }
    assert!(cautions(&solo(), &policy).is_empty());
}

#[test]
fn a_team_that_could_not_pin_or_names_somebody_twice_is_refused() {
    let two = team(vec![member("bob", 20)], vec![]);
    let refused = upgrade(&mut solo(), &two).unwrap_err().to_string();
    assert!(refused.contains("--may-release-own"), "{refused}");
    assert!(upgrade(&mut solo(), &Team { may_release_own: true, ..two.clone() }).is_ok());
    assert!(upgrade(&mut solo(), &Team { pin_threshold: Some(1), ..two.clone() }).is_ok());
    assert!(upgrade(&mut solo(), &Team { pin_threshold: Some(4), ..two }).is_err());
    assert!(upgrade(&mut solo(), &team(vec![], vec![])).is_err());
    assert!(upgrade(&mut solo(), &team(vec![member("owner", 20)], vec![])).is_err());
    assert!(upgrade(&mut solo(), &team(vec![member("other", 9)], vec![])).is_err());
}

#[test]
fn what_a_change_weakens_is_said() {
    let mut strong = solo();
    upgrade(&mut strong, &team(vec![member("bob", 20), member("cleo", 21)], vec![])).unwrap();
    let class: holdfast_formats::text::Label = "build".parse().unwrap();
    let window = |days: u64| holdfast_formats::policy::Window {
        keep_s: holdfast_formats::number::Seconds::new(days * 86_400).unwrap(),
        mode: holdfast_formats::statement::WindowMode::Compliance,
    };
    strong.namespaces[0].windows.insert(class.clone(), window(90));
    let mut weak = strong.clone();
    weak.namespaces[0].windows.insert(class, window(30));
    weak.namespaces[0].public_read = true;
    weak.root.keys = vec![key(30)];
    weak.root.threshold = 1;
    weak.separate.clear();
    for rule in weak.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        rule.threshold = 1;
    }
    let said = cautions(&strong, &weak).join("\n");
    for wanted in [
        "root threshold falls",
        "no root key of today",
        "only root key",
        "releaser role falls",
        "separate",
        "everybody may read",
        "never takes effect",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let changed = changes(&strong, &weak).join("\n");
    assert!(
        changed.contains("~ namespace *: window of build: 90 d (compliance) → 30 d (compliance)"),
        "{changed}"
    );
    assert!(changed.contains("~ namespace *: read by everybody: false → true"), "{changed}");
}

#[test]
fn keys_of_the_registry_rotate_at_once_or_beside_the_old_ones() {
    let mut policy = solo();
    rotate_registry_key(&mut policy, RegistryKey::Log, key(40), true).unwrap();
    assert_eq!(policy.log_keys, [key(1), key(40)]);
    rotate_registry_key(&mut policy, RegistryKey::Log, key(40), false).unwrap();
    assert_eq!(policy.log_keys, [key(40)]);
    assert!(rotate_registry_key(&mut policy, RegistryKey::Log, key(40), false).is_err());
    assert_eq!(
        changes(&solo(), &policy),
        [format!("- log key {}", key(1)), format!("+ log key {}", key(40))]
    );
}

#[test]
fn a_root_key_changes_with_the_principal_who_has_it() {
    let mut policy = solo();
    assert!(rotate_root_key(&mut policy, &key(8), &key(50)).is_err());
    assert!(rotate_root_key(&mut policy, &key(9), &key(9)).is_err());
    rotate_root_key(&mut policy, &key(9), &key(50)).unwrap();
    assert_eq!(
        (policy.root.keys.as_slice(), policy.principals[0].key.as_ref()),
        (&[key(50)][..], Some(&key(50)))
    );
}

#[test]
fn a_key_is_distrusted_from_an_entry_on_and_leaves_the_root_when_that_can_do_without() {
    let from = |n: u64| holdfast_formats::tree::LeafIndex::new(n).unwrap();
    let why = || "stolen".parse().unwrap();
    assert!(distrust(&mut solo(), &key(9), from(4), why()).is_err(), "nobody is left");
    assert!(distrust(&mut solo(), &key(1), from(4), why()).is_err(), "the log's key rotates");
    let mut policy = solo();
    upgrade(&mut policy, &team(vec![member("bob", 20), member("cleo", 21)], vec![])).unwrap();
    distrust(&mut policy, &key(20), from(4), why()).unwrap();
    assert_eq!(policy.root.keys, [key(9), key(21)]);
    assert!(distrust(&mut policy, &key(20), from(5), why()).is_err(), "from 4 on already");
    distrust(&mut policy, &key(20), from(3), why()).unwrap();
    assert_eq!((policy.distrust.len(), policy.distrust[0].from_entry), (1, from(3)));
}
