//! T18, T19: pins that the rule book would never have taken, logged all the same by an operator who asks nobody.

use anyhow::Result;
use holdfast_formats::entry::Entry;
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::{Artifact, EntryRef, Pin};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::KnownGood;
use holdfast_tests::evil::{Answer, Deed, EvilWorld, Lie, Operator, Reply, Signed};
use holdfast_tests::of;
use holdfast_verify::logged::LoggedStatement;

use crate::case::{Case, altered, forged, lookup_of};
use crate::suite::refuse;

const PROD: &str = "shop/prod";

/// The pin that the answer is made of.
fn answered(answer: &KnownGood) -> (Pin, EntryRef) {
    let logged = LoggedStatement::of_proven(&answer.lines[0].pin).expect("the answer is honest");
    match &logged.statement().predicate {
        holdfast_formats::statement::Predicate::Pin(pin) => (pin.as_ref().clone(), logged.entry()),
        other => unreachable!("{other:?}"),
    }
}

/// The newest pin of the line, whatever became of it.
fn newest(answer: &KnownGood) -> (PinNumber, EntryRef) {
    if let Some(passed) = answer.lines[0].passed_over.first() {
        let logged = LoggedStatement::of_proven(&passed.pin).expect("the answer is honest");
        (passed.number, logged.entry())
    } else {
        let (pin, entry) = answered(answer);
        (pin.number, entry)
    }
}

/// The pin that would come next, of what is answered now.
fn next(answer: &KnownGood) -> Pin {
    let (pin, _) = answered(answer);
    let (number, entry) = newest(answer);
    Pin { number: number.next().expect("a small number"), predecessor: Some(entry), ..pin }
}

/// Answers with a pin as the newest of the line.
fn answer_with(operator: &Operator, answer: &mut KnownGood, index: LeafIndex, number: PinNumber) {
    answer.lines[0].pin = operator.proven(index);
    answer.lines[0].passed_over.clear();
    operator.sign_head(answer, |head| {
        (head.lines[0].issued, head.lines[0].answered) = (number, Some(number));
        head.newest_entry = head.newest_entry.max(Some(index));
    });
}

/// The next pin, changed, signed by these keys, and answered.
fn pinned(
    world: &EvilWorld,
    name: &str,
    channel: &'static str,
    says: &'static str,
    by: &[SigningKey],
    alter: impl Fn(&mut Pin) + Send + Sync + 'static,
) -> Case {
    let by = by.to_vec();
    forged(world, name, channel, says, move |operator, answer| {
        let mut pin = next(answer);
        alter(&mut pin);
        let number = pin.number;
        let index = operator.log(pin, &by.iter().collect::<Vec<_>>());
        answer_with(operator, answer, index, number);
    })
}

/// The next pin by Ana, with its statement or entry changed.
fn logged_as(
    world: &EvilWorld,
    name: &str,
    says: &'static str,
    alter: impl Fn(&mut Signed) + Send + Sync + 'static,
) -> Case {
    let ana = world.ana.key();
    forged(world, name, PROD, says, move |operator, answer| {
        let pin = next(answer);
        let number = pin.number;
        let mut signed = operator.statement(pin);
        alter(&mut signed);
        let index = operator.log_signed(&signed, &[&ana]);
        answer_with(operator, answer, index, number);
    })
}

#[test]
fn a_pin_that_ana_really_signed_is_believed_through_the_same_forgery() -> Result<()> {
    let shared = crate::suite::shared()?;
    shared.run(async {
        let world = &shared.world;
        let path = lookup_of(PROD);
        let truth: KnownGood = world.ana.http()?.read(&path).await?;
        let mut operator = world.operator.clone();
        let number = next(&truth).number;
        let index = operator.log(next(&truth), &[&world.ana.key()]);
        let lie: Lie = std::sync::Arc::new(move |asked| {
            let (operator, asked) = (operator.clone(), asked.clone());
            if asked.path.starts_with("/v1/log/consistency") {
                return Deed::Instead(Reply::Answer(Answer::json(&operator.consistency(&asked))));
            }
            if !asked.path.starts_with(&path) {
                return Deed::Pass;
            }
            Deed::Change(Box::new(move |answer| {
                Reply::Answer(answer.edit::<KnownGood>(|answer| {
                    answer_with(&operator, answer, index, number);
                    operator.prove(answer, &asked);
                }))
            }))
        });
        let proxy = holdfast_tests::evil::EvilProxy::start(&world.url(), lie).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let client = victim.open(&proxy.url(), crate::question::Question::PATIENCE)?;
        let lookup = client.known_good(&of(PROD), &crate::question::EVERYTHING, None).await?;
        assert_eq!(lookup.answer.get().lines[0].number.get(), 5, "else the other cases would show nothing");
        Ok(())
    })
}

