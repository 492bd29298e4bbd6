//! Snapshots of streams and files by the command: what they are called, what they say, and what is never published.

use std::fs::File;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::world::World;

/// Bytes that neither compress nor repeat.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn manifest(world: &World, reference: &str) -> Result<Value> {
    let shown: Value = serde_json::from_str(&world.good(&format!("show {reference} --format json"))?)?;
    shown.get("manifest").cloned().context("it shows the manifest")
}

fn count(world: &World) -> Result<usize> {
    Ok(world.good("list shop")?.lines().count())
}

#[test]
fn a_stream_becomes_a_snapshot_that_is_pulled_as_it_was() -> Result<()> {
    let world = World::new()?;
    let bytes = noise(6_000_000);
    std::fs::write(world.home.path().join("stream"), &bytes)?;
    let input = File::open(world.home.path().join("stream"))?;
    let words =
        ["snapshot", "shop/db@1", "-", "--name", "shop.dump", "--source", "db-1", "--schema-state", "42"];
    let output = world.program().run_with_input(&words, input)?;
    assert_eq!((output.exit, output.stdout.as_str()), (Some(0), "shop/db@1\n"), "{output:?}");
    assert!(output.stderr.contains("1 file(s)"), "{output:?}");
    world.good("pull shop/db@1 --to out")?;
    assert_eq!(std::fs::read(world.home.path().join("out/shop.dump"))?, bytes);
    let manifest = manifest(&world, "shop/db@1")?;
    let body = &manifest["body"];
    assert_eq!((&body["source"]["system_id"], &body["schema_state"]), (&"db-1".into(), &"42".into()));
    assert_eq!((&body["tool"], &body["consistency"]), (&"holdfast snapshot".into(), &"crash".into()));
    assert!(body["data_as_of"]["not_before"].as_str() <= body["data_as_of"]["not_after"].as_str());
    Ok(())
}

#[test]
fn a_program_that_fails_leaves_no_snapshot_however_much_it_said_before() -> Result<()> {
    let world = World::new()?;
    let before = count(&world)?;
    let start = ["snapshot", "shop/db@1", "--name", "shop.dump", "--from-command", "--", "/bin/sh", "-c"];
    for script in ["exit 1", "echo data; exit 1", "head -c 5000000 /dev/urandom; kill -9 $$"] {
        let output = world.program().run_words(&[&start[..], &[script]].concat())?;
        assert_eq!(output.exit, Some(1), "{output:?}");
        assert!(output.stderr.contains("/bin/sh") && output.stderr.contains("nothing was published"));
    }
    assert_eq!(count(&world)?, before);
    let output = world.program().run_words(&[&start[..], &["echo data"]].concat())?;
    assert_eq!((output.exit, output.stdout.as_str()), (Some(0), "shop/db@1\n"), "{output:?}");
    world.good("pull shop/db@1 --to out")?;
    assert_eq!(std::fs::read_to_string(world.home.path().join("out/shop.dump"))?, "data\n");
    Ok(())
}

#[test]
fn what_cannot_be_a_snapshot_is_a_usage_error() -> Result<()> {
    let world = World::new()?;
    let words = world.bad(2, "snapshot shop/db@1 - --name shop.dump")?;
    assert!(words.contains("empty"), "{words}");
    assert!(world.bad(2, "snapshot shop/db@1 -")?.contains("--name"));
    world.bad(2, "snapshot shop/db@1")?;
    world.bad(2, "snapshot shop/db@1 no-such-file")?;
    assert!(world.bad(2, "snapshot shop/db@1 --sqlite dist/app")?.contains("SQLite"));
    let words = world.bad(2, "snapshot shop/db@1 --postgres mysql://ana:hunter2@db/shop")?;
    assert!(!words.contains("hunter2"), "{words}");
    assert!(world.bad(2, "snapshot shop/db@1 --name x --from-command -- no-such-program")?.contains("PATH"));
    Ok(())
}

#[test]
fn snapshots_of_one_second_get_names_of_their_own() -> Result<()> {
    let world = World::new()?;
    let mut names = std::collections::BTreeSet::new();
    for n in 0..4 {
        std::fs::write(world.home.path().join("dist/app"), format!("version {n}"))?;
        names.insert(world.good("snapshot shop/db@now dist/app")?);
    }
    assert_eq!(names.len(), 4);
    assert!(
        names.iter().all(|name| name.starts_with("shop/db@20") && name.trim_end().ends_with('Z')),
        "{names:?}"
    );
    Ok(())
}

#[test]
fn a_snapshot_names_what_it_was_made_from_by_digest() -> Result<()> {
    let world = World::new()?;
    world.good("snapshot shop/db@1 dist/app")?;
    world.good("snapshot shop/masked@1 dist/app --derived-from shop/db@1 --parent shop/db@1 --consistency application")?;
    let origin: Value = serde_json::from_str(&world.good("show shop/db@1 --format json")?)?;
    let manifest = manifest(&world, "shop/masked@1")?;
    let body = &manifest["body"];
    assert_eq!((&body["parent"], &body["consistency"]), (&"shop/db@1".into(), &"application".into()));
    let from = &body["derived_from"][0];
    assert_eq!((&from["ref"], &from["digest"]), (&"shop/db@1".into(), &origin["digests"]), "{origin}");
    world.bad(3, "snapshot shop/masked@2 dist/app --derived-from shop/db@99")?;
    Ok(())
}

#[test]
fn a_folder_becomes_a_tree_whose_newest_snapshot_is_its_parent() -> Result<()> {
    let world = World::new()?;
    std::fs::write(world.home.path().join("dist/cache.tmp"), "left out")?;
    let first = world.run("snapshot shop/files@1 dist --exclude *.tmp --source web-1")?;
    assert_eq!((first.exit, first.stdout.as_str()), (Some(0), "shop/files@1\n"), "{first:?}");
    let said: Value =
        serde_json::from_str(&world.good("snapshot shop/files@2 dist --exclude *.tmp --format json")?)?;
    assert_eq!((&said["ref"], &said["parent"]), (&"shop/files@2".into(), &"shop/files@1".into()), "{said}");
    assert_eq!((&said["files"], &said["unread_count"]), (&1.into(), &0.into()), "{said}");
    let body = manifest(&world, "shop/files@1")?["body"].clone();
    assert_eq!((&body["source"]["system_id"], &body["source"]["engine"]), (&"web-1".into(), &"tree".into()));
    assert!(body["source"]["dataset"].as_str().is_some_and(|path| path.ends_with("/dist")), "{body}");
    world.good("restore shop/files@2 --to out")?;
    assert_eq!(std::fs::read_to_string(world.home.path().join("out/app"))?, "version 1");
    assert!(!world.home.path().join("out/cache.tmp").exists());
    assert!(world.bad(2, "snapshot shop/files@3 dist --name x")?.contains("--name"));
    Ok(())
}

#[test]
fn what_is_imported_says_which_form_of_name_it_needs() -> Result<()> {
    let world = World::new()?;
    assert!(world.bad(2, "import shop/files tar:dist/app")?.contains("shop/files@"));
    assert!(world.bad(2, "import shop/files@1 restic:/srv/restic")?.contains("shop/files alone"));
    world.bad(2, "import shop/files@1 zip:dist/app")?;
    world.bad(2, "import shop/files@1 tar:no-such-file")?;
    Ok(())
}
