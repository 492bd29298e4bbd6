//! T27, T34, T39: answers that are no HTTP, never end, come byte by byte, are packed, or lead elsewhere.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use holdfast_tests::evil::{Answer, Deed, Endless, EvilProxy, Lie, Reply, change, honest, instead};
use holdfast_tests::of;

use crate::case::Case;
use crate::json::routes;
use crate::question::Question;
use crate::suite::{count_refused, refuse, refuse_few_at_once, sentence, shared};

/// One of the questions, and the files of an artifact besides.
fn all() -> Vec<(Question, &'static str)> {
    let mut all = routes();
    all.extend([
        (Question::Sync, "/v1/log/checkpoint"),
        (Question::Pull("shop/web@2"), "/v1/artifacts/shop/web@2/blobs/"),
        (Question::Push("shop/new@1"), "/v1/namespaces/shop/"),
    ]);
    all
}

fn every(name: &str, says: &'static str, reply: &Reply) -> Vec<Case> {
    let case = |(question, route): (Question, &'static str)| {
        // Of a file it depends on how far it was when the client gave up.
        let says = if matches!(question, Question::Pull(_)) { "" } else { says };
        let name = format!("{name}: {question:?} at {route}");
        Case::new(name, question, says, instead(route, reply.clone())).in_form_only()
    };
    all().into_iter().map(case).collect()
}

fn chunked(start: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{start}transfer-encoding: chunked\r\n\r\n").into_bytes()
}

#[test]
fn t34_answers_that_never_end_are_cut_off() -> Result<()> {
    // Answers with manifests may have 256 MiB, and one route of them is as good as all.
    let large = ["known-good", "/v1/artifacts/shop/web@2", "/log/", "/history", "/v1/grants", "/v1/policies"];
    let is_small = |name: &str| {
        name.contains("shop/prod/known-good") && !name.contains("Bundle")
            || name.contains("/blobs/")
            || name.contains("/v1/log/checkpoint")
            || !large.iter().any(|route| name.contains(route))
    };
    refuse_few_at_once(2, |_| {
        let (space, pause) = (b" ".repeat(1 << 20), Duration::ZERO);
        let piece = [format!("{:x}\r\n", space.len()).into_bytes(), space, b"\r\n".to_vec()].concat();
        let start = chunked("content-type: application/json\r\n");
        let endless = Reply::Endless(Endless { start, piece, pause });
        // Files are compared with their size, records with the most that any honest one has.
        let mut cases = every("endless", "", &endless);
        cases.retain(|case| is_small(&case.name));
        let status = b"HTTP/1.1 500 X\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let piece = b"400\r\n"
            .iter()
            .copied()
            .chain(std::iter::repeat_n(b'x', 0x400))
            .chain(*b"\r\n")
            .collect::<Vec<u8>>();
        let of_problem = Reply::Endless(Endless { start: status, piece: piece.repeat(64), pause });
        cases.push(Case::new(
            "an endless problem",
            Question::KnownGood("shop/prod"),
            "bytes",
            instead("/v1/channels/shop/prod/known-good", of_problem),
        ));
        cases
    })
}

#[test]
fn t34_answers_byte_by_byte_end_by_the_deadline() -> Result<()> {
    refuse(|_| {
        let pause = Duration::from_millis(30);
        let drip = Reply::Endless(Endless {
            start: Answer::new(200, "application/json", Vec::new()).head(Some(800_000)),
            piece: b"{".to_vec(),
            pause,
        });
        let head = Reply::Endless(Endless {
            start: b"HTTP/1.1 200 OK\r\n".to_vec(),
            piece: b"x: y\r\n".to_vec(),
            pause,
        });
        let in_chunks = Reply::Endless(Endless { start: chunked(""), piece: b"1\r\n \r\n".to_vec(), pause });
        let interim = Reply::Endless(Endless {
            start: Vec::new(),
            piece: b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
            pause,
        });
        let mut cases = every("a dripping body", "does not answer", &drip);
        for (name, reply) in [
            ("a dripping header", head),
            ("dripping chunks", in_chunks),
            ("interim answers for ever", interim),
            ("silence", Reply::Silence),
        ] {
            let first = every(name, "does not answer", &reply).into_iter();
            cases.extend(
                first.filter(|case| {
                    matches!(case.question, Question::KnownGood("shop/prod") | Question::Submit)
                }),
            );
        }
        let hurried = |case: Case| match case.question {
            // The small file has fewer bytes than come until the deadline.
            Question::Pull(_) => case.exit_either().in_a_hurry(),
            _ => case.stale().in_a_hurry(),
        };
        cases.into_iter().map(hurried).collect()
    })
}

