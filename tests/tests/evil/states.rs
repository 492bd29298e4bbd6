//! T16, T17, T18: old states, frozen ones, ones of another time, channel or log, and heads and checkpoints that do not fit
//! together. The operator signs all of them.

use std::time::Duration;

use anyhow::Result;
use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::number::PinNumber;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{ExitCode, KnownGood};
use holdfast_tests::evil::{Answer, EvilWorld, Reply, change, instead};
use holdfast_tests::of;

use crate::case::{Case, altered, forged, lookup_of};
use crate::question::Question;
use crate::suite::{count_refused, refuse, shared};

const PROD: &str = "shop/prod";
const SIX_MINUTES: Duration = Duration::from_mins(6);

/// The head, changed and signed again; everything else is true.
fn other_head(
    world: &EvilWorld,
    name: &str,
    says: &'static str,
    alter: impl Fn(&mut ChannelHead) + Send + Sync + 'static,
) -> Case {
    let operator = world.operator.clone();
    altered(name, PROD, says, move |answer| operator.sign_head(answer, &alter))
}

fn once_true(name: &str, says: &'static str, body: Vec<u8>) -> Case {
    let reply = Reply::Answer(Answer::new(200, "application/json", body));
    Case::new(name, Question::KnownGood(PROD), says, instead(&lookup_of(PROD), reply))
}

fn number(value: u64) -> PinNumber {
    PinNumber::new(value).expect("a small number")
}

#[test]
fn t16_an_old_state_is_refused_by_whoever_saw_a_newer_one() -> Result<()> {
    refuse(|world| {
        let captured = world.captured.clone();
        let checkpoint = Reply::Answer(Answer::new(200, "text/plain; charset=utf-8", captured.checkpoint));
        vec![
            once_true("the answer of the first pin", "policy 3", captured.first_pin),
            once_true("the answer of the second pin", "policy 3", captured.second_pin),
            Case::new(
                "an old checkpoint",
                Question::Sync,
                "seen before",
                instead("/v1/log/checkpoint", checkpoint),
            )
            .stale(),
            other_head(world, "a lower newest pin than remembered", "pin 4 was seen", |head| {
                for line in &mut head.lines {
                    (line.issued, line.answered) = (number(2), Some(number(2)));
                }
            }),
            forged(world, "the older pin, as if no newer one had been issued", PROD, "pin 4 was seen", {
                |operator, answer| {
                    answer.lines[0].passed_over.clear();
                    operator.sign_head(answer, |head| head.lines[0].issued = number(2));
                }
            }),
            forged(world, "a line that was pinned is left out", PROD, "shop/web", |operator, answer| {
                answer.lines.clear();
                operator.sign_head(answer, |head| head.lines.clear());
            }),
        ]
    })
}

#[test]
fn t16_an_older_pin_without_the_receipts_of_what_ended_the_newer_is_refused() -> Result<()> {
    refuse(|world| {
        vec![
            altered("no newer pin is shown", PROD, "passed over", |a| a.lines[0].passed_over.clear())
                .for_newcomer(),
            altered("one newer pin is left out", PROD, "passed over", |a| {
                a.lines[0].passed_over.remove(1);
            }),
            altered("the newest is left out", PROD, "passed over", |a| {
                a.lines[0].passed_over.remove(0);
            }),
            altered("the deny is not shown", PROD, "not shown", |a| {
                a.lines[0].passed_over[1].ended_by = None;
            }),
            altered("the newer pins in another order", PROD, "passed over", |a| {
                a.lines[0].passed_over.reverse();
            }),
            forged(world, "another deny ends it", PROD, "not about it", |operator, answer| {
                let end = operator.entry(of(&world_deny(operator).to_string())).index;
                answer.lines[0].passed_over[1].ended_by = Some(operator.proven(end));
            }),
            forged(world, "the pin itself ends it", PROD, "deny", |_, answer| {
                let pin = answer.lines[0].passed_over[1].pin.clone();
                answer.lines[0].passed_over[1].ended_by = Some(pin);
            }),
            forged(
                world,
                "the first pin is answered, and the second passed over for the third's deny",
                PROD,
                "not about it",
                {
                    let first = world.first_pin;
                    move |operator, answer| {
                        let mut second = answer.lines[0].passed_over[1].clone();
                        second.pin = std::mem::replace(&mut answer.lines[0].pin, operator.proven(first));
                        second.number = number(2);
                        answer.lines[0].passed_over.push(second);
                        operator.sign_head(answer, |head| head.lines[0].answered = Some(number(1)));
                    }
                },
            ),
        ]
    })
}

