//! What a client cannot know, because it is the registry's word alone: that nothing newer and no deny is hidden, and that
//! there really is no answer. The operator signs it, so there is proof; the audit of the whole log finds it.

use anyhow::Result;
use holdfast_formats::number::PinNumber;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ArtifactView, HeldArtifact, KnownGood, Problem, ProblemCode};
use holdfast_tests::evil::{Answer, EvilProxy, EvilWorld, Lie, Reply, Victim, change, instead};
use holdfast_tests::{Output, Program, of};

use crate::case::lookup_of;
use crate::question::{EVERYTHING, Question};
use crate::suite::{count_refused, shared};

const PROD: &str = "shop/prod";

/// Audits through a proxy, as whoever has this folder.
async fn audit(world: &EvilWorld, victim: &Victim, lie: Lie) -> Result<Output> {
    let proxy = EvilProxy::start(&world.url(), lie).await?;
    let token = world.ana.token()?.expose();
    let program =
        Program::at(victim.home()).with("HOLDFAST_TOKEN", &token).with("HOLDFAST_URL", &proxy.url());
    program.run("audit")
}

/// What a client makes of it: the reference answered.
async fn believed(world: &EvilWorld, victim: &Victim, lie: Lie) -> Result<String> {
    let proxy = EvilProxy::start(&world.url(), lie).await?;
    let client = victim.open(&proxy.url(), Question::PATIENCE)?;
    let lookup = client.known_good(&of(PROD), &EVERYTHING, None).await?;
    Ok(lookup.answer.get().lines[0].artifact.r#ref.to_string())
}

fn number(value: u64) -> PinNumber {
    PinNumber::new(value).expect("a small number")
}

#[test]
fn the_audit_of_an_honest_registry_finds_nothing() -> Result<()> {
    let shared = shared()?;
    shared.run(async {
        let world = EvilWorld::start().await?;
        let victim = world.seasoned(world.clock().clone())?;
        let output = audit(&world, &victim, holdfast_tests::evil::honest()).await?;
        assert_eq!(output.exit, Some(0), "{output:?}");
        Ok(())
    })
}

#[test]
fn what_a_client_cannot_know_the_audit_finds() -> Result<()> {
    let shared = shared()?;
    shared.run(async {
        // A world of its own, because no entry may come in between.
        let world = EvilWorld::start().await?;
        let lies = [
            ("a denied artifact", "shop/web@3", denied(&world).await?, true),
            ("a newer pin is hidden", "shop/web@2", hidden(&world), false),
        ];
        for (name, answered, lie, to_seasoned) in lies {
            let victim = || {
                let clock = world.clock().clone();
                if to_seasoned { world.seasoned(clock) } else { world.newcomer(clock) }
            };
            let said = believed(&world, &victim()?, lie.clone()).await;
            assert_eq!(said.ok().as_deref(), Some(answered), "{name}: nobody can know");
            let output = audit(&world, &victim()?, lie).await?;
            let words = format!("{}{}", output.stdout, output.stderr);
            assert!(output.exit == Some(4) && words.contains("shop/prod"), "{name}: {output:?}");
            count_refused();
        }
        let nothing = Problem::new(ProblemCode::NothingQualifies, "nothing qualifies");
        let lie = instead(&lookup_of(PROD), Reply::Answer(Answer::problem(404, &nothing)));
        let output = audit(&world, &world.seasoned(world.clock().clone())?, lie).await?;
        let words = format!("{}{}", output.stdout, output.stderr);
        assert!(output.exit == Some(4) && words.contains("shop/prod"), "no answer: {output:?}");
        count_refused();
        Ok(())
    })
}

/// Pin 3 as the answer, its deny as if it were not.
async fn denied(world: &EvilWorld) -> Result<Lie> {
    let view: ArtifactView = world.ana.http()?.read("/v1/artifacts/shop/web@3").await?;
    let scrub = view.scrub.as_ref().map(|scrub| scrub.index).expect("it was pinned, so it was read back");
    let operator = world.operator.clone();
    Ok(change(&lookup_of(PROD), move |asked, answer| {
        let view = view.clone();
        Reply::Answer(answer.edit::<KnownGood>(|answer| {
            let denied = answer.lines[0].passed_over.remove(1);
            answer.lines[0].pin = denied.pin;
            answer.artifacts.push(HeldArtifact {
                artifact: view.artifact,
                publish: operator.proven(view.publish.index),
                scrub: Some(operator.proven(scrub)),
                manifest: view.manifest,
            });
            operator.sign_head(answer, |head| head.lines[0].answered = Some(number(3)));
            operator.prove(answer, asked);
        }))
    }))
}

/// Pin 2 as the newest there ever was.
fn hidden(world: &EvilWorld) -> Lie {
    let operator = world.operator.clone();
    change(&lookup_of(PROD), move |asked, answer| {
        Reply::Answer(answer.edit::<KnownGood>(|answer| {
            answer.lines[0].passed_over.clear();
            let pin: LeafIndex = answer.lines[0].pin.index;
            operator.sign_head(answer, |head| {
                head.lines[0].issued = number(2);
                head.newest_entry = Some(pin);
            });
            operator.prove(answer, asked);
        }))
    })
}
