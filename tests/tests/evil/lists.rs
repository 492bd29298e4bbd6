//! Histories, entries, tokens, gates and lists: what of them a client checks, and pages that never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use holdfast_formats::statement::{Deny, DenyEffect, DenyScope, Freeze, Predicate, Rollback};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ArtifactList, Gate, GrantList, History, LogEntries, LoggedEntry, Receipt};
use holdfast_tests::evil::{Deed, EvilWorld, Lie, Reply, change};
use holdfast_tests::of;
use holdfast_verify::logged::LoggedStatement;

use crate::case::Case;
use crate::question::Question;
use crate::suite::{count_refused, refuse, sentence, shared};

const PROD: &str = "shop/prod";
const HISTORY: &str = "/v1/channels/shop/prod/history";

fn history(
    name: &str,
    says: &'static str,
    alter: impl Fn(&mut History) + Send + Sync + 'static,
) -> Vec<Case> {
    let lie = change(HISTORY, move |_, answer| Reply::Answer(answer.edit::<History>(|page| alter(page))));
    vec![
        Case::new(name, Question::History(PROD), says, Arc::clone(&lie)),
        Case::new(
            format!("{name}, where a pin is made"),
            Question::NextPin(PROD, "shop/web@1"),
            says,
            Arc::clone(&lie),
        ),
        Case::new(format!("{name}, where a rollback goes on"), Question::Rollback("rb-1"), says, lie),
    ]
}

/// An entry that was never logged, in front of a history.
fn made_up(
    world: &EvilWorld,
    name: &str,
    predicate: impl Into<Predicate>,
    by: &[holdfast_formats::key::SigningKey],
) -> Vec<Case> {
    let mut operator = world.operator.clone();
    let index = operator.log(predicate, &by.iter().collect::<Vec<_>>());
    let entry = operator.entry(index);
    history(name, "entry", move |page| page.entries.insert(0, entry.clone()))
}

fn rollback_of(world: &EvilWorld) -> Rollback {
    let is_it = |index: u64| {
        let logged = LoggedStatement::of_logged(&world.operator.entry(LeafIndex::new(index).ok()?)).ok()?;
        match &logged.statement().predicate {
            Predicate::Rollback(rollback) => Some(rollback.as_ref().clone()),
            _ => None,
        }
    };
    (0..world.operator.size().get()).find_map(is_it).expect("the world has a rollback")
}

#[test]
fn entries_of_a_history_that_nobody_may_say_are_refused() -> Result<()> {
    refuse(|world| {
        let registry = [world.operator.keys.registry.clone()];
        let (bob, stranger) = ([world.bob.key()], [holdfast_formats::key::SigningKey::from_seed([66; 32])]);
        let freeze = || Freeze { channel: of(PROD), reason: of("an incident"), until: None };
        let rollback = rollback_of(world);
        let deny = Deny {
            name: rollback.from.r#ref.name().clone(),
            digests: rollback.from.digests,
            effect: DenyEffect::Lookup,
            scope: DenyScope::Channel,
            channel: Some(of(PROD)),
            reason: of("it loses orders"),
        };
        let mut cases = made_up(world, "a freeze by the registry", freeze(), &registry);
        cases.extend(made_up(world, "a freeze by nobody", freeze(), &[]));
        cases.extend(made_up(world, "a freeze by a stranger", freeze(), &stranger));
        cases.extend(made_up(world, "a freeze by a releaser of the bank", freeze(), &bob));
        cases.extend(made_up(world, "a rollback by the registry", rollback.clone(), &registry));
        cases.extend(made_up(world, "a rollback by a releaser of the bank", rollback, &bob));
        cases.extend(made_up(world, "a deny by the registry", deny, &registry));
        cases
    })
}