/// The deny that was lifted: the first one in the log.
fn world_deny(operator: &holdfast_tests::evil::Operator) -> u64 {
    use holdfast_formats::statement::Predicate;
    use holdfast_verify::logged::LoggedStatement;
    let is_deny = |index: &u64| {
        let logged = LoggedStatement::of_logged(&operator.entry(of(&index.to_string())));
        logged.is_ok_and(|logged| matches!(logged.statement().predicate, Predicate::Deny(_)))
    };
    (0..operator.size().get()).find(is_deny).expect("something was denied")
}

#[test]
fn t16_reasons_that_do_not_hold_are_refused() -> Result<()> {
    use holdfast_formats::wire::v1::PassReason;
    refuse(|_| {
        let reasons = [
            (PassReason::Expired, "it has not expired"),
            (PassReason::Distrusted, "trusts everybody"),
            (PassReason::Ended, "where a sweep is wanted"),
            (PassReason::Excluded, "does not exclude"),
            (PassReason::TooNew, "not newer"),
            (PassReason::SteppedBack, "does not step back"),
            (PassReason::ScrubFailed, "scrub"),
        ];
        let case = |(reason, says): (PassReason, &'static str)| {
            altered(&format!("pin 3 is passed over as {reason}"), PROD, says, move |answer| {
                answer.lines[0].passed_over[1].reason = reason;
            })
        };
        reasons.into_iter().map(case).collect()
    })
}

#[test]
fn t17_a_frozen_head_is_stale_and_a_future_one_too() -> Result<()> {
    refuse(|world| {
        let now = world.clock().timestamp();
        let (late, early) = (now.as_ms() - 360_000, now.plus_ms(360_000));
        vec![
            Case::new(
                "a head past its age",
                Question::KnownGood(PROD),
                "stale",
                holdfast_tests::evil::honest(),
            )
            .stale()
            .ahead(SIX_MINUTES),
            Case::new(
                "a bundle of a frozen head",
                Question::Bundle(PROD),
                "stale",
                holdfast_tests::evil::honest(),
            )
            .stale()
            .ahead(SIX_MINUTES),
            Case::new(
                "the artifact of a channel whose head is frozen",
                Question::Artifact("channel:shop/staging"),
                "stale",
                holdfast_tests::evil::honest(),
            )
            .stale()
            .ahead(SIX_MINUTES),
            other_head(world, "a head of six minutes ago", "before this machine's time", move |head| {
                head.time = holdfast_formats::time::Timestamp::from_ms(late);
            })
            .stale(),
            other_head(world, "a head of the future", "after this machine's time", move |head| {
                head.time = early;
            })
            .stale(),
            other_head(world, "a head of the end of time", "after this machine's time", |head| {
                head.time = of("9999-12-31T23:59:59.999Z");
            })
            .stale(),
            other_head(world, "a head of 1970", "before this machine's time", |head| {
                head.time = holdfast_formats::time::Timestamp::from_ms(0);
            })
            .stale(),
        ]
    })
}

#[test]
fn t17_a_remembered_answer_stands_in_only_where_it_was_asked_for_and_says_its_age() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let clock = holdfast_tests::TestClock::at(world.clock().timestamp().plus_ms(360_000));
        let (victim, url) = (world.seasoned(clock)?, world.url());
        let client = victim.open(&url, Question::PATIENCE)?;
        let ask = async |age| client.known_good(&of(PROD), &crate::question::EVERYTHING, age).await;
        assert_eq!(ask(None).await.unwrap_err().exit(), ExitCode::Unreachable);
        count_refused();
        let minute = Some(Duration::from_mins(1));
        assert_eq!(ask(minute).await.unwrap_err().exit(), ExitCode::Unreachable, "it is older than a minute");
        let kept = ask(Some(Duration::from_hours(1))).await?;
        assert_eq!(kept.cached_age, Some(SIX_MINUTES));
        Ok(())
    })
}

