//! The commands of the command line, used as its help says.

use anyhow::{Context as _, Result};

use crate::world::World;

#[test]
fn the_five_lines_work_by_hand() -> Result<()> {
    let world = World::pinned()?;
    let answer = world.good("known-good shop/prod")?;
    assert!(answer.contains("shop/web@1") && answer.contains("smoke-passed"), "{answer}");
    let variables = world.good("known-good shop/prod --format env")?;
    for name in ["HOLDFAST_CHANNEL", "HOLDFAST_PIN", "HOLDFAST_REF", "HOLDFAST_DIGEST"] {
        assert!(variables.contains(&format!("{name}=")), "{variables}");
    }
    Ok(())
}

#[test]
fn reading_commands_answer_in_plain_and_in_json() -> Result<()> {
    let world = World::pinned()?;
    world.good("deploy shop/prod shop/web@1 started")?;
    world.good("deploy shop/prod shop/web@1 succeeded")?;
    for words in [
        "known-good shop/prod",
        "history shop/prod",
        "list",
        "show shop/web@1",
        "show channel:shop/prod",
        "gate shop/prod shop/web@1",
        "policy show",
        "trust show",
        "token list",
        "status",
        "audit",
        "verify shop/web@1",
        "log tail",
    ] {
        assert!(!world.good(words)?.is_empty(), "{words}");
        let json = world.good(&format!("{words} --format json"))?;
        serde_json::from_str::<serde_json::Value>(&json).with_context(|| format!("{words}: {json}"))?;
    }
    assert!(world.good("log checkpoint")?.lines().count() >= 4);
    assert!(world.good("proof shop/web@1")?.contains("c2sp.org/tlog-proof@v1"));
    assert!(world.good("completion bash")?.contains("holdfast"));
    Ok(())
}

#[test]
fn t19_an_envelope_that_is_about_something_else_is_not_attested() -> Result<()> {
    let world = World::pinned()?;
    let shown: serde_json::Value = serde_json::from_str(&world.good("show shop/web@1 --format json")?)?;
    let of_file = &shown["manifest"]["files"][0]["digests"]["sha256"];
    let statement = |digest: &str| {
        serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "app", "digest": {"sha256": digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {},
        })
        .to_string()
    };
    let write = |name: &str, digest: &str| std::fs::write(world.home.path().join(name), statement(digest));
    write("of-the-file.json", of_file.as_str().context("a file has a SHA-256")?)?;
    write("of-another.json", &"0".repeat(64))?;
    world.good("attest shop/web@1 of-the-file.json")?;
    let refusal = world.bad(4, "attest shop/web@1 of-another.json")?;
    assert!(refusal.contains("something else"), "{refusal}");
    assert_eq!(world.good("show shop/web@1")?.matches("attested by entry").count(), 1);
    Ok(())
}

#[test]
fn a_prepared_pin_is_signed_and_submitted_as_a_file() -> Result<()> {
    let world = World::new()?;
    world.good("push shop/web@1 dist")?;
    world.good("pin shop/prod shop/web@1 -m by-two --prepare pin.json")?;
    world.bad(2, "submit pin.json")?;
    world.good("sign pin.json")?;
    world.good("submit pin.json")?;
    assert!(world.good("known-good shop/prod")?.contains("by-two"));
    Ok(())
}

#[test]
fn a_rollback_is_recorded_step_by_step() -> Result<()> {
    let world = World::pinned()?;
    let one = |version: u32| -> Result<()> {
        world.good(&format!("deploy shop/prod shop/web@{version} started"))?;
        world.good(&format!("deploy shop/prod shop/web@{version} succeeded"))?;
        Ok(())
    };
    one(1)?;
    std::fs::write(world.home.path().join("dist/app"), "version 2")?;
    world.good("push shop/web@2 dist")?;
    one(2)?;
    world.good("deny shop/web@2 -m broken")?;
    let begun = world.good("rollback start shop/prod --to shop/web@1 -m broken --format json")?;
    let begun: serde_json::Value = serde_json::from_str(&begun)?;
    let id = begun
        .as_object()
        .and_then(|fields| {
            fields.values().filter_map(|value| value.as_str()).find(|text| text.contains("shop/prod#"))
        })
        .context("start prints the rollback's id")?;
    world.good(&format!("rollback step {id} --component shop/web --outcome ok"))?;
    world.good("deploy shop/prod shop/web@1 started --direction rollback")?;
    world.good("deploy shop/prod shop/web@1 succeeded --direction rollback")?;
    world.good(&format!("rollback finish {id} --outcome succeeded"))?;
    let history = world.good("history shop/prod")?;
    assert!(history.contains("rollback"), "{history}");
    world.good("audit")?;
    Ok(())
}

