//! The same through the real `holdfast`: its exit code, its one sentence, and what it leaves behind.

use std::time::Duration;

use anyhow::Result;
use holdfast_formats::wire::v1::{ArtifactView, KnownGood};
use holdfast_tests::Program;
use holdfast_tests::evil::{Answer, Deed, EvilProxy, Lie, Reply, change, honest, instead};
use holdfast_tests::of;
use std::sync::Arc;

use crate::case::lookup_of;
use crate::problems::is_harmless;
use crate::suite::{count_refused, is_partial, shared};

const PROD: &str = "known-good shop/prod";

fn altered(alter: fn(&mut KnownGood)) -> Lie {
    change(&lookup_of("shop/prod"), move |_, answer| Reply::Answer(answer.edit(alter)))
}

fn lies(world: &holdfast_tests::evil::EvilWorld) -> Vec<(&'static str, i32, &'static str, Lie)> {
    let once = Reply::Answer(Answer::new(200, "application/json", world.captured.first_pin.clone()));
    let page = Reply::Answer(Answer::new(200, "text/html", "<html>\u{1b}[2J</html>"));
    let bytes: Lie = Arc::new(|asked| {
        if !asked.path.contains("/blobs/") {
            return Deed::Pass;
        }
        Deed::Change(Box::new(|answer| {
            Reply::Answer(Answer { body: vec![b'x'; answer.body.len()], ..answer })
        }))
    });
    let manifest = change("/v1/artifacts/shop/web@2", |_, answer| {
        Reply::Answer(answer.edit::<ArtifactView>(|view| view.manifest.0.push(b'\n')))
    });
    let redirect = Answer::new(307, "", Vec::new()).with("location", "http://127.0.0.1:1/");
    vec![
        (PROD, 4, "policy 3", instead(&lookup_of("shop/prod"), once)),
        ("known-good shop/prod --format env", 4, "passed over", altered(|a| a.lines[0].passed_over.clear())),
        (
            "known-good shop/prod --format json",
            4,
            "shop/staging",
            altered(|a| a.channel = of("shop/staging")),
        ),
        (PROD, 4, "malformed", instead(&lookup_of("shop/prod"), page)),
        (PROD, 8, "does not answer", instead(&lookup_of("shop/prod"), Reply::Reset(Vec::new()))),
        ("pull shop/web@2 --to out", 4, "digest", bytes),
        ("pull shop/web@2 --to out", 4, "manifest", manifest),
        (PROD, 8, "status 307", instead("/v1/", Reply::Answer(redirect))),
    ]
}

#[test]
fn the_command_refuses_lies_with_its_exit_code_and_in_one_sentence() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        for (words, exit, says, lie) in lies(world) {
            let proxy = EvilProxy::start(&world.url(), lie).await?;
            let victim = world.seasoned(world.clock().clone())?;
            let token = world.ana.token()?.expose();
            let program =
                Program::at(victim.home()).with("HOLDFAST_TOKEN", &token).with("HOLDFAST_URL", &proxy.url());
            let output = program.run(words)?;
            assert_eq!(output.exit, Some(exit), "{words}: {output:?}");
            assert!(output.stdout.is_empty() && is_harmless(&output.stderr), "{words}: {output:?}");
            let error: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
            assert!(error.len() == 1 && error[0].contains(says), "{words} names {says}: {output:?}");
            assert!(victim.handed_out()?.keys().all(|path| is_partial(path)), "{words} leaves nothing");
            count_refused();
            proxy.tell(honest());
            let truth = program.run(words)?;
            assert_eq!(truth.exit, Some(0), "{words}, honestly: {truth:?}");
        }
        Ok(())
    })
}

/// A list that names nothing and goes on for ever.
#[test]
fn the_command_gives_up_a_list_that_never_ends() -> Result<()> {
    let shared = shared()?;
    let world = &shared.world;
    shared.run(async {
        let count = std::sync::atomic::AtomicU64::new(0);
        let endless: Lie = Arc::new(move |asked| {
            if !asked.path.starts_with("/v1/artifacts") {
                return Deed::Pass;
            }
            let next = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let page = format!("{{\"artifacts\":[],\"next\":\"shop/{next:09}\"}}");
            Deed::Instead(Reply::Answer(Answer::new(200, "application/json", page)))
        });
        let proxy = EvilProxy::start(&world.url(), endless).await?;
        let victim = world.seasoned(world.clock().clone())?;
        let token = world.ana.token()?.expose();
        let program =
            Program::at(victim.home()).with("HOLDFAST_TOKEN", &token).with("HOLDFAST_URL", &proxy.url());
        let begun = std::time::Instant::now();
        let output = program.run("list")?;
        assert!(output.exit == Some(4) && begun.elapsed() < Duration::from_secs(20), "{output:?}");
        count_refused();
        Ok(())
    })
}