#[test]
fn t18_heads_of_something_else_are_refused() -> Result<()> {
    refuse(|world| {
        vec![
            other_head(world, "the head of another channel", "shop/staging", |h| {
                h.channel = of("shop/staging");
            }),
            other_head(world, "the head of another log", "channel head", |h| {
                h.origin = of("twin.example/log");
            }),
            other_head(world, "a head of more entries", "mixes two states", |h| {
                h.size = h.size.checked_add(1).expect("a small log");
            }),
            other_head(world, "a head of fewer entries", "mixes two states", |h| {
                h.size = TreeSize::new(h.size.get() - 1).expect("a small log");
            }),
            other_head(world, "a head of another root", "mixes two states", |h| h.root = TreeHash::empty()),
            other_head(world, "a newest entry that the log does not have", "newest entry", |h| {
                h.newest_entry = Some(h.size.next_index());
            }),
            other_head(world, "an older newest entry than shown", "newest entry", |h| {
                h.newest_entry = Some(of("0"));
            }),
            other_head(world, "no newest entry", "newest entry", |h| h.newest_entry = None),
            other_head(world, "another answered pin", "pin 1", |h| h.lines[0].answered = Some(number(1))),
            other_head(world, "no answered pin", "pin 4", |h| h.lines[0].answered = None),
            other_head(world, "a newest pin that is not shown", "passed over", |h| {
                h.lines[0].issued = number(9);
            }),
            other_head(world, "a line that nobody asked about", "shop/more", |h| {
                let mut more = h.lines[0].clone();
                more.name = of("shop/more");
                h.lines.push(more);
            }),
            altered("no head", PROD, "channel head", |a| a.head.clear()),
            altered("a head with one letter changed", PROD, "channel head", |a| {
                a.head = a.head.replacen("line", "Line", 1);
            }),
            altered("a head without signature", PROD, "channel head", |a| {
                a.head = a.head.split_once("\n\n").map(|(text, _)| format!("{text}\n\n")).expect("a note");
            }),
            altered("a checkpoint with a changed size", PROD, "checkpoint", |a| {
                a.checkpoint = a.checkpoint.replacen('\n', "\n1", 1);
            }),
        ]
    })
}

#[test]
fn t18_checkpoints_of_something_else_are_refused() -> Result<()> {
    refuse(|world| {
        let operator = world.operator.clone();
        let (log, head_key) = (operator.keys.log.clone(), operator.keys.head.clone());
        let (size, root) = (operator.size(), operator.root(operator.size()));
        let checkpoint = move |name: &str, says, text: String| {
            let reply = Reply::Answer(Answer::new(200, "text/plain; charset=utf-8", text));
            Case::new(name, Question::Sync, says, instead("/v1/log/checkpoint", reply))
        };
        let own = operator.checkpoint(size);
        let twin = own.replace(operator.keys.origin.as_str(), "twin.example/log");
        vec![
            checkpoint("the checkpoint of another log", "twin.example/log", twin),
            checkpoint(
                "a checkpoint by the head key",
                "checkpoint",
                operator.checkpoint_of(size, root, &head_key),
            ),
            checkpoint(
                "a checkpoint by a user",
                "checkpoint",
                operator.checkpoint_of(size, root, &world.ana.key()),
            ),
            checkpoint(
                "an unsigned checkpoint",
                "checkpoint",
                own.split("\u{2014}").next().expect("text").to_owned(),
            ),
            checkpoint("no checkpoint", "checkpoint", String::new()),
            checkpoint("a web page", "checkpoint", "<html>hello</html>\n".to_owned()),
            checkpoint("a checkpoint with a hundred thousand signatures", "checkpoint", {
                let line = own.lines().last().expect("a signature").to_owned() + "\n";
                own.clone() + &line.repeat(100_000)
            }),
            checkpoint(
                "the checkpoint of an empty log",
                "seen before",
                operator.checkpoint_of(TreeSize::ZERO, TreeHash::empty(), &log),
            )
            .stale(),
        ]
    })
}

#[test]
fn t18_the_answer_of_another_channel_or_line_is_refused() -> Result<()> {
    refuse(|_| {
        let staging = |path: &str| path.replacen(PROD, "shop/staging", 1);
        let other: holdfast_tests::evil::Lie = std::sync::Arc::new(move |asked| {
            if !asked.path.starts_with(&lookup_of(PROD)) {
                return holdfast_tests::evil::Deed::Pass;
            }
            let location = staging(&asked.path);
            holdfast_tests::evil::Deed::Instead(Reply::Answer(
                Answer::new(302, "", Vec::new()).with("location", location),
            ))
        });
        let renamed = change(&lookup_of("shop/staging"), |_, answer| {
            Reply::Answer(answer.edit::<KnownGood>(|answer| answer.channel = of("shop/prod")))
        });
        vec![
            Case::new("a redirect to another channel", Question::KnownGood(PROD), "302", other).stale(),
            altered("the channel's name is changed", PROD, "shop/staging", |a| {
                a.channel = of("shop/staging");
            }),
            Case::new(
                "the same, in the other direction",
                Question::KnownGood("shop/staging"),
                "shop/prod",
                renamed,
            ),
            altered("a line twice", PROD, "lines", |a| a.lines.push(a.lines[0].clone())),
            altered("a line under another name", PROD, "shop/api", |a| a.lines[0].name = of("shop/api")),
        ]
    })
}