#[test]
fn a_push_says_what_it_is_and_a_pipeline_which_run_it_is() -> Result<()> {
    let world = World::new()?;
    std::fs::write(world.home.path().join("provenance.json"), "{}")?;
    world.good(
        "push shop/web@1 dist --label team=checkout --data-class personal --keep 30d --keep-class build --keep-mode compliance \
         --build-by makefile --build-run laptop-7 --build-type make --build-provenance provenance.json",
    )?;
    let show = |reference: &str| -> Result<serde_json::Value> {
        Ok(serde_json::from_str(&world.good(&format!("show {reference} --format json"))?)?)
    };
    let said = show("shop/web@1")?;
    assert_eq!(said["manifest"]["data_class"], "personal");
    assert_eq!(said["manifest"]["labels"]["team"], "checkout");
    assert_eq!(said["keep"]["class"], "build");
    assert_eq!(said["keep"]["mode"], "compliance");
    assert_eq!(said["build"]["builder_id"], "makefile");
    assert_eq!(said["build"]["provenance"].as_array().map(Vec::len), Some(1));
    assert!(said["context"].is_null(), "nobody runs a pipeline here: {said}");

    let pipeline = || {
        let program = world.program().with("GITHUB_ACTIONS", "true").with("GITHUB_RUN_ID", "77");
        let program = program.with("GITHUB_SERVER_URL", "https://github.com");
        let program = program.with("GITHUB_REPOSITORY", "shop/web").with("GITHUB_REF", "refs/heads/main");
        program.with("GITHUB_SHA", "0f0e0d0c0b0a").with("RUNNER_ENVIRONMENT", "self-hosted")
    };
    assert_eq!(pipeline().run("push shop/web@2 dist")?.exit, Some(0));
    let said = show("shop/web@2")?;
    assert_eq!(said["context"]["source"]["git_commit"], "0f0e0d0c0b0a");
    assert_eq!(said["context"]["run"]["url"], "https://github.com/shop/web/actions/runs/77");
    assert_eq!(said["build"]["builder_id"], "https://github.com/actions/runner/self-hosted");
    assert!(world.good("show shop/web@2")?.contains("0f0e0d0c0b0a of https://github.com/shop/web"));
    assert_eq!(pipeline().run("push shop/web@3 dist --no-pipeline")?.exit, Some(0));
    let said = show("shop/web@3")?;
    assert!(said["context"].is_null() && said["build"].is_null(), "{said}");
    world.bad(2, "push shop/web@4 dist --build-by makefile")?;
    world.bad(2, "push shop/web@4 dist --keep-mode sometimes")?;
    Ok(())
}

#[test]
fn tokens_are_granted_with_an_ephemeral_key_and_listed() -> Result<()> {
    let world = World::pinned()?;
    let key = world.good("key generate --out ci.pem")?;
    let key = key.split_whitespace().find(|word| word.starts_with("ed25519:")).context("the key is shown")?;
    world.bad(2, &format!("token grant ci --action read --ephemeral-key {key}"))?;
    let token = world.good(&format!(
        "token grant ci --action read,publish --name shop/web --expires 2h --ephemeral-key {key}"
    ))?;
    let list = world.good("token list")?;
    assert!(list.lines().any(|line| line.contains(" ci ") && line.contains("until")), "{list}");
    let ci = world.program().with("HOLDFAST_TOKEN", token.trim());
    assert_eq!(ci.run("--key ci.pem push shop/web@2 dist")?.exit, Some(0));
    let refused = ci.run("--key ci.pem pin shop/prod shop/web@2 -m tested")?;
    assert_eq!(refused.exit, Some(6), "{refused:?}");
    assert!(world.good("show shop/web@2")?.contains("shop/web@2"), "what it signed is believed");
    world.good("pin shop/prod shop/web@2 -m tested")?;
    assert!(world.good("known-good shop/prod")?.contains("shop/web@2"));
    Ok(())
}
