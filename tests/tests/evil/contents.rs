//! T19: the wrong thing under the right name. Manifests, components, scrubs, plans and bytes.

use std::sync::Arc;

use anyhow::Result;
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::statement::{Scrub, ScrubOutcome};
use holdfast_formats::wire::v1::{ArtifactView, ExitCode, KnownGood, KnownGoodQuery};
use holdfast_tests::evil::{Answer, Deed, Lie, Reply, change};
use holdfast_tests::of;

use crate::case::{Case, altered, forged, lookup_of};
use crate::question::{EVERYTHING, Question};
use crate::suite::refuse;

const PROD: &str = "shop/prod";
const TRAIN: &str = "shop/train";

/// Where an artifact of an answer stands.
fn place(answer: &KnownGood, reference: &str) -> usize {
    let found = answer.artifacts.iter().position(|held| held.artifact.r#ref == of(reference));
    found.unwrap_or_else(|| unreachable!("{reference} is in the honest answer"))
}

/// The manifest of an artifact, with one text in it replaced by another.
fn rewritten(
    name: &str,
    channel: &'static str,
    artifact: &'static str,
    old: &'static str,
    new: &'static str,
) -> Case {
    altered(name, channel, artifact, move |answer| {
        let at = place(answer, artifact);
        let text = String::from_utf8(answer.artifacts[at].manifest.0.clone()).expect("a manifest is text");
        assert!(text.contains(old), "{old} is in {text}");
        answer.artifacts[at].manifest.0 = text.replacen(old, new, 1).into_bytes();
    })
}

#[test]
fn t19_the_wrong_artifact_under_the_right_name_is_refused() -> Result<()> {
    refuse(|_| {
        let swap = |a: &mut KnownGood, one: &str, other: &str| {
            let (one, other) = (place(a, one), place(a, other));
            let manifest = a.artifacts[other].manifest.clone();
            a.artifacts[one].manifest = manifest;
        };
        let web = "shop/web@1";
        vec![
            altered("a swapped manifest", TRAIN, web, move |a| swap(a, web, "shop/schema@1")),
            altered("an empty manifest", TRAIN, web, move |a| {
                let at = place(a, web);
                a.artifacts[at].manifest = Base64Bytes(Vec::new());
            }),
            altered("a swapped component", TRAIN, "shop/", move |a| {
                let (one, two) = (place(a, web), place(a, "shop/schema@1"));
                let other = a.artifacts[two].clone();
                a.artifacts[one] = other;
            }),
            altered("a component of another release under its name", TRAIN, web, move |a| {
                let (one, two) = (place(a, web), place(a, "shop/schema@1"));
                let (name, mut other) = (a.artifacts[one].artifact.clone(), a.artifacts[two].clone());
                other.artifact = name;
                a.artifacts[one] = other;
            }),
            altered("another's digests", TRAIN, web, move |a| {
                let (one, two) = (place(a, web), place(a, "shop/schema@1"));
                a.artifacts[one].artifact.digests = a.artifacts[two].artifact.digests;
            }),
            altered("a component is left out", TRAIN, web, move |a| {
                let at = place(a, web);
                a.artifacts.remove(at);
            }),
            altered("the release is left out", TRAIN, "shop/release@1", |a| {
                let at = place(a, "shop/release@1");
                a.artifacts.remove(at);
            }),
            altered("a component twice", TRAIN, web, move |a| {
                let at = place(a, web);
                a.artifacts.push(a.artifacts[at].clone());
            }),
            altered("another's publication", TRAIN, web, move |a| {
                let (one, two) = (place(a, web), place(a, "shop/schema@1"));
                a.artifacts[one].publish = a.artifacts[two].publish.clone();
            }),
        ]
    })
}

#[test]
fn manifests_that_say_something_else_than_was_published_are_refused() -> Result<()> {
    refuse(|_| {
        vec![
            rewritten("a file of another size", PROD, "shop/web@2", "\"size\":800000", "\"size\":800001"),
            rewritten(
                "a size beyond all blobs",
                PROD,
                "shop/web@2",
                "\"size\":800000",
                "\"size\":9007199254740992",
            ),
            rewritten("a file under another path", PROD, "shop/web@2", "data/noise.bin", "data/noise.exe"),
            rewritten("a path out of the target", PROD, "shop/web@2", "data/noise.bin", "../noise.bin.x"),
            rewritten(
                "referenced as held",
                TRAIN,
                "shop/release@1",
                "\"custody\":\"held\"",
                "\"custody\":\"referenced\"",
            ),
            rewritten("another stage", TRAIN, "shop/release@1", "\"stage\":2", "\"stage\":0"),
            rewritten("a need that is dropped", "shop/pair", "shop/api@1.0.0", "^1.0", ">=0.1"),
            rewritten("an undo that is not said", TRAIN, "shop/release@2", "redeploy", "restore"),
            rewritten("an unknown schema", PROD, "shop/web@2", "v1", "v2"),
        ]
    })
}

#[test]
fn t19_what_was_not_read_back_is_refused() -> Result<()> {
    refuse(|world| {
        let (ana, registry) = (world.ana.key(), world.operator.keys.registry.clone());
        let scrubbed =
            |name: &str, says, by: holdfast_formats::key::SigningKey, outcome, whose: &'static str| {
                forged(world, name, PROD, says, move |operator, answer| {
                    let now = operator.statement(scrub_of(answer, ScrubOutcome::Good)).time;
                    let mut scrub = scrub_of(answer, outcome);
                    (scrub.started, scrub.ended) = (now, now);
                    scrub.artifacts[0].r#ref = of(whose);
                    let index = operator.log(scrub, &[&by]);
                    let at = place(answer, "shop/web@2");
                    answer.artifacts[at].scrub = Some(operator.proven(index));
                })
            };
        vec![
            altered("no scrub", PROD, "no scrub shows", |a| {
                let at = place(a, "shop/web@2");
                a.artifacts[at].scrub = None;
            }),
            altered("the publication as scrub", PROD, "scrub", |a| {
                let at = place(a, "shop/web@2");
                a.artifacts[at].scrub = Some(a.artifacts[at].publish.clone());
            }),
            scrubbed(
                "a scrub that found something bad",
                "bad or missing",
                registry.clone(),
                ScrubOutcome::Bad,
                "shop/web@2",
            ),
            scrubbed(
                "a scrub that found nothing",
                "bad or missing",
                registry.clone(),
                ScrubOutcome::Missing,
                "shop/web@2",
            ),
            scrubbed(
                "a scrub of something else",
                "does not cover",
                registry,
                ScrubOutcome::Good,
                "shop/web@1",
            ),
            scrubbed("a scrub by a user", "registry's own keys", ana, ScrubOutcome::Good, "shop/web@2"),
        ]
    })
}

