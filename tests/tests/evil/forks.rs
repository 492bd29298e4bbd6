//! T12: two logs where one should be. Each is signed, and each may be whole by itself.

use anyhow::Result;
use holdfast_formats::statement::Freeze;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{Consistency, ExitCode};
use holdfast_tests::evil::{Answer, Deed, EvilProxy, EvilWorld, Lie, Operator, Reply, change, honest};
use holdfast_tests::of;
use std::sync::Arc;

use crate::case::{Case, forged};
use crate::question::Question;
use crate::suite::{count_refused, refuse, sentence, shared};

const FORK: &str = "not the one";

/// The same log without its last entries, and then others.
fn forked(world: &EvilWorld, back: u64, on: usize) -> Operator {
    let mut fork = world.operator.clone();
    let size = TreeSize::new(fork.size().get() - back).expect("the log is longer");
    fork.cut_to(size);
    for _ in 0..on {
        let freeze = Freeze { channel: of("shop/other"), reason: of("another history"), until: None };
        let key = fork.keys.registry.clone();
        fork.log(freeze, &[&key]);
    }
    fork
}

/// Serves a log of the operator's instead of the registry's: checkpoint, receipts and proofs.
fn serve(operator: &Operator) -> Lie {
    let operator = Arc::new(operator.clone());
    Arc::new(move |asked| {
        let answer = if asked.path.starts_with("/v1/log/checkpoint") {
            Answer::new(200, "text/plain; charset=utf-8", operator.checkpoint(operator.size()))
        } else if asked.path.starts_with("/v1/log/consistency") {
            Answer::json(&operator.consistency(asked))
        } else if let Some(index) = asked.path.strip_prefix("/v1/log/proof/") {
            Answer::json(&operator.receipt(of(index)))
        } else {
            return Deed::Pass;
        };
        Deed::Instead(Reply::Answer(answer))
    })
}

#[test]
fn t12_a_log_that_does_not_extend_the_one_seen_is_refused() -> Result<()> {
    refuse(|world| {
        let same = forked(world, 1, 1);
        let larger = forked(world, 3, 9);
        let smaller = forked(world, 9, 4);
        let last = of(&(world.operator.size().get() - 1).to_string());
        let known_good = |name: &str, fork: &Operator| {
            let fork = fork.clone();
            forged(world, name, "shop/prod", "", move |operator, _| *operator = fork.clone())
        };
        vec![
            Case::new("the same size, another root", Question::Sync, FORK, serve(&same)),
            Case::new("a larger log", Question::Sync, FORK, serve(&larger)),
            Case::new("a smaller log", Question::Sync, FORK, serve(&smaller)),
            Case::new("a receipt of a fork", Question::Receipt(of("1")), FORK, serve(&larger)),
            Case::new("a receipt of a fork of the same size", Question::Receipt(of("1")), FORK, serve(&same)),
            Case::new("an entry that only the fork has", Question::Receipt(last), "", serve(&larger)),
            known_good("the answer of a fork of the same size", &same),
            known_good("the answer of a larger fork", &larger),
            known_good("the answer of a smaller fork", &smaller),
        ]
    })
}

#[test]
fn t12_proofs_of_one_log_that_prove_nothing_are_refused() -> Result<()> {
    refuse(|world| {
        let mut grown = world.operator.clone();
        for _ in 0..3 {
            let freeze = Freeze { channel: of("shop/other"), reason: of("more"), until: None };
            grown.log(freeze, &[&world.ana.key()]);
        }
        let grown = Arc::new(grown);
        let case = |name: &str, says, alter: fn(&mut Consistency)| {
            let grown = Arc::clone(&grown);
            let lie: Lie = Arc::new(move |asked| {
                let answer = if asked.path.starts_with("/v1/log/checkpoint") {
                    Answer::new(200, "text/plain; charset=utf-8", grown.checkpoint(grown.size()))
                } else if asked.path.starts_with("/v1/log/consistency") {
                    Answer::json(&grown.consistency(asked)).edit(alter)
                } else {
                    return Deed::Pass;
                };
                Deed::Instead(Reply::Answer(answer))
            });
            Case::new(name, Question::Sync, says, lie)
        };
        vec![
            case("no hashes", FORK, |c| c.hashes.clear()),
            case("a hash is missing", FORK, |c| c.hashes.truncate(c.hashes.len() - 1)),
            case("a hash too many", FORK, |c| c.hashes.push(TreeHash::empty())),
            case("another hash", FORK, |c| c.hashes[0] = TreeHash::empty()),
            case("thousands of hashes", FORK, |c| c.hashes = vec![TreeHash::empty(); 5000]),
            case("the hashes in another order", FORK, |c| c.hashes.reverse()),
        ]
    })
}

