//! The table of exit codes, each by the shortest way to it.

use anyhow::{Context as _, Result};
use holdfast_tests::{Program, free_port};

use crate::world::World;

#[test]
fn each_exit_code_is_what_the_table_says() -> Result<()> {
    let world = World::pinned()?;
    // 0: done.
    assert!(world.good("known-good shop/prod")?.contains("shop/web@1"));
    // 2: usage, and input that cannot be meant.
    world.bad(2, "known-good shop")?;
    world.bad(2, "pin shop/prod shop/web@1")?;
    world.bad(2, "push shop/web@1 no-such-folder")?;
    world.bad(2, "push SHOP/web@1 dist")?;
    world.bad(2, "deploy shop/prod shop/web@1 perhaps")?;
    // 3: not found.
    world.bad(3, "show shop/web@99")?;
    world.bad(3, "known-good shop/nowhere")?;
    world.bad(3, "pull shop/absent@1 --to out")?;
    // 5: ended.
    let deny = world.good("deny shop/web@1 -m leaks --format json")?;
    let entry = index_of(&deny)?;
    world.good(&format!("lift {entry} -m no-leak"))?;
    world.bad(5, &format!("lift {entry} -m twice"))?;
    // 6: refused.
    world.good("freeze shop/prod -m holiday")?;
    let words = world.bad(6, "deploy shop/prod shop/web@1 started")?;
    assert!(words.contains("holiday") && words.contains("thaw"), "{words}");
    // 9: conflict.
    std::fs::write(world.home.path().join("dist/app"), "version 2")?;
    let words = world.bad(9, "push shop/web@1 dist")?;
    assert!(words.contains("new version"), "{words}");
    // 10: nothing qualifies.
    world.good("deny shop/web@1 -m broken")?;
    let words = world.bad(10, "known-good shop/prod")?;
    assert!(words.contains("shop/web"), "{words}");
    Ok(())
}

/// The entry's number in an answer in JSON.
fn index_of(json: &str) -> Result<u64> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    let found = ["index", "entry"].iter().find_map(|key| value.get(*key).and_then(serde_json::Value::as_u64));
    found.with_context(|| format!("it names the entry: {json}"))
}

#[test]
fn exit_4_when_a_stored_chunk_has_one_bit_flipped() -> Result<()> {
    let world = World::pinned()?;
    world.good("pull shop/web@1 --to whole")?;
    let chunks = world.data.path().join("data/objects/chunks/shop");
    let mut flipped = 0;
    for fan in std::fs::read_dir(chunks)? {
        for chunk in std::fs::read_dir(fan?.path())? {
            let path = chunk?.path();
            let mut bytes = std::fs::read(&path)?;
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&path, bytes)?;
            flipped += 1;
        }
    }
    assert_eq!(flipped, 1);
    let words = world.bad(4, "pull shop/web@1 --to out")?;
    assert!(words.contains("damaged"), "{words}");
    assert!(!world.home.path().join("out/app").exists(), "no byte of it is written under its name");
    world.bad(4, "verify shop/web@1")?;
    Ok(())
}

#[test]
fn exit_4_when_a_local_copy_differs() -> Result<()> {
    let world = World::pinned()?;
    world.good("pull shop/web@1 --to out")?;
    world.good("verify out --ref shop/web@1")?;
    std::fs::write(world.home.path().join("out/app"), "version 3")?;
    let words = world.bad(4, "verify out --ref shop/web@1")?;
    assert!(words.contains("app"), "{words}");
    Ok(())
}

#[test]
fn exit_7_when_the_way_back_passes_an_irreversible_step() -> Result<()> {
    let world = World::new()?;
    let file = |name: &str, text: &str| std::fs::write(world.home.path().join(name), text);
    let release = |version: u32, mode: &str| {
        format!(
            "[[component]]\nname = \"web\"\nrole = \"code\"\nref = \"shop/web@{version}\"\nstage = 1\n[component.undo]\nmode = \"{mode}\"\n"
        )
    };
    world.good("push shop/web@1 dist")?;
    file("dist/app", "version 2")?;
    world.good("push shop/web@2 dist")?;
    file("one.toml", &release(1, "redeploy"))?;
    file("two.toml", &release(2, "none"))?;
    world.good("release shop/release@1 one.toml")?;
    world.good("release shop/release@2 two.toml")?;
    world.good("pin shop/prod shop/release@1 -m good")?;
    for version in [1, 2] {
        world.good(&format!("deploy shop/prod shop/release@{version} started"))?;
        world.good(&format!("deploy shop/prod shop/release@{version} succeeded"))?;
    }
    let words = world.bad(7, "known-good shop/prod --not current")?;
    assert!(words.contains("--accept-irreversible"), "{words}");
    let answer = world.good("known-good shop/prod --not current --accept-irreversible")?;
    assert!(answer.contains("shop/release@1"), "{answer}");
    Ok(())
}

#[test]
fn exit_8_when_the_registry_is_down_unless_a_remembered_answer_is_young_enough() -> Result<()> {
    let world = World::pinned()?;
    world.good("known-good shop/prod")?;
    let World { server, home, data: _data } = world;
    server.kill()?;
    let program = Program::at(home.path());
    let down = program.run("known-good shop/prod")?;
    assert_eq!(down.exit, Some(8), "{down:?}");
    assert!(down.stderr.contains("holdfast status"), "{}", down.stderr);
    let remembered = program.run("known-good shop/prod --max-age 1h")?;
    assert_eq!(remembered.exit, Some(0), "{remembered:?}");
    assert!(remembered.stdout.contains("shop/web@1"));
    for words in ["status", "push shop/web@2 dist", "list", "history shop/prod", "pull shop/web@1 --to out"] {
        let down = program.run(words)?;
        assert_eq!(down.exit, Some(8), "{words}: {down:?}");
    }
    Ok(())
}

#[test]
fn without_trust_and_without_a_key_the_command_says_what_to_do() -> Result<()> {
    let home = tempfile::tempdir()?;
    let nobody = Program::at(home.path());
    let lost = nobody.run("known-good shop/prod")?;
    assert_eq!(lost.exit, Some(2), "{lost:?}");
    assert!(lost.stderr.contains("holdfast login"), "{}", lost.stderr);
    let nowhere = nobody.run(&format!("login http://{}#hfl_nonsense", free_port()?))?;
    assert_eq!(nowhere.exit, Some(2), "{nowhere:?}");
    assert!(!nowhere.stderr.contains("nonsense"), "a secret is never repeated: {}", nowhere.stderr);

    let world = World::pinned()?;
    std::fs::remove_file(world.home.path().join("key.pem"))?;
    let words = world.bad(2, "pin shop/prod shop/web@1 -m again")?;
    assert!(words.contains("holdfast key generate"), "{words}");
    Ok(())
}

#[test]
fn an_expired_token_is_told_apart_from_a_missing_server() -> Result<()> {
    let world = World::pinned()?;
    let granted = world
        .good("token grant ci --action read --name shop/* --channel shop/* --expires 1s --format json")?;
    let token = granted
        .split('"')
        .find(|text| text.starts_with("hft_"))
        .context("the token is printed once")?
        .to_owned();
    let bearer = world.program().with("HOLDFAST_TOKEN", &token);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let refused = bearer.run("list")?;
    assert_eq!(refused.exit, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains("expired") && refused.stderr.contains("token grant"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains(&token));
    Ok(())
}