fn scrub_of(answer: &KnownGood, outcome: ScrubOutcome) -> Scrub {
    let artifact = answer.artifacts[place(answer, "shop/web@2")].artifact.clone();
    let now = holdfast_formats::time::Timestamp::from_ms(0);
    let bytes = holdfast_formats::number::ByteSize::of(b"bytes");
    Scrub { artifacts: vec![artifact], outcome, bytes, started: now, ended: now, bad: None }
}

#[test]
fn another_way_back_than_follows_is_refused() -> Result<()> {
    const PLAN: &str = "plan";
    refuse(|_| {
        let current =
            KnownGoodQuery { not: Some(of("current")), component: Some(of("shop/release")), ..EVERYTHING };
        let hidden = change(&lookup_of(TRAIN), |_, answer| {
            Reply::Answer(answer.edit::<KnownGood>(|answer| answer.deploys.clear()))
        });
        vec![
            altered("the steps in another order", TRAIN, PLAN, |a| a.plan.reverse()),
            altered("a step is left out", TRAIN, PLAN, |a| drop(a.plan.pop())),
            altered("no steps", TRAIN, PLAN, |a| a.plan.clear()),
            altered("a step twice", TRAIN, PLAN, |a| a.plan.push(a.plan[0].clone())),
            altered("a step goes elsewhere", TRAIN, PLAN, |a| a.plan[0].to = Some(of("shop/web@9"))),
            altered("a step of another release", TRAIN, PLAN, |a| a.plan[0].release = of("shop/release@9")),
            altered("a step that is undone otherwise", TRAIN, PLAN, |a| {
                a.plan[0].undo.mode = holdfast_formats::manifest::UndoMode::None;
            }),
            altered("the deployments in another order", TRAIN, "deployments", |a| a.deploys.reverse()),
            altered("a deployment is left out", TRAIN, "", |a| drop(a.deploys.remove(0))),
            altered("a pin as deployment", TRAIN, "deploy", |a| a.deploys[0] = a.lines[0].pin.clone()),
            altered("a line of the pair is left out", "shop/pair", "", |a| drop(a.lines.pop())),
            Case::new("what is current is not shown", Question::Asked(TRAIN, current), "", hidden)
                .exit(ExitCode::Integrity),
        ]
    })
}

