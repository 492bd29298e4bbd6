//! T36: refusals of every kind with hostile text, and refusals that contradict themselves.

use anyhow::Result;
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use holdfast_tests::Program;
use holdfast_tests::evil::{Answer, EvilProxy, Reply, instead};
use holdfast_tests::of;

use crate::case::{Case, lookup_of};
use crate::question::{EVERYTHING, Question};
use crate::suite::{count_refused, refuse, sentence, shared};

/// Commands for a terminal, forged lines, text that runs the other way, and a formula.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}all is well\r\nerror: nothing\u{202e}gnp.exe\u{2066}\u{9b}31m\u{0}=cmd|' /C calc'!A0";

fn refusing(code: ProblemCode) -> Reply {
    Reply::Answer(Answer::problem(code.status(), &Problem::new(code, HOSTILE)))
}

#[test]
fn t36_every_refusal_has_its_exit_code_whatever_its_words() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        for code in ProblemCode::ALL {
            let lie = instead(&lookup_of("shop/prod"), refusing(*code));
            let proxy = EvilProxy::start(&world.url(), lie).await?;
            let victim = world.seasoned(world.clock().clone())?;
            let before = victim.memory()?;
            let client = victim.open(&proxy.url(), Question::PATIENCE)?;
            let error = client.known_good(&of("shop/prod"), &EVERYTHING, None).await.unwrap_err();
            assert_eq!(error.exit(), code.exit(), "{code}: {}", sentence(&error));
            assert_eq!(error.problem().map(|problem| problem.code), Some(*code));
            assert_eq!(victim.memory()?, before, "{code}");
            count_refused();
        }
        Ok(())
    })
}

#[test]
fn t36_hostile_words_reach_a_terminal_escaped_and_in_one_line() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        for code in
            [ProblemCode::NothingQualifies, ProblemCode::Corrupt, ProblemCode::Internal, ProblemCode::Denied]
        {
            let proxy = EvilProxy::start(&world.url(), instead("/v1/", refusing(code))).await?;
            let victim = world.seasoned(world.clock().clone())?;
            let token = world.ana.token()?.expose();
            let program =
                Program::at(victim.home()).with("HOLDFAST_TOKEN", &token).with("HOLDFAST_URL", &proxy.url());
            for words in
                ["known-good shop/prod", "known-good shop/prod --format json", "show shop/web@2", "audit"]
            {
                let output = program.run(words)?;
                assert_eq!(output.exit, Some(i32::from(code.exit() as u8)), "{words}: {output:?}");
                assert!(output.stdout.is_empty(), "{words}: {output:?}");
                assert!(is_harmless(&output.stderr), "{words}: {output:?}");
                let errors = output.stderr.lines().filter(|line| line.starts_with("error:")).count();
                assert_eq!(errors, 1, "{words}: {output:?}");
                count_refused();
            }
        }
        Ok(())
    })
}

/// No control character but line ends, and none that hides or turns text.
pub(crate) fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n'
            || !(c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    })
}

#[test]
fn refusals_that_contradict_themselves_are_none() -> Result<()> {
    refuse(|_| {
        let lie = |name: String, status, problem: Problem| {
            let reply = Reply::Answer(Answer::problem(status, &problem));
            Case::new(
                name,
                Question::KnownGood("shop/prod"),
                "no problem document",
                instead(&lookup_of("shop/prod"), reply),
            )
            .stale()
        };
        let code = ProblemCode::NothingQualifies;
        let mut cases: Vec<Case> = [400, 401, 403, 409, 418, 451, 500, 502, 503, 599]
            .into_iter()
            .map(|status| {
                lie(format!("nothing qualifies, with status {status}"), status, Problem::new(code, "nothing"))
            })
            .collect();
        let other = Problem { status: 500, ..Problem::new(code, "nothing") };
        cases.push(lie("two statuses".to_owned(), 404, other));
        cases.push(lie("no words".to_owned(), 404, Problem::new(code, "")));
        cases.push(lie("only spaces".to_owned(), 404, Problem::new(code, "  \n ")));
        cases.push(lie("a book".to_owned(), 404, Problem::new(code, "nothing ".repeat(100_000))));
        for status in [400, 404, 429, 500, 503] {
            for (name, body) in
                [("a page", "<html>"), ("nothing", ""), ("a list", "[]"), ("an open end", "{\"type\":")]
            {
                let reply = Reply::Answer(Answer::new(status, "application/problem+json", body));
                let lie = instead(&lookup_of("shop/prod"), reply);
                let case = Case::new(
                    format!("{name} with status {status}"),
                    Question::KnownGood("shop/prod"),
                    "no problem document",
                    lie,
                );
                cases.push(case.stale());
            }
        }
        cases
    })
}
