//! A registry that lies to whoever writes: about what it has, what it took, and what it logged.

use std::sync::Arc;

use anyhow::Result;
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::wire::v1::{
    BlobStored, ExitCode, MissingAnswer, MissingChunk, Problem, ProblemCode, Receipt, Submission,
};
use holdfast_tests::evil::{Answer, Deed, EvilProxy, Lie, Reply, change, instead};
use holdfast_tests::of;

use crate::case::Case;
use crate::question::Question;
use crate::suite::{refuse, sentence, shared};

const SUBMISSIONS: &str = "/v1/submissions";

/// Answers the record of a blob: the record tells what could be missing.
fn missing(name: &str, says: &'static str, wanted: fn(&BlobRecord) -> Vec<MissingChunk>) -> Case {
    let lie: Lie = Arc::new(move |asked| {
        if !asked.path.starts_with("/v1/namespaces/shop/blobs") {
            return Deed::Pass;
        }
        let (record, _) = BlobRecord::split(&asked.body).expect("the client sends a record");
        let mut problem = Problem::new(ProblemCode::ContentMissing, "send these again");
        problem.missing = Some(wanted(&record));
        Deed::Instead(Reply::Answer(Answer::problem(409, &problem)))
    });
    Case::new(name, Question::Push("shop/lied@1"), says, lie)
}

/// The first part of a blob.
fn part(record: &BlobRecord) -> MissingChunk {
    let extent = record.extents.first().expect("a blob has parts");
    MissingChunk { chunk: extent.chunk, offset: 0, length: u64::from(extent.length) }
}

#[test]
fn t34_a_registry_that_wants_what_was_never_sent_gets_nothing() -> Result<()> {
    refuse(|_| {
        const NO_PART: &str = "no part";
        vec![
            missing("another chunk", NO_PART, |_| {
                vec![MissingChunk { chunk: Blake3Digest::of(b"x"), offset: 0, length: 1 }]
            }),
            missing("all of the file and more", NO_PART, |r| {
                vec![MissingChunk { length: u64::MAX, ..part(r) }]
            }),
            missing("beyond the file", NO_PART, |r| vec![MissingChunk { offset: u64::MAX, ..part(r) }]),
            missing("a part of a part", NO_PART, |r| vec![MissingChunk { length: 1, ..part(r) }]),
            missing("a part ten thousand times", NO_PART, |r| vec![part(r); 10_000]),
            missing("the same again and again", "refuses", |r| vec![part(r)]).exit(ExitCode::Conflict),
            missing("nothing, but it is missing", "refuses", |_| Vec::new()).exit(ExitCode::Conflict),
        ]
    })
}

#[test]
fn answers_to_uploads_that_are_of_something_else_are_refused() -> Result<()> {
    refuse(|_| {
        let stored = |name: &str, says, alter: fn(&mut BlobStored)| {
            let lie = change("/v1/namespaces/shop/blobs", move |_, answer| Reply::Answer(answer.edit(alter)));
            Case::new(name, Question::Push("shop/lied@2"), says, lie)
        };
        let garbled = |name: &str, artifact: &'static str, route: &str, body: &str| {
            let reply = Reply::Answer(Answer::new(200, "application/json", body));
            Case::new(name, Question::Push(artifact), "malformed", instead(route, reply))
        };
        vec![
            stored("a blob under another digest", "digest", |s| s.digests = Digests::of(b"x")),
            stored("a blob under another SHA-256", "digest", |s| s.digests.sha256 = Digests::of(b"x").sha256),
            garbled(
                "chunks that are not counted",
                "shop/lied@3",
                "/v1/namespaces/shop/chunks?",
                "{\"new\":-1}",
            ),
            garbled(
                "a list of missing chunks that is none",
                "shop/lied@4",
                "/v1/namespaces/shop/chunks/missing",
                "{\"missing\":[1]}",
            ),
        ]
    })
}