/// A lie about the bytes of the large file.
fn bytes(alter: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> Lie {
    let alter = Arc::new(alter);
    Arc::new(move |asked| {
        if !asked.path.contains("/blobs/") {
            return Deed::Pass;
        }
        let alter = Arc::clone(&alter);
        // The small file is honest, so that what is handed out of it can be seen.
        Deed::Change(Box::new(move |answer| {
            if answer.body.len() > 1000 { alter(&answer.body) } else { Reply::Answer(answer) }
        }))
    })
}

fn whole(body: Vec<u8>) -> Reply {
    Reply::Answer(Answer::new(200, "application/octet-stream", body))
}

#[test]
fn t19_bytes_that_are_not_the_file_s_are_refused_and_leave_nothing() -> Result<()> {
    const NOISE: &str = "noise.bin";
    refuse(|_| {
        let lies: Vec<(&str, &'static str, bool, Lie)> = vec![
            ("extended", "more bytes", false, bytes(|b| whole([b, b"x"].concat()))),
            ("doubled", "more bytes", false, bytes(|b| whole([b, b].concat()))),
            (
                "one bit",
                "digest",
                false,
                bytes(|b| {
                    let mut b = b.to_vec();
                    b[400_000] ^= 1;
                    whole(b)
                }),
            ),
            ("zeros", "digest", false, bytes(|b| whole(vec![0; b.len()]))),
            (
                "rotated",
                "digest",
                false,
                bytes(|b| {
                    let mut b = b.to_vec();
                    b.rotate_left(7);
                    whole(b)
                }),
            ),
            ("truncated", "", true, bytes(|b| whole(b[..1000].to_vec()))),
            ("empty", "cut", true, bytes(|_| whole(Vec::new()))),
            (
                "cut in the middle",
                "does not answer",
                true,
                bytes(|b| {
                    let answer = Answer::new(200, "application/octet-stream", b.to_vec());
                    Reply::Bytes([answer.head(Some(b.len() as u64)), b[..1000].to_vec()].concat())
                }),
            ),
        ];
        lies.into_iter()
            .flat_map(|(name, says, stale, lie)| {
                [Question::Pull("shop/web@2"), Question::Check("shop/web@2"), Question::Bundle(PROD)].map(
                    |question| {
                        let case = Case::new(
                            format!("{name}: {question:?}"),
                            question.clone(),
                            says,
                            Arc::clone(&lie),
                        );
                        let case = if stale { case.stale() } else { case };
                        Case { says: if stale { says } else { NOISE }, ..case }
                    },
                )
            })
            .collect()
    })
}

/// A chunk of another blob: the answer to one file's question under another's.
#[test]
fn t19_the_bytes_of_another_file_are_refused() -> Result<()> {
    refuse(|_| {
        let other: Lie = Arc::new(|asked| {
            if !asked.path.starts_with("/v1/artifacts/shop/web@2/blobs/") {
                return Deed::Pass;
            }
            Deed::Change(Box::new(|answer| {
                let body =
                    if answer.body.len() > 1000 { vec![b'x'; 800_000] } else { b"shop/web@1".to_vec() };
                whole(body)
            }))
        });
        [Question::Pull("shop/web@2"), Question::Check("shop/web@2"), Question::Bundle(PROD)]
            .map(|question| {
                Case::new(format!("other bytes: {question:?}"), question, "digest", Arc::clone(&other))
            })
            .to_vec()
    })
}

#[test]
fn t19_another_artifact_than_asked_for_is_refused() -> Result<()> {
    refuse(|world| {
        let view = |name: &str, says: &'static str, alter: fn(&mut ArtifactView)| {
            let lie = change("/v1/artifacts/shop/web@2", move |asked, answer| {
                if asked.path.contains("/blobs/") {
                    return Reply::Answer(answer);
                }
                Reply::Answer(answer.edit(alter))
            });
            [Question::Artifact("shop/web@2"), Question::Pull("shop/web@2")]
                .map(|question| Case::new(format!("{name}: {question:?}"), question, says, Arc::clone(&lie)))
        };
        let operator = world.operator.clone();
        let first = world.first_pin;
        let pin_as_publish = change("/v1/artifacts/shop/web@2", move |_, answer| {
            Reply::Answer(answer.edit::<ArtifactView>(|view| view.publish = operator.receipt(first)))
        });
        let mut cases: Vec<Case> = [
            view("another name", "shop/web@2", |v| v.artifact.r#ref = of("shop/web@9")),
            view("another manifest", "manifest", |v| {
                v.manifest.0.push(b' ');
            }),
            view("a scrub of nothing", "scrub", |v| v.scrub = Some(v.publish.clone())),
            view("an attestation as a deny", "not about it", |v| v.denies = v.attests.clone()),
            view("an attestation without its signature", "", |v| {
                let text = String::from_utf8(v.attests[0].entry.0.clone()).expect("a leaf is text");
                let at = text.find("\"signatures\":[").expect("it has signatures") + "\"signatures\":[".len();
                v.attests[0].entry.0 = format!("{}]}}}}", &text[..at]).into_bytes();
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        cases.push(Case::new(
            "a pin as publication",
            Question::Artifact("shop/web@2"),
            "publish",
            pin_as_publish,
        ));
        cases
    })
}
