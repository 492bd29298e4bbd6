//! Chains of policies with a link missing, in another order, or made by somebody else.

use anyhow::Result;
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::Predicate;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::{KnownGood, PolicyChain, Receipt};
use holdfast_tests::evil::{Answer, EvilWorld, Operator, Reply, change, instead};
use holdfast_verify::logged::LoggedStatement;

use crate::case::{Case, altered, lookup_of};
use crate::question::Question;
use crate::suite::refuse;

const POLICIES: &str = "/v1/policies?after=0";

fn chain(name: &str, says: &'static str, alter: impl Fn(&mut Vec<Receipt>) + Send + Sync + 'static) -> Case {
    let lie = change(POLICIES, move |_, answer| {
        Reply::Answer(answer.edit::<PolicyChain>(|chain| alter(&mut chain.policies)))
    });
    Case::new(name, Question::Sync, says, lie).for_newcomer()
}

/// The newest policy with its place.
fn newest(operator: &Operator) -> (LoggedStatement, Policy) {
    let found = (0..operator.size().get()).rev().find_map(|index| {
        let index = holdfast_formats::tree::LeafIndex::new(index).ok()?;
        let logged = LoggedStatement::of_logged(&operator.entry(index)).ok()?;
        match &logged.statement().predicate {
            Predicate::Policy(policy) => Some((logged.clone(), policy.as_ref().clone())),
            _ => None,
        }
    });
    found.expect("policy 1 is entry 0")
}

/// A further policy that the root keys did not sign.
fn usurped(
    world: &EvilWorld,
    name: &str,
    by: &SigningKey,
    alter: impl Fn(&mut Policy, &SigningKey) + Send + Sync + 'static,
) -> Vec<Case> {
    let mut operator = world.operator.clone();
    let (logged, mut policy) = newest(&operator);
    policy.number = policy.number.next().expect("a small number");
    policy.predecessor = Some(logged.entry());
    alter(&mut policy, by);
    let index = operator.log(policy, &[by]);
    let receipt = operator.receipt(index);
    let page = Answer::json(&PolicyChain { policies: vec![receipt] });
    let proven = operator.proven(index);
    let lookup = change(&lookup_of("shop/prod"), move |asked, answer| {
        Reply::Answer(answer.edit::<KnownGood>(|answer| {
            answer.policies.push(proven.clone());
            operator.prove(answer, asked);
        }))
    });
    vec![
        Case::new(
            format!("{name}, as a page"),
            Question::Sync,
            "polic",
            instead("/v1/policies?after=3", Reply::Answer(page)),
        ),
        Case::new(format!("{name}, in a lookup"), Question::KnownGood("shop/prod"), "polic", lookup),
    ]
}

#[test]
fn chains_of_policies_that_do_not_lead_on_are_refused() -> Result<()> {
    refuse(|_| {
        vec![
            chain("policy 2 is skipped", "polic", |p| drop(p.remove(1))),
            chain("policy 1 is skipped", "polic", |p| drop(p.remove(0))),
            chain("rewound", "polic", |p| p.reverse()),
            chain("policy 2 twice", "polic", |p| p.insert(1, p[1].clone())),
            chain("policies 2 and 3 swapped", "polic", |p| p.swap(1, 2)),
            chain("a policy under another's proof", "polic", |p| p[1].proof = p[2].proof.clone()),
            chain("a policy under another's index", "polic", |p| p[1].index = p[2].index),
            chain("a policy without its proof", "polic", |p| p[2].proof.clear()),
            chain("no policy at all, but a page of itself", "polic", |p| {
                p.truncate(1);
                p.extend_from_within(..);
            }),
            altered("a lookup repeats policy 3 as new", "shop/prod", "polic", |a| {
                let pin = a.lines[0].pin.clone();
                a.policies.push(pin);
            }),
        ]
    })
}

#[test]
fn policies_that_the_root_keys_did_not_sign_are_refused() -> Result<()> {
    refuse(|world| {
        let (registry, log) = (world.operator.keys.registry.clone(), world.operator.keys.log.clone());
        let (bob, own) = (world.bob.key(), SigningKey::from_seed([77; 32]));
        let take_over = |policy: &mut Policy, key: &SigningKey| {
            policy.root.keys = vec![key.public()];
        };
        let mut cases = usurped(world, "a root key of the operator's own", &own, take_over);
        cases.extend(usurped(world, "the registry's key as root key", &registry, take_over));
        cases.extend(usurped(world, "the log key signs", &log, |_, _| {}));
        cases.extend(usurped(world, "a principal signs", &bob, |_, _| {}));
        cases.extend(usurped(world, "a threshold of nobody", &own, |policy, _| policy.root.threshold = 0));
        cases
    })
}

#[test]
fn policies_of_the_root_key_that_skip_or_go_back_are_refused() -> Result<()> {
    refuse(|world| {
        let ana = world.ana.key();
        let mut cases = usurped(world, "policy 5 after 3", &ana, |policy, _| {
            policy.number = policy.number.next().expect("a small number");
        });
        cases.extend(usurped(world, "policy 3 again", &ana, |policy, _| {
            policy.number = PolicyNumber::new(3).expect("a small number");
        }));
        cases.extend(usurped(world, "without predecessor", &ana, |policy, _| policy.predecessor = None));
        cases.extend(usurped(world, "another predecessor", &ana, |policy, _| {
            if let Some(entry) = &mut policy.predecessor {
                entry.leaf = holdfast_formats::tree::TreeHash::empty();
            }
        }));
        cases.extend(usurped(world, "of another log", &ana, |policy, _| {
            policy.origin = holdfast_tests::of("twin.example/log");
        }));
        cases
    })
}

/// Who knows policy 3 is not shown a log of before.
#[test]
fn a_log_from_before_a_known_policy_is_refused() -> Result<()> {
    refuse(|world| {
        let operator = world.operator.clone();
        let size = TreeSize::new(newest(&operator).0.index().get()).expect("a small log");
        let lie = change(&lookup_of("shop/staging"), move |asked, answer| {
            Reply::Answer(answer.edit::<KnownGood>(|answer| {
                let mut cut = operator.clone();
                answer.lines.clear();
                answer.artifacts.clear();
                answer.policies.clear();
                cut.cut_to(size);
                cut.prove(answer, asked);
            }))
        });
        vec![Case::new("policy 3 is hidden", Question::KnownGood("shop/staging"), "policy 3", lie)]
    })
}