#[test]
fn answers_that_break_off_or_are_no_http_are_refused() -> Result<()> {
    refuse(|_| {
        let json = |length| Answer::new(200, "application/json", Vec::new()).head(length);
        let lies = [
            ("a reset", Reply::Reset(Vec::new())),
            ("a reset in the body", Reply::Reset([json(Some(1000)), b"{\"channel\"".to_vec()].concat())),
            ("a length that is not reached", Reply::Bytes([json(Some(1000)), b"{}".to_vec()].concat())),
            ("a length beyond all numbers", Reply::Bytes(json(None).with_length("99999999999999999999999"))),
            ("a negative length", Reply::Bytes(json(None).with_length("-1"))),
            ("two lengths", Reply::Bytes(json(Some(2)).with_length("3"))),
            ("nothing", Reply::Bytes(Vec::new())),
            ("half a header", Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())),
            ("no HTTP", Reply::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
            ("another HTTP", Reply::Bytes(b"HTTP/9.9 200 OK\r\n\r\n{}".to_vec())),
            (
                "a header without end",
                Reply::Bytes([b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b"y".repeat(1 << 20)].concat()),
            ),
            (
                "a thousand headers",
                Reply::Bytes(
                    [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(1000), b"\r\n{}".to_vec()].concat(),
                ),
            ),
            ("chunks that are none", Reply::Bytes([chunked(""), b"zz\r\n{}\r\n0\r\n\r\n".to_vec()].concat())),
            (
                "a chunk without end",
                Reply::Bytes([chunked(""), b"ffffffffffffffffff\r\n{}".to_vec()].concat()),
            ),
        ];
        let questions = [
            (Question::KnownGood("shop/prod"), "/v1/channels/shop/prod/known-good"),
            (Question::Artifact("shop/web@2"), "/v1/artifacts/shop/web@2"),
            (Question::Pull("shop/web@2"), "/v1/artifacts/shop/web@2/blobs/"),
        ];
        let case = |(name, reply): (&str, Reply)| {
            questions.clone().map(|(question, route)| {
                let is_file = matches!(question, Question::Pull(_));
                let case = Case::new(
                    format!("{name}: {question:?}"),
                    question,
                    "does not answer",
                    instead(route, reply.clone()),
                )
                .stale();
                // The few bytes that come may be as many as the small file has.
                if is_file { case.exit_either() } else { case }
            })
        };
        lies.into_iter().flat_map(case).collect()
    })
}

/// Puts a length into a header that has none, or has another.
trait WithLength {
    fn with_length(self, length: &str) -> Vec<u8>;
}

impl WithLength for Vec<u8> {
    fn with_length(self, length: &str) -> Vec<u8> {
        let text = String::from_utf8(self).expect("a header is text");
        text.replacen("\r\n\r\n", &format!("\r\ncontent-length: {length}\r\n\r\n{{}}"), 1).into_bytes()
    }
}

#[test]
fn t27_packed_answers_are_not_unpacked() -> Result<()> {
    refuse(|_| {
        // 64 MiB of zeros, in a few kilobytes.
        let zeros = vec![0; 64 << 20];
        let zstd = zstd::bulk::compress(&zeros, 3).expect("zeros compress");
        let gzip = gzip_of_zeros(zeros.len());
        assert!(zstd.len() < 100_000 && gzip.len() < 100_000, "{} {}", zstd.len(), gzip.len());
        let packed = |encoding: &str, body: &[u8]| {
            Reply::Answer(Answer::new(200, "application/json", body).with("content-encoding", encoding))
        };
        let mut cases = Vec::new();
        for (encoding, body) in [("zstd", &zstd), ("gzip", &gzip), ("gzip, gzip", &gzip), ("br", &zstd)] {
            for (question, route) in routes() {
                cases.push(Case::new(
                    format!("{encoding}: {question:?}"),
                    question,
                    "malformed",
                    instead(route, packed(encoding, body)),
                ));
            }
        }
        cases.push(
            Case::new(
                "a packed file",
                Question::Pull("shop/web@2"),
                "cut",
                instead("/v1/artifacts/shop/web@2/blobs/", packed("zstd", &zstd)),
            )
            .exit_either(),
        );
        cases
    })
}

impl Case {
    /// The small file has fewer bytes than the lie, the large one more.
    fn exit_either(self) -> Self {
        use holdfast_formats::wire::v1::ExitCode;
        Self { exits: vec![ExitCode::Integrity, ExitCode::Unreachable], says: "", ..self }
    }
}

/// A gzip stream of one stored block over and over would be large; deflate's longest match says zeros in little.
fn gzip_of_zeros(length: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // One fixed block: a zero, then matches of length 258 at distance 1, eight bits of code and five of distance each.
    let (mut bits, mut count) = (0_u64, 0_u32);
    let mut put = |value: u64, width: u32, out: &mut Vec<u8>| {
        bits |= value << count;
        count += width;
        while count >= 8 {
            out.push(u8::try_from(bits & 0xff).expect("eight bits"));
            bits >>= 8;
            count -= 8;
        }
    };
    put(0b011, 3, &mut out);
    put(u64::from(0x30_u8.reverse_bits()), 8, &mut out);
    for _ in 0..length / 258 / 8 {
        put(u64::from(0xc5_u8.reverse_bits()), 8, &mut out);
        put(0, 5, &mut out);
    }
    put(0, 7, &mut out);
    put(0, 8, &mut out);
    out
}