#[test]
fn t12_an_answer_that_does_not_prove_that_it_extends_what_was_seen_is_refused() -> Result<()> {
    use holdfast_formats::wire::v1::ConsistencyProof;
    refuse(|world| {
        let case = |name: &str, says, alter: fn(&mut Option<ConsistencyProof>)| {
            let operator = world.operator.clone();
            let key = world.ana.key();
            let lie = change(&crate::case::lookup_of("shop/prod"), move |asked, answer| {
                Reply::Answer(answer.edit(|answer| {
                    let mut operator = operator.clone();
                    let freeze = Freeze { channel: of("shop/other"), reason: of("more"), until: None };
                    operator.log(freeze, &[&key]);
                    operator.prove(answer, asked);
                    alter(&mut answer.consistency);
                }))
            });
            Case::new(name, Question::KnownGood("shop/prod"), says, lie)
        };
        vec![
            case("the proof is left out", "does not prove", |proof| *proof = None),
            case("the proof is empty", "", |proof| proof.iter_mut().for_each(|p| p.hashes.clear())),
            case("the proof is from another size", "does not prove", |proof| {
                proof.as_mut().expect("the answer brings one").from = TreeSize::ZERO;
            }),
            case("a hash is changed", "", |proof| {
                proof.as_mut().expect("the answer brings one").hashes[0] = TreeHash::empty();
            }),
        ]
    })
}

/// Two clients see two logs, each whole by itself. Neither can know; whoever is given both refuses the second.
#[test]
fn t12_of_two_forks_shown_to_two_clients_nobody_believes_both() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let forks: Vec<Lie> = ["one history", "another history"]
            .map(|reason| {
                let mut fork = world.operator.clone();
                let freeze = Freeze { channel: of("shop/other"), reason: of(reason), until: None };
                fork.log(freeze, &[&world.ana.key()]);
                serve(&fork)
            })
            .to_vec();
        let (mut victims, mut heads) = (Vec::new(), Vec::new());
        for fork in &forks {
            let proxy = EvilProxy::start(&world.url(), Arc::clone(fork)).await?;
            let victim = world.seasoned(world.clock().clone())?;
            heads.push(victim.open(&proxy.url(), Question::PATIENCE)?.sync().await?);
            victims.push((proxy, victim));
        }
        assert!(heads[0].size == heads[1].size && heads[0].root != heads[1].root, "two forks");
        for (at, (proxy, victim)) in victims.iter().enumerate() {
            let before = victim.memory()?;
            for other in [Arc::clone(&forks[1 - at]), honest()] {
                let is_honest = matches!(other(&asked_nothing()), Deed::Pass);
                proxy.tell(other);
                let client = victim.open(&proxy.url(), Question::PATIENCE)?;
                let error = client.sync().await.err();
                if let Some(error) = error {
                    let exit = error.exit();
                    assert!(
                        exit == ExitCode::Integrity || (is_honest && exit == ExitCode::Unreachable),
                        "{}",
                        sentence(&error)
                    );
                    count_refused();
                } else {
                    panic!("both are believed");
                }
            }
            assert_eq!(victim.memory()?, before, "what was seen first stays");
            proxy.tell(Arc::clone(&forks[at]));
            victim.open(&proxy.url(), Question::PATIENCE)?.sync().await?;
        }
        Ok(())
    })
}

fn asked_nothing() -> holdfast_tests::evil::Asked {
    holdfast_tests::evil::Asked {
        method: "GET".to_owned(),
        path: "/v1/log/checkpoint".to_owned(),
        header: Vec::new(),
        body: Vec::new(),
    }
}
