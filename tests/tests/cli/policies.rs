//! The policy changes: a team instead of one person, statements that several people sign, keys that rotate or fall.

use anyhow::{Context as _, Result};
use holdfast_tests::{Server, binary};

use crate::world::World;

/// Makes a key and gives its public half.
fn key(world: &World, name: &str) -> Result<String> {
    let shown = world.good(&format!("key generate --out {name}.pem"))?;
    Ok(shown.split_whitespace().next().context("the key is shown")?.to_owned())
}

/// A world in which Bob and Cleo own and release besides the owner, two of three each.
fn team() -> Result<World> {
    let world = World::new()?;
    let (bob, cleo) = (key(&world, "bob")?, key(&world, "cleo")?);
    // A key may also stand in a file.
    std::fs::write(world.home.path().join("cleo.pub"), cleo)?;
    world
        .good(&format!("policy upgrade team --owner bob={bob} --owner cleo=cleo.pub --prepare team.json"))?;
    world.good("sign team.json")?;
    world.good("--key bob.pem sign team.json")?;
    world.good("submit team.json")?;
    Ok(world)
}

#[test]
fn a_solo_policy_becomes_that_of_a_team() -> Result<()> {
    let world = World::new()?;
    let bob = key(&world, "bob")?;
    let refused = world.bad(2, &format!("policy upgrade team --owner bob={bob}"))?;
    assert!(refused.contains("--may-release-own"), "{refused}");
    let cleo = key(&world, "cleo")?;
    let words = format!("policy upgrade team --owner bob={bob} --releaser cleo={cleo} --prepare team.json");
    let prepared = world.run(&words)?;
    assert_eq!(prepared.exit, Some(0), "{prepared:?}");
    for change in
        ["~ threshold of the root: 1 → 2", "+ principal bob", "+ principal cleo", "+ separate publisher"]
    {
        assert!(prepared.stderr.contains(change), "{change}: {}", prepared.stderr);
    }
    let signed = world.run("sign team.json")?;
    assert_eq!(signed.exit, Some(0), "{signed:?}");
    assert!(signed.stderr.contains("~ threshold of the root: 1 → 2"), "what is signed is shown: {signed:?}");
    assert!(signed.stdout.contains("1 more signature(s)"), "{signed:?}");
    let refused = world.bad(6, "submit team.json")?;
    assert!(refused.contains("still missing: 1 of") && refused.contains(&bob), "{refused}");
    world.good("--key bob.pem sign team.json")?;
    world.good("submit team.json")?;
    let policy = world.good("policy show")?;
    assert!(policy.contains("2 of 2 keys") && policy.contains("releaser: 2 of owner,bob,cleo"), "{policy}");
    Ok(())
}

#[test]
fn t30_two_of_three_sign_copies_in_parallel_and_too_few_are_named() -> Result<()> {
    let world = team()?;
    world.good("push shop/web@1 dist")?;
    world.good("pin shop/prod shop/web@1 -m by-two --prepare pin.json")?;
    let copy = |to: &str| std::fs::copy(world.home.path().join("pin.json"), world.home.path().join(to));
    copy("bob.json")?;
    copy("cleo.json")?;
    let signed = world.run("--key bob.pem sign bob.json")?;
    assert_eq!(signed.exit, Some(0), "{signed:?}");
    assert!(signed.stderr.contains("2 of the releasers for shop/web in shop/prod must sign"), "{signed:?}");
    let refused = world.bad(6, "submit bob.json")?;
    assert!(refused.contains("still missing: 1 of") && refused.contains("cleo"), "{refused}");
    assert!(!refused.contains("of bob"), "{refused}");
    world.bad(2, "--key bob.pem sign bob.json")?;
    world.good("--key cleo.pem sign cleo.json")?;
    world.good("submit bob.json cleo.json")?;
    assert!(world.good("known-good shop/prod")?.contains("by-two"));

    // The other way: one takes the other's signature in, and the file is for this log only.
    world.good("pin shop/prod shop/web@1 -m again --prepare again.json")?;
    std::fs::copy(world.home.path().join("again.json"), world.home.path().join("b.json"))?;
    world.good("--key bob.pem sign b.json")?;
    let merged = world.good("--key cleo.pem sign again.json --merge b.json")?;
    assert!(merged.contains("that is enough"), "{merged}");
    world.bad(2, "sign again.json --merge bob.json")?;
    world.bad(2, "sign again.json --log other.example/log")?;
    world.good("submit again.json")?;

    let stranger = holdfast_tests::Program::at(world.data.path());
    let file = world.home.path().join("again.json");
    let refused = stranger.run_words(&["sign", file.to_str().context("a path")?])?;
    assert_eq!(refused.exit, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("--log"), "without trust.json nothing tells which log: {refused:?}");
    Ok(())
}

