//! The chain of policies, and policies that contradict themselves.

use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{PolicyNumber, Seconds};
use holdfast_formats::policy::{
    CalendarRule, CalendarWord, Distrust, EvidenceRule, Policy, PrincipalKind, Role, RootKeys, Schedule,
};
use holdfast_formats::statement::EvidenceKind;
use holdfast_formats::tree::LeafIndex;

use super::world::{World, ana, bob, cleo, head_key, log_key, of, policy, principal, registry_key};
use crate::refusal::{Refusal, RefusalKind};

fn rotate(
    world: &mut World,
    keys: &[&SigningKey],
    threshold: u16,
    by: &[&SigningKey],
) -> Result<LeafIndex, Refusal> {
    let mut next = world.next_policy();
    next.root = RootKeys { keys: keys.iter().map(|key| key.public()).collect(), threshold };
    world.say(next, by)
}

#[test]
fn a_policy_follows_its_predecessor_by_exactly_one() {
    let mut world = World::solo();
    let good = world.next_policy();
    let mut skipping = good.clone();
    skipping.number = skipping.number.next().unwrap();
    let mut nameless = good.clone();
    nameless.predecessor = None;
    let mut again = good.clone();
    again.number = PolicyNumber::FIRST;
    for wrong in [skipping, nameless, again] {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::StalePredecessor);
    }
    world.say(good.clone(), &[&ana()]).unwrap();
    let refusal = world.say(good, &[&ana()]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::StalePredecessor, "two successors of one policy");
}

#[test]
fn a_policy_never_changes_the_origin() {
    let mut world = World::solo();
    let mut moved = world.next_policy();
    moved.origin = of("registry.example/other");
    assert_eq!(world.say(moved, &[&ana()]).unwrap_err().kind(), RefusalKind::WrongLog);
}

#[test]
fn t30_rotating_the_root_takes_the_old_and_the_new_keys() {
    let mut world = World::solo();
    let by_old = rotate(&mut world, &[&bob()], 1, &[&ana()]).unwrap_err();
    assert_eq!(by_old, Refusal::RootThreshold { which: "new", have: 0, need: 1 });
    let by_new = rotate(&mut world, &[&bob()], 1, &[&bob()]).unwrap_err();
    assert_eq!(by_new, Refusal::RootThreshold { which: "current", have: 0, need: 1 });
    rotate(&mut world, &[&bob()], 1, &[&ana(), &bob()]).unwrap();
    let by_old_root = rotate(&mut world, &[&ana()], 1, &[&ana()]).unwrap_err();
    assert_eq!(by_old_root, Refusal::RootThreshold { which: "current", have: 0, need: 1 });
}

#[test]
fn t30_a_root_threshold_counts_distinct_keys() {
    let mut world = World::solo();
    rotate(&mut world, &[&ana(), &bob(), &cleo()], 2, &[&ana(), &bob()]).unwrap();
    let good = world.next_policy();
    let refusal = world.say(good.clone(), &[&cleo(), &cleo()]).unwrap_err();
    assert_eq!(refusal, Refusal::RootThreshold { which: "current", have: 1, need: 2 });
    world.say(good, &[&cleo(), &ana()]).unwrap();
}

#[test]
fn policy_1_is_signed_by_its_own_root() {
    let refusal = World::empty().say(policy(), &[&bob()]).unwrap_err();
    assert_eq!(refusal, Refusal::SignatureMissing, "Bob's key is no root key, so nobody knows it yet");
}