#[test]
fn histories_that_are_of_something_else_or_out_of_order_are_refused() -> Result<()> {
    refuse(|world| {
        let (entry, freeze) = (world.operator.entry(of("0")), {
            let mut operator = world.operator.clone();
            let freeze = Freeze { channel: of("shop/staging"), reason: of("a holiday"), until: None };
            let index = operator.log(freeze, &[&world.ana.key()]);
            operator.entry(index)
        });
        [
            history("another channel's name", "another channel", |h| h.channel = of("shop/staging")),
            history("another channel's entry", "not about shop/prod", move |h| {
                h.entries.insert(0, freeze.clone());
            }),
            history("a policy in it", "not about shop/prod", move |h| h.entries.push(entry.clone())),
            history("oldest first", "go back", |h| h.entries.reverse()),
            history("an entry twice", "go back", |h| h.entries.insert(0, h.entries[0].clone())),
            history("a next page that is elsewhere", "next page", |h| h.next = Some(of("0"))),
            history("a leaf with one letter changed", "entry", |h| {
                let text = String::from_utf8(h.entries[0].entry.0.clone()).expect("a leaf is text");
                h.entries[0].entry.0 = text.replacen("\"time_ms\":1", "\"time_ms\":2", 1).into_bytes();
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

/// Pages of a history that go on for ever, each true by itself.
#[test]
fn pages_that_never_end_are_given_up() -> Result<()> {
    refuse(|world| {
        let operator = Arc::new(world.operator.clone());
        let first = world.first_pin;
        let endless: Lie = Arc::new(move |asked| {
            if !asked.path.starts_with(HISTORY) {
                return Deed::Pass;
            }
            let place = asked.number("before").unwrap_or(1 << 52) - 1;
            let index = LeafIndex::new(place).expect("it only goes down");
            let entry = LoggedEntry { index, ..operator.entry(first) };
            let page =
                History { channel: of(PROD), entries: vec![entry], grants: Vec::new(), next: Some(index) };
            Deed::Instead(Reply::Answer(holdfast_tests::evil::Answer::json(&page)))
        });
        let empty: Lie = Arc::new(|asked| {
            if !asked.path.starts_with(HISTORY) {
                return Deed::Pass;
            }
            let next = LeafIndex::new(asked.number("before").unwrap_or(1 << 52) - 1).ok();
            let page = History { channel: of(PROD), entries: Vec::new(), grants: Vec::new(), next };
            Deed::Instead(Reply::Answer(holdfast_tests::evil::Answer::json(&page)))
        });
        vec![
            Case::new("one entry for ever", Question::Rollback("rb-1"), "twice", Arc::clone(&endless)),
            Case::new(
                "one entry for ever, where a pin is made",
                Question::NextPin(PROD, "shop/api@1.0.0"),
                "twice",
                endless,
            ),
            Case::new("empty pages", Question::Rollback("rb-1"), "next page", Arc::clone(&empty)),
            Case::new(
                "empty pages, where a pin is made",
                Question::NextPin(PROD, "shop/web@1"),
                "next page",
                empty,
            ),
        ]
    })
}

#[test]
fn lists_of_tokens_that_are_not_proven_are_refused() -> Result<()> {
    refuse(|world| {
        let grants = |name: &str, says: &'static str, alter: fn(&mut GrantList)| {
            let lie = change("/v1/grants", move |_, answer| Reply::Answer(answer.edit(alter)));
            Case::new(name, Question::Grants, says, lie)
        };
        let turn = Arc::new(AtomicU64::new(0));
        let circle = change("/v1/grants", move |_, answer| {
            let turn = turn.fetch_add(1, Ordering::SeqCst);
            Reply::Answer(answer.edit::<GrantList>(|list| list.next = LeafIndex::new(1_000_000 - turn).ok()))
        });
        let pin = world.operator.proven(world.first_pin);
        let pin_as_grant = change("/v1/grants", move |_, answer| {
            Reply::Answer(answer.edit::<GrantList>(|list| list.grants[0].grant = pin.clone()))
        });
        vec![
            grants("a grant twice", "pages", |l| l.grants.insert(0, l.grants[l.grants.len() - 1].clone())),
            grants("a grant under another's place", "", |l| {
                l.grants[0].grant.index = l.grants[1].grant.index;
            }),
            grants("a grant without proof", "", |l| l.grants[0].grant.proof.clear()),
            grants("another's revoke", "", |l| {
                let revoke = l.grants.iter().find_map(|g| g.revoke.clone());
                l.grants[0].revoke = revoke;
            }),
            grants("a grant as revoke", "", |l| l.grants[0].revoke = Some(l.grants[1].grant.clone())),
            grants("newest first", "pages", |l| l.grants.reverse()),
            grants("another checkpoint", "checkpoint", |l| {
                l.checkpoint = l.checkpoint.replacen('\n', "\n9", 1);
            }),
            grants("a page that leads back", "pages", |l| l.next = Some(of("0"))),
            Case::new("pages in a circle", Question::Grants, "pages", circle),
            Case::new("a pin as grant", Question::Grants, "grant", pin_as_grant),
        ]
    })
}

#[test]
fn receipts_of_something_else_are_refused() -> Result<()> {
    refuse(|world| {
        let (one, two) = (of("1"), of("2"));
        let (own, other) = (world.operator.receipt(one), world.operator.receipt(two));
        let receipt = |name: &str, says: &'static str, alter: Box<dyn Fn(&mut Receipt) + Send + Sync>| {
            let lie =
                change("/v1/log/proof/1", move |_, answer| Reply::Answer(answer.edit::<Receipt>(&alter)));
            Case::new(name, Question::Receipt(of("1")), says, lie)
        };
        let another = other.clone();
        vec![
            receipt("another entry's", "entry 2", Box::new(move |r| *r = another.clone())),
            receipt(
                "another entry's under this index",
                "",
                Box::new(move |r| {
                    *r = Receipt { index: of("1"), ..other.clone() };
                }),
            ),
            receipt("another entry in it", "", {
                let entry = world.operator.entry(two).entry;
                Box::new(move |r| r.entry = entry.clone())
            }),
            receipt("a proof that is cut", "", Box::new(|r| r.proof.truncate(60))),
            receipt("an empty proof", "", Box::new(|r| r.proof.clear())),
            receipt("another kind of proof", "", Box::new(|r| r.proof = r.proof.replacen("@v1", "@v2", 1))),
            receipt(
                "a proof at another index",
                "",
                Box::new(|r| r.proof = r.proof.replacen("index 1", "index 3", 1)),
            ),
            receipt("a proof of another size", "", {
                let text = own.proof.clone();
                let size = world.operator.size();
                Box::new(move |r| {
                    r.proof = text.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size.get() + 1), 1);
                })
            }),
        ]
    })
}

#[test]
fn gates_entries_and_lists_that_contradict_the_question_are_refused() -> Result<()> {
    refuse(|_| {
        let gate = |name: &str, alter: fn(&mut Gate)| {
            let lie =
                change("/v1/channels/shop/prod/gate", move |_, answer| Reply::Answer(answer.edit(alter)));
            Case::new(name, Question::Gate(PROD, "shop/web@3"), "gate", lie)
        };
        let entries = |name: &str, alter: fn(&mut LogEntries)| {
            let lie = change("/v1/log/entries", move |_, answer| Reply::Answer(answer.edit(alter)));
            Case::new(name, Question::Entries, "", lie)
        };
        let list = |name: &str, alter: fn(&mut ArtifactList)| {
            let lie = change("/v1/artifacts", move |_, answer| Reply::Answer(answer.edit(alter)));
            Case::new(name, Question::List, "list of artifacts", lie)
        };
        vec![
            gate("another channel's gate", |g| g.channel = of("shop/staging")),
            gate("another artifact's gate", |g| g.artifact = of("shop/web@2")),
            gate("yes, with reasons against", |g| g.allowed = true),
            entries("an entry is left out", |e| drop(e.entries.remove(3))),
            entries("an entry twice", |e| e.entries.insert(1, e.entries[0].clone())),
            entries("in another order", |e| e.entries.reverse()),
            entries("an entry of another", |e| e.entries[3].entry.0 = e.entries[2].entry.0[1..].to_vec()),
            list("more than asked for", |l| l.artifacts.extend(l.artifacts.clone())),
        ]
    })
}

/// A list of artifacts that names none and goes on: the command gives up.
#[test]
fn a_list_that_goes_on_without_naming_anything_is_given_up() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let lie = change("/v1/artifacts", |asked, answer| {
            let after = asked.path.split("after=").nth(1).and_then(|t| t.split('&').next()).unwrap_or("z");
            let next = if after.len() > 200 { "y".to_owned() } else { format!("{after}z") };
            Reply::Answer(answer.edit::<ArtifactList>(|list| {
                list.artifacts.clear();
                list.next = Some(of(&next));
            }))
        });
        let proxy = holdfast_tests::evil::EvilProxy::start(&world.url(), lie).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let client = victim.open(&proxy.url(), Question::PATIENCE)?;
        let mut after = None;
        let error = loop {
            let query = holdfast_formats::wire::v1::ListQuery {
                prefix: None,
                kind: None,
                after,
                limit: Some(5),
                ended: None,
            };
            match client.list(&query).await {
                Ok(page) => after = page.next,
                Err(error) => break error,
            }
        };
        assert!(sentence(&error).contains("goes back"), "{}", sentence(&error));
        count_refused();
        Ok(())
    })
}
