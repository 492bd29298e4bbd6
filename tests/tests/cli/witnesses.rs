//! T12 by hand: witnesses in trust.json, what `holdfast` says of them, and evidence of a fork as a third party checks it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::note::NoteKey;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::trust::Trust;
use holdfast_registry::log::{KeyKind, NodeKeys};
use holdfast_tests::{Mood, Program, Server, TestClock, TestWitness};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::World;

/// A world whose registry asks a witness.
async fn witnessed() -> Result<(World, TestWitness)> {
    let (data, home): (TempDir, TempDir) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let witness = TestWitness::start("witness.example/w1", 1, &TestClock::at_present()).await?;
    let setting = format!("{} {}", witness.url(), witness.key());
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_on(data.path(), address, &["--witness", &setting])?;
    let world = World { server, data, home };
    std::fs::create_dir(world.home.path().join("dist"))?;
    std::fs::write(world.home.path().join("dist/app"), "version 1")?;
    world.good(&format!("login {}", world.server.login_url()?))?;
    Ok((world, witness))
}

fn trust(world: &World) -> Result<Trust> {
    Ok(Trust::parse(&std::fs::read(world.home.path().join("trust.json"))?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn witnesses_are_added_demanded_shown_and_removed() -> Result<()> {
    let (world, witness) = witnessed().await?;
    let key = witness.key();
    assert!(world.good("witness list")?.contains("no witnesses are asked for"));
    let log: NoteKey = serde_json::from_str::<Value>(&world.good("witness list --format json")?)?
        .pointer("/log/0")
        .and_then(Value::as_str)
        .context("it names the log's key")?
        .parse()?;
    let before = trust(&world)?;
    world.bad(2, &format!("witness add {log}"))?;
    world.bad(2, &format!("witness add {key} --quorum 2"))?;
    world.bad(2, "witness remove witness.example/w1")?;
    assert_eq!(trust(&world)?, before, "what is refused changes nothing");

    let added = world.good(&format!("witness add {key}"))?;
    assert!(added.contains("1 of 1 witnesses must vouch"), "{added}");
    assert!(world.good("trust show")?.contains(&key.to_string()));
    let said = world.bad(8, "push shop/web@1 dist")?;
    assert!(
        said.contains("logged as entry") && said.contains("witness.example/w1 has cosigned nothing"),
        "{said}"
    );
    let status = world.good("status")?;
    assert!(status.contains("it does not know this log") && status.contains(&log.to_string()), "{status}");

    witness.follow(&log)?;
    // The registry waits longer after each failure, some seconds by now.
    let pushed = (0..6).any(|_| world.run("push shop/web@1 dist").is_ok_and(|output| output.exit == Some(0)));
    assert!(pushed);
    world.good("pin shop/prod shop/web@1 -m smoke-passed")?;
    assert!(world.good("known-good shop/prod")?.contains("witnessed"));
    let json: Value = serde_json::from_str(&world.good("witness status --format json")?)?;
    assert_eq!(json.pointer("/witnesses/0/name").and_then(Value::as_str), Some("witness.example/w1"));
    assert!(json.pointer("/witnessed/size").and_then(Value::as_u64) > Some(0), "{json}");
    let plain = world.good("witness status")?;
    assert!(plain.contains("trusted here") && plain.contains("1 of 1 vouch"), "{plain}");

    let removed = world.good("witness remove witness.example/w1")?;
    assert!(removed.contains("no witnesses are asked for"), "{removed}");
    assert_eq!(trust(&world)?, before);
    witness.behave(Mood::Down);
    world.good("pin shop/prod shop/web@1 -m again")?;
    Ok(())
}

#[test]
fn t12_evidence_of_a_fork_is_checked_by_whoever_has_the_log_s_public_key() -> Result<()> {
    let world = World::pinned()?;
    world.good("known-good shop/prod")?;
    // The registry's own key signs another history of the same length, and the client is made to have seen that one.
    let keys = NodeKeys::load(&world.data.path().join("data/keys"))?.context("it has keys")?;
    let size: TreeSize = world.good("log checkpoint")?.lines().nth(1).context("a size")?.parse()?;
    let other = Checkpoint::new(keys.origin.clone(), size, TreeHash::leaf(b"other"))?;
    let seen = find(world.home.path(), "checkpoint")?;
    std::fs::write(&seen, sign_checkpoint(&other, &keys.keys(KeyKind::Log)[0]))?;
    let said = world.bad(4, "known-good shop/prod")?;
    let file = find(world.home.path(), "fork-")?;
    assert!(said.contains(&file.display().to_string()) && said.contains("holdfast verify"), "{said}");

    let (nobody, key) = (tempfile::tempdir()?, keys.public()[0].clone());
    let third = Program::at(nobody.path());
    let shown = third.run(&format!("verify {} --log-key {key}", file.display()))?;
    assert_eq!(shown.exit, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("these two signed checkpoints cannot both be true"), "{shown:?}");
    let alone = third.run(&format!("verify {} --format json", file.display()))?;
    let json: Value = serde_json::from_str(&alone.stdout)?;
    assert_eq!(
        (json.pointer("/proven"), json.pointer("/trusted_by_itself")),
        (Some(&true.into()), Some(&true.into()))
    );
    assert!(alone.stderr.contains("--log-key"), "{alone:?}");
    let stranger = keys.public()[1].clone();
    let refused = third.run(&format!("verify {} --log-key {stranger}", file.display()))?;
    assert_eq!(refused.exit, Some(4), "{refused:?}");

    // Two sizes without a proof between them: it says that this is a question only.
    let smaller =
        Checkpoint::new(keys.origin.clone(), TreeSize::new(size.get() - 1)?, TreeHash::leaf(b"other"))?;
    let text = std::fs::read_to_string(&file)?;
    let first = serde_json::to_string(&sign_checkpoint(&other, &keys.keys(KeyKind::Log)[0]))?;
    let second = serde_json::to_string(&sign_checkpoint(&smaller, &keys.keys(KeyKind::Log)[0]))?;
    std::fs::write(nobody.path().join("question.json"), text.replace(&first, &second))?;
    let question = third.run(&format!("verify question.json --log-key {key}"))?;
    assert_eq!(question.exit, Some(11), "{question:?}");
    assert!(question.stderr.contains("no proof yet"), "{question:?}");
    Ok(())
}

/// The one file of the person's memory whose name begins so.
fn find(home: &std::path::Path, name: &str) -> Result<PathBuf> {
    for log in std::fs::read_dir(home.join("state"))? {
        for file in std::fs::read_dir(log?.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(name) {
                return Ok(file.path());
            }
        }
    }
    anyhow::bail!("there is no {name}")
}
