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
fn a_bundle_is_verified_without_the_registry() -> Result<()> {
    let world = World::pinned()?;
    world.good("bundle shop/prod -o shop.bundle")?;
    let World { server, home, data: _data } = world;
    server.kill()?;
    let program = holdfast_tests::Program::at(home.path());
    let verified = program.run("verify shop.bundle")?;
    assert_eq!(verified.exit, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("shop/web@1"));
    let mut bytes = std::fs::read(home.path().join("shop.bundle"))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(home.path().join("shop.bundle"), bytes)?;
    assert_eq!(program.run("verify shop.bundle")?.exit, Some(4));
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