#[test]
fn t18_a_statement_of_another_log_or_with_a_false_signature_is_not_signed() -> Result<()> {
    let (world, other) = (World::new()?, World::new()?);
    other.good("freeze shop/prod -m why --prepare f.json")?;
    std::fs::copy(other.home.path().join("f.json"), world.home.path().join("f.json"))?;
    let refused = world.bad(2, "sign f.json")?;
    assert!(refused.contains("is for the log"), "{refused}");
    world.good("freeze shop/prod -m why --prepare mine.json")?;
    world.good("sign mine.json")?;
    let path = world.home.path().join("mine.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let sig = &mut json["envelope"]["signatures"][0]["sig"];
    let text = sig.as_str().context("a signature")?;
    let changed = if text.starts_with('A') { text.replacen('A', "B", 1) } else { format!("A{}", &text[1..]) };
    *sig = changed.into();
    std::fs::write(&path, serde_json::to_vec(&json)?)?;
    let bob = key(&world, "bob")?;
    assert!(bob.starts_with("ed25519:"));
    let refused = world.bad(4, "--key bob.pem sign mine.json")?;
    assert!(refused.contains("signature"), "{refused}");
    Ok(())
}

#[test]
fn an_edit_shows_what_changes_and_what_that_weakens() -> Result<()> {
    let world = World::new()?;
    let policy = world.good("policy show --format json")?;
    let path = world.home.path().join("p.json");
    std::fs::write(&path, policy.replacen("\"public_read\": false", "\"public_read\": true", 1))?;
    let edited = world.run("policy edit --file p.json")?;
    assert_eq!(edited.exit, Some(0), "{edited:?}");
    assert!(edited.stderr.contains("~ namespace *: read by everybody: false → true"), "{edited:?}");
    assert!(edited.stderr.contains("warning: everybody may read everything in namespace *"), "{edited:?}");
    world.bad(9, "policy edit --file p.json")?;
    Ok(())
}

#[test]
fn the_keys_of_a_running_registry_rotate() -> Result<()> {
    let world = World::pinned()?;
    let keys = world.data.path().join("data/keys");
    for kind in ["log", "head", "registry"] {
        let mut command = std::process::Command::new(binary("holdfast-registry")?);
        let made = command.args(["keys", "--add", kind, "--to"]).arg(&keys).env_clear().output()?;
        assert!(made.status.success(), "{made:?}");
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        let rotate =
            said.lines().find_map(|line| line.trim().strip_prefix("holdfast ")).context("the next step")?;
        let done = world.run(rotate)?;
        assert_eq!(done.exit, Some(0), "{rotate}: {done:?}");
        assert!(done.stderr.contains(&format!("- {kind} key")), "{done:?}");
        world.good("pin shop/prod shop/web@1 -m after")?;
        assert!(world.good("known-good shop/prod")?.contains("after"), "{kind}");
    }
    let refused = world.bad(6, &format!("policy rotate log-key {}", key(&world, "foreign")?))?;
    assert!(refused.contains("keys --to DIR --add log"), "{refused}");
    world.good("audit")?;
    world.good("pull shop/web@1 --to out")?;
    let World { server, data, home } = world;
    let address = server.address();
    server.kill()?;
    let _server = Server::start_on(data.path(), address, &[])?;
    let program = holdfast_tests::Program::at(home.path());
    assert_eq!(program.run("known-good shop/prod")?.exit, Some(0));
    Ok(())
}

#[test]
fn a_root_key_rotates_and_the_new_one_signs_from_then_on() -> Result<()> {
    let world = World::pinned()?;
    key(&world, "new")?;
    world.bad(6, "policy rotate root-key new.pem")?;
    world.good("policy rotate root-key new.pem --also-key new.pem")?;
    world.bad(4, "pin shop/prod shop/web@1 -m old-key")?;
    world.good("key from new.pem")?;
    world.good("pin shop/prod shop/web@1 -m new-key")?;
    assert!(world.good("known-good shop/prod")?.contains("new-key"));
    world.good("audit")?;
    Ok(())
}

#[test]
fn a_distrusted_key_takes_its_pins_with_it_and_says_so_first() -> Result<()> {
    let world = World::pinned()?;
    let bob = key(&world, "bob")?;
    world.good(&format!(
        "policy upgrade team --releaser bob={bob} --pin-threshold 1 --root-threshold 1 --may-release-own"
    ))?;
    std::fs::write(world.home.path().join("dist/app"), "version 2")?;
    world.good("push shop/web@2 dist")?;
    let pinned = world.good("--key bob.pem pin shop/prod shop/web@2 -m smoke --format json")?;
    let pinned: serde_json::Value = serde_json::from_str(&pinned)?;
    let entry = pinned["index"].as_u64().context("the pin's entry")?;
    assert!(world.good("known-good shop/prod")?.contains("shop/web@2"));
    let done = world.run(&format!("policy distrust bob --from {entry} --reason stolen"))?;
    assert_eq!(done.exit, Some(0), "{done:?}");
    assert!(
        done.stderr.contains("1 statement(s)") && done.stderr.contains("is answered no more"),
        "{done:?}"
    );
    assert!(done.stderr.contains(&format!("+ distrust of {bob}")), "{done:?}");
    assert!(world.good("known-good shop/prod")?.contains("shop/web@1"));
    world.bad(2, &format!("policy distrust bob --from {entry} --reason again"))?;
    Ok(())
}