#[test]
fn a_pin_that_its_signers_may_not_make_is_refused() -> Result<()> {
    refuse(|world| {
        let (ana, bob, mallory) = (world.ana.key(), world.bob.key(), world.mallory.key());
        let keys = world.operator.keys.clone();
        let stranger = SigningKey::from_seed([66; 32]);
        vec![
            pinned(
                world,
                "below the threshold",
                "bank/prod",
                "1 of the 2",
                std::slice::from_ref(&ana),
                |_| {},
            ),
            pinned(
                world,
                "below the threshold, by the other",
                "bank/prod",
                "1 of the 2",
                std::slice::from_ref(&bob),
                |_| {},
            ),
            pinned(
                world,
                "by two, one of them in another role",
                "bank/prod",
                "1 of the 2",
                &[ana, mallory.clone()],
                |_| {},
            ),
            pinned(world, "by somebody distrusted", PROD, "trusted", &[mallory], |_| {}),
            pinned(world, "by a releaser of another namespace", PROD, "releaser", &[bob], |_| {}),
            pinned(world, "by a stranger", PROD, "key", &[stranger], |_| {}),
            pinned(world, "by the registry", PROD, "releaser", &[keys.registry], |_| {}),
            pinned(world, "by the log key", PROD, "key", &[keys.log], |_| {}),
            pinned(world, "by the head key", PROD, "key", &[keys.head], |_| {}),
            pinned(world, "by nobody", PROD, "", &[], |_| {}),
        ]
    })
}