/// It says that it has everything: what it has not it must name when the blob is recorded, and gets it then.
#[test]
fn a_registry_that_says_it_has_what_it_has_not_gets_it_all_the_same() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let lie = change("/v1/namespaces/shop/chunks/missing", |_, answer| {
            Reply::Answer(answer.edit::<MissingAnswer>(|answer| answer.missing.clear()))
        });
        let proxy = EvilProxy::start(&world.url(), lie).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let client = victim.open(&proxy.url(), Question::PATIENCE)?;
        let pushed = Question::Push("shop/claimed@1").ask(&victim, &client).await;
        pushed.map_err(|error| anyhow::anyhow!(sentence(&error)))?;
        let record = client.artifact(&of("shop/claimed@1")).await?;
        client.verify_artifact(&record).await?;
        Ok(())
    })
}

#[test]
fn receipts_that_do_not_cover_what_was_submitted_are_refused() -> Result<()> {
    refuse(|world| {
        let operator = Arc::new(world.operator.clone());
        let receipt =
            |name: &str, says: &'static str, make: Arc<dyn Fn(Receipt) -> Receipt + Send + Sync>| {
                [Question::Submit, Question::Push("shop/receipt@1")].map(|question| {
                    let make = Arc::clone(&make);
                    let lie = change(SUBMISSIONS, move |_, answer| {
                        Reply::Answer(answer.edit::<Receipt>(|r| *r = make(r.clone())))
                    });
                    Case::new(format!("{name}: {question:?}"), question, says, lie)
                })
            };
        let (own, pin) = (Arc::clone(&operator), world.first_pin);
        let grown = {
            let mut operator = world.operator.clone();
            operator.keys.log = operator.keys.head.clone();
            Arc::new(operator)
        };
        [
            receipt("another statement's", "was sent", Arc::new(move |_| own.receipt(pin))),
            receipt(
                "another entry in it",
                "receipt",
                Arc::new(move |r| Receipt { entry: operator.entry(pin).entry, ..r }),
            ),
            receipt("another index", "receipt", Arc::new(|r| Receipt { index: of("1"), ..r })),
            receipt("no proof", "receipt", Arc::new(|r| Receipt { proof: String::new(), ..r })),
            receipt("signed by another key", "receipt", Arc::new(move |_| grown.receipt(pin))),
            receipt(
                "another log's",
                "receipt",
                Arc::new(|r| Receipt { proof: r.proof.replacen("\n\n", "\n\ntwin.", 1), ..r }),
            ),
            receipt(
                "a payload that nobody signed",
                "receipt",
                Arc::new(|r| Receipt {
                    payload: Some(holdfast_formats::envelope::Base64Bytes(b"{}".to_vec())),
                    ..r
                }),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

/// The statement is logged, but in a log that does not extend the one seen.
#[test]
fn t12_a_receipt_from_a_fork_is_refused() -> Result<()> {
    refuse(|world| {
        let mut fork = world.operator.clone();
        let size = holdfast_formats::tree::TreeSize::new(fork.size().get() - 3).expect("a small log");
        fork.cut_to(size);
        let fork = Arc::new(fork);
        let key = world.ana.key();
        let lie: Lie = Arc::new(move |asked| {
            if asked.path != SUBMISSIONS {
                return Deed::Pass;
            }
            let submission: Submission = serde_json::from_slice(&asked.body).expect("the client sends JSON");
            let mut fork = fork.as_ref().clone();
            let signed = fork.statement(holdfast_formats::statement::Freeze {
                channel: of("shop/other"),
                reason: of("a fork"),
                until: None,
            });
            for _ in 0..8 {
                fork.log_signed(&signed, &[&key]);
            }
            let index = fork.log_payload(&submission.envelope.payload.0, &signed, &[&key]);
            Deed::Instead(Reply::Answer(Answer { status: 201, ..Answer::json(&fork.receipt(index)) }))
        });
        vec![Case::new("logged in a fork", Question::Submit, "not the one", lie)]
    })
}

#[test]
fn a_success_without_a_receipt_is_none() -> Result<()> {
    refuse(|_| {
        let answer = |name: &str, answer: Answer| {
            Case::new(name, Question::Submit, "malformed", instead(SUBMISSIONS, Reply::Answer(answer)))
        };
        vec![
            answer("an empty object", Answer::new(201, "application/json", "{}")),
            answer("nothing", Answer::new(201, "application/json", "")),
            answer("accepted", Answer::new(202, "application/json", "{\"status\":\"accepted\"}")),
            answer("a sentence", Answer::new(200, "application/json", "\"it is logged\"")),
        ]
    })
}