#[test]
fn t39_a_redirect_is_never_followed() -> Result<()> {
    let shared = shared()?;
    let elsewhere = shared.run(EvilProxy::start(&shared.world.url(), honest()))?;
    let target = elsewhere.url();
    refuse(|_| {
        [301, 302, 303, 307, 308, 300, 304, 305]
            .into_iter()
            .flat_map(|status| {
                let target = target.clone();
                all().into_iter().map(move |(question, route)| {
                    let target = target.clone();
                    let lie: Lie = Arc::new(move |asked| {
                        if !asked.path.starts_with(route) {
                            return Deed::Pass;
                        }
                        let location = format!("{target}{}", asked.path);
                        Deed::Instead(Reply::Answer(
                            Answer::new(status, "", Vec::new()).with("location", location),
                        ))
                    });
                    Case::new(format!("{status}: {question:?} at {route}"), question, "status 3", lie)
                        .stale()
                        .in_form_only()
                })
            })
            .collect()
    })?;
    assert!(elsewhere.asked().is_empty(), "nobody went there, least of all with a token");
    Ok(())
}

#[test]
fn answers_of_another_kind_are_refused() -> Result<()> {
    refuse(|_| {
        let problem = Problem::new(ProblemCode::NothingQualifies, "nothing qualifies");
        let fine = Answer { status: 200, ..Answer::problem(404, &problem) };
        let page = Answer::new(200, "text/html", "<html><body>Sign in to the network</body></html>");
        let empty = Answer::new(204, "", Vec::new());
        let mut cases: Vec<Case> = Vec::new();
        for (name, answer) in
            [("a problem with status 200", fine), ("a web page", page), ("no content", empty)]
        {
            for (question, route) in routes() {
                let lie = instead(route, Reply::Answer(answer.clone()));
                cases.push(
                    Case::new(format!("{name}: {question:?}"), question, "malformed", lie).in_form_only(),
                );
            }
        }
        for media_type in
            ["text/html", "application/octet-stream", "application/problem+json", "application/jsonp", "*/*"]
        {
            for (question, route) in routes() {
                let lie = change(route, move |_, answer| {
                    Reply::Answer(Answer { media_type: media_type.to_owned(), ..answer })
                });
                cases.push(
                    Case::new(format!("{media_type}: {question:?}"), question, "not JSON", lie)
                        .in_form_only(),
                );
            }
        }
        cases
    })
}

/// Whoever drips a file is let go after a few tries, and what came stays out of the way.
#[test]
fn t34_a_file_that_comes_a_little_at_a_time_ends() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let lie = change("/v1/artifacts/shop/web@2/blobs/", |asked, answer| {
            if answer.body.len() < 1000 {
                return Reply::Answer(answer);
            }
            let status = if asked.header("range").is_some() { 206 } else { 200 };
            let head = Answer::new(status, "application/octet-stream", Vec::new())
                .head(Some(answer.body.len() as u64));
            Reply::Reset([head, answer.body[..10].to_vec()].concat())
        });
        let proxy = EvilProxy::start(&world.url(), lie).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let client = victim.open(&proxy.url(), Question::PATIENCE)?;
        let record = client.artifact(&of("shop/web@2")).await?;
        let error = client.pull(&record, &victim.out()).await.unwrap_err();
        assert_eq!(error.exit(), holdfast_formats::wire::v1::ExitCode::Unreachable, "{}", sentence(&error));
        count_refused();
        proxy.tell(honest());
        client.pull(&record, &victim.out()).await?;
        Ok(())
    })
}

/// What a cut download left behind was wrong: the next one finds out, and begins anew.
#[test]
fn t19_the_wrong_beginning_of_a_file_does_not_spoil_the_next_pull() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let lie = change("/v1/artifacts/shop/web@2/blobs/", |_, answer| {
            if answer.body.len() < 1000 {
                return Reply::Answer(answer);
            }
            let head =
                Answer::new(200, "application/octet-stream", Vec::new()).head(Some(answer.body.len() as u64));
            Reply::Bytes([head, vec![b'x'; 100_000]].concat())
        });
        let proxy = EvilProxy::start(&world.url(), lie).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let client = victim.open(&proxy.url(), Question::PATIENCE)?;
        let record = client.artifact(&of("shop/web@2")).await?;
        client.pull(&record, &victim.out()).await.unwrap_err();
        count_refused();
        proxy.tell(honest());
        client.pull(&record, &victim.out()).await?;
        Ok(())
    })
}