#[test]
fn t18_a_pin_of_another_channel_line_or_log_is_refused() -> Result<()> {
    refuse(|world| {
        let ana = [world.ana.key()];
        vec![
            pinned(world, "of another channel", PROD, "pin 5", &ana, |pin| pin.channel = of("shop/staging")),
            pinned(world, "of another line", PROD, "pin 5", &ana, |pin| pin.name = of("shop/api")),
            pinned(world, "of another number", PROD, "pin 5", &ana, |_| {}).renumbered(world),
            pinned(world, "that does not follow the newest", PROD, "", &ana, |pin| pin.predecessor = None)
                .passing_over(world),
            pinned(world, "of an artifact that is not in the answer", PROD, "shop/web@9", &ana, |pin| {
                pin.artifact = Artifact { r#ref: of("shop/web@9"), ..pin.artifact.clone() };
            }),
            pinned(world, "that expired", PROD, "", &ana, |pin| {
                pin.expires = Some(of("2020-01-01T00:00:00.000Z"));
            })
            .exit(holdfast_formats::wire::v1::ExitCode::Ended),
            logged_as(world, "signed for another log", "twin.example/log", |signed| {
                let header = signed.statement.header.clone();
                let predicate = signed.statement.predicate.clone();
                let header = holdfast_formats::statement::Header { log: of("twin.example/log"), ..header };
                signed.statement = holdfast_verify::subject::statement(header, predicate);
            }),
        ]
    })
}

#[test]
fn t18_a_logged_pin_that_is_logged_again_is_refused() -> Result<()> {
    refuse(|world| {
        let first = world.first_pin;
        vec![
            forged(world, "the first pin, as the newest", PROD, "pin 5", move |operator, answer| {
                let index = operator.log_leaf(&operator.entry(first).entry.0);
                let (number, _) = newest(answer);
                answer_with(operator, answer, index, number.next().expect("a small number"));
            }),
            forged(world, "the first pin with another time", PROD, "", move |operator, answer| {
                let mut entry = Entry::parse(&operator.entry(first).entry.0).expect("an entry");
                entry.time = entry.time.plus_ms(8 * 24 * 3_600_000);
                let index = operator.log_leaf(&entry.encode().expect("an entry"));
                let (number, _) = newest(answer);
                answer_with(operator, answer, index, number.next().expect("a small number"));
            }),
            forged(
                world,
                "the first pin at the place of the second",
                PROD,
                "pin 2",
                move |operator, answer| {
                    answer.lines[0].pin = operator.proven(first);
                },
            ),
        ]
    })
}

#[test]
fn t28_entries_of_another_time_or_rule_book_are_refused() -> Result<()> {
    refuse(|world| {
        vec![
            logged_as(world, "an entry from the far future", "outside the time", |s| {
                s.time = of("2099-01-01T00:00:00.000Z");
            }),
            logged_as(world, "an entry from before it was signed", "outside the time", |s| {
                s.time = of("2020-01-01T00:00:00.000Z");
            }),
            logged_as(world, "a statement with a life of a year", "outside the time", |s| {
                s.statement.header.not_after = s.time.plus_ms(365 * 24 * 3_600_000);
            }),
            logged_as(world, "an unknown rule book", "rule book 99", |s| s.rules = 99),
            logged_as(world, "the rule book of never", "rule book 4294967295", |s| s.rules = u32::MAX),
        ]
    })
}

#[test]
fn places_in_the_log_that_are_not_proven_are_refused() -> Result<()> {
    use holdfast_formats::tree::TreeHash;
    refuse(|world| {
        let operator = world.operator.clone();
        vec![
            altered("another index", PROD, "", |a| a.lines[0].pin.index = of("3")),
            altered("an index beyond the log", PROD, "", |a| a.lines[0].pin.index = of("9007199254740990")),
            altered("a hash is missing", PROD, "", |a| {
                a.lines[0].pin.proof.remove(0);
            }),
            altered("a hash too many", PROD, "", |a| a.lines[0].pin.proof.push(TreeHash::empty())),
            altered("thousands of hashes", PROD, "", |a| {
                a.lines[0].pin.proof = vec![TreeHash::empty(); 5000];
            }),
            altered("no proof", PROD, "", |a| a.lines[0].pin.proof.clear()),
            altered("the scrub's proof", PROD, "", |a| {
                let proof = a.lines[0].pin.proof.clone();
                a.artifacts
                    .iter_mut()
                    .filter_map(|held| held.scrub.as_mut())
                    .for_each(|s| s.proof.clone_from(&proof));
            }),
            altered("a payload that the leaf does not name", PROD, "payload", |a| {
                a.lines[0].pin.payload = Some(holdfast_formats::envelope::Base64Bytes(b"{}".to_vec()));
            }),
            altered("a proof at another size", PROD, "", move |a| {
                let mut shorter = operator.clone();
                let size = operator.size().get() - 1;
                shorter.cut_to(holdfast_formats::tree::TreeSize::new(size).expect("a small log"));
                a.lines[0].pin.proof = shorter.proven(a.lines[0].pin.index).proof;
            }),
            altered("a leaf with a space behind it", PROD, "leaf", |a| a.lines[0].pin.entry.0.push(b' ')),
            altered("a leaf with another time", PROD, "", |a| {
                let text = String::from_utf8(a.lines[0].pin.entry.0.clone()).expect("a leaf is text");
                a.lines[0].pin.entry.0 = text.replacen("\"time_ms\":1", "\"time_ms\":2", 1).into_bytes();
            }),
        ]
    })
}

impl Case {
    /// The head says another number than the pin.
    fn renumbered(self, world: &EvilWorld) -> Self {
        let ana = world.ana.key();
        let name = self.name.clone();
        Self {
            name,
            ..forged(world, "", PROD, "pin 6", move |operator, answer| {
                let pin = next(answer);
                let number = pin.number.next().expect("a small number");
                let index = operator.log(pin, &[&ana]);
                answer_with(operator, answer, index, number);
            })
        }
    }

    /// The newer pin without predecessor is passed over, the true ones below it stay.
    fn passing_over(self, world: &EvilWorld) -> Self {
        let ana = world.ana.key();
        let name = self.name.clone();
        Self {
            name,
            ..forged(world, "", PROD, "predecessor", move |operator, answer| {
                let mut pin = next(answer);
                pin.predecessor = None;
                pin.expires = Some(of("2020-01-01T00:00:00.000Z"));
                let number = pin.number;
                let index = operator.log(pin, &[&ana]);
                let mut passed = answer.lines[0].passed_over[0].clone();
                passed.pin = operator.proven(index);
                (passed.number, passed.ended_by) = (number, None);
                passed.reason = holdfast_formats::wire::v1::PassReason::Expired;
                answer.lines[0].passed_over.insert(0, passed);
                operator.sign_head(answer, |head| {
                    head.lines[0].issued = number;
                    head.newest_entry = head.newest_entry.max(Some(index));
                });
            })
        }
    }
}