/// A change that makes a policy contradict itself, with a word of its refusal.
type Fault = (&'static str, Box<dyn Fn(&mut Policy)>);

fn case(word: &'static str, change: impl Fn(&mut Policy) + 'static) -> Fault {
    (word, Box::new(change))
}

fn schedules(word: &'static str, due: &[(&str, u64)]) -> Fault {
    let due = due.iter().map(|(name, s)| Schedule { name: of(name), every_s: Seconds::new(*s).unwrap() });
    let due: Vec<Schedule> = due.collect();
    case(word, move |p| p.channels.iter_mut().for_each(|c| c.schedules = Some(due.clone())))
}

fn evidence(kind: EvidenceKind) -> EvidenceRule {
    EvidenceRule { kind, predicate_type: None, signer: None, younger_than_s: None }
}

/// Faults of keys, principals and roles.
fn faults_of_people() -> Vec<Fault> {
    vec![
        case("log_keys is empty", |p| p.log_keys.clear()),
        case("head_keys is empty", |p| p.head_keys.clear()),
        case("registry_keys is empty", |p| p.registry_keys.clear()),
        case("listed twice", |p| p.head_keys.push(log_key().public())),
        case("listed twice", |p| p.registry_keys.push(registry_key().public())),
        case("somebody else", |p| p.principals.push(principal("dan", &registry_key()))),
        case("somebody else", |p| p.root.keys.push(head_key().public())),
        case("threshold of the root is 2, and 1", |p| p.root.threshold = 2),
        case("root key is listed twice", |p| p.root.keys.push(ana().public())),
        case("distrusted", |p| {
            let from_entry = LeafIndex::new(0).unwrap();
            p.distrust.push(Distrust { key: ana().public(), from_entry, reason: of("lost") });
        }),
        case("principal bob is listed twice", |p| {
            p.principals.push(principal("bob", &SigningKey::from_seed([99; 32])));
        }),
        case("key of dan", |p| p.principals.push(principal("dan", &bob()))),
        case("needs a key", |p| p.principals.iter_mut().for_each(|p| p.key = None)),
        case("needs a key", |p| p.principals.iter_mut().for_each(|p| p.kind = PrincipalKind::Oidc)),
        case("names dan", |p| p.roles.iter_mut().for_each(|r| r.principals.push(of("dan")))),
        case("is 0, and 1", |p| p.roles.iter_mut().for_each(|r| r.threshold = 0)),
        case("is 2, and 1", |p| p.roles.iter_mut().for_each(|r| r.threshold = 2)),
        case("is 2, and 1", |p| {
            for rule in &mut p.roles {
                rule.principals.push(of("ana"));
                rule.threshold = 2;
            }
        }),
        case("kept apart", |p| p.separate.push((Role::Publisher, Role::Publisher))),
        case("kept apart", |p| p.separate.push((Role::Holder, Role::Publisher))),
    ]
}

/// Faults of namespaces and channels.
fn faults_of_places() -> Vec<Fault> {
    vec![
        case("more than a namespace", |p| p.namespaces.iter_mut().for_each(|n| n.name = of("shop/web"))),
        case("follows and members", |p| {
            for channel in &mut p.channels {
                channel.follows = Some(of("shop/release"));
                channel.members = Some(vec![of("shop/web")]);
            }
        }),
        case("no members", |p| p.channels.iter_mut().for_each(|c| c.members = Some(Vec::new()))),
        case("before it begins", |p| {
            let (from, until) = (of("2026-12-02T00:00:00.000Z"), of("2026-12-01T00:00:00.000Z"));
            let entry = CalendarRule { from, until, rule: CalendarWord::Freeze };
            p.channels.iter_mut().for_each(|c| c.calendar = Some(vec![entry.clone()]));
        }),
        case("outside", |p| {
            p.channels.iter_mut().for_each(|c| c.evidence.push(evidence(EvidenceKind::Outside)));
        }),
        case("predicate_type", |p| {
            let wanted = EvidenceRule { predicate_type: Some(of("x")), ..evidence(EvidenceKind::Deploy) };
            p.channels.iter_mut().for_each(|c| c.evidence.push(wanted.clone()));
        }),
        case("signer of a drill", |p| {
            let wanted = EvidenceRule { signer: Some(of("ana")), ..evidence(EvidenceKind::Drill) };
            p.channels.iter_mut().for_each(|c| c.evidence.push(wanted.clone()));
        }),
        schedules("neither an artifact name", &[("Nightly Backup", 60)]),
        schedules("every 0 s", &[("drill", 0)]),
        schedules("twice", &[("shop/db", 60), ("drill", 60), ("shop/db", 90)]),
        case("no principal", |p| {
            let young = Some(Seconds::new(60).unwrap());
            let wanted = EvidenceRule {
                signer: Some(of("dan")),
                younger_than_s: young,
                ..evidence(EvidenceKind::Attest)
            };
            p.channels.iter_mut().for_each(|c| c.evidence.push(wanted.clone()));
        }),
    ]
}

#[test]
fn a_policy_that_contradicts_itself_is_refused_and_says_where() {
    for (word, change) in faults_of_people().into_iter().chain(faults_of_places()) {
        let mut world = World::solo();
        let mut wrong = world.next_policy();
        change(&mut wrong);
        let refusal = world.say(wrong, &[&ana()]).unwrap_err();
        let is_root_rule = word.contains("root is 2");
        let named = refusal.to_string().contains(word)
            || (is_root_rule && refusal.kind() == RefusalKind::ThresholdNotMet);
        assert!(named, "{word}: {refusal}");
    }
}

#[test]
fn a_policy_that_nobody_can_change_is_refused_as_the_first_one() {
    for threshold in [0, 2] {
        let mut locked = policy();
        locked.root.threshold = threshold;
        let refusal = World::empty().say(locked, &[&ana()]).unwrap_err();
        assert!(
            matches!(refusal, Refusal::PolicyUnsound { .. } | Refusal::RootThreshold { .. }),
            "{refusal}"
        );
    }
}
