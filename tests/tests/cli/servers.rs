//! What becomes of a server on a directory that is in use, read-only, damaged, old, or of another time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_tests::{Output, Program, Server, free_port};

use crate::world::World;

fn anywhere() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn a_second_server_on_the_same_directory_is_refused_and_names_the_first() -> Result<()> {
    let world = World::new()?;
    let refused = Server::refuse(world.data.path(), anywhere(), &[])?;
    assert_eq!(refused.exit, Some(9), "{refused:?}");
    let process = world.server.process().to_string();
    assert!(refused.stderr.contains("in use") && refused.stderr.contains(&process), "{refused:?}");
    world.good("status")?;
    Ok(())
}

#[test]
fn the_index_of_a_running_server_is_nobody_else_s_even_with_another_store() -> Result<()> {
    let world = World::new()?;
    let (elsewhere, process) = (tempfile::tempdir()?, world.server.process().to_string());
    let store = elsewhere.path().to_str().context("a path of UTF-8")?;
    let refused = Server::refuse(world.data.path(), anywhere(), &["--store", store])?;
    assert_eq!(refused.exit, Some(9), "{refused:?}");
    assert!(refused.stderr.contains("in use") && refused.stderr.contains(&process), "{refused:?}");
    world.good("status")?;
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out() -> Result<()> {
    let world = World::new()?;
    let data = tempfile::tempdir()?;
    let refused = Server::refuse(data.path(), world.server.address(), &[])?;
    assert_eq!(refused.exit, Some(9), "{refused:?}");
    assert!(refused.stderr.contains("is taken") && refused.stderr.contains("--listen"), "{refused:?}");
    Ok(())
}

#[test]
fn settings_that_contradict_each_other_are_usage() -> Result<()> {
    let data = tempfile::tempdir()?;
    for more in [
        vec!["--memory-mib", "0"],
        vec!["--tls-cert", "cert.pem"],
        vec!["--store", "ftp://somewhere"],
        vec!["--external-url", "nowhere"],
        vec!["--unheard-of"],
    ] {
        let refused = Server::refuse(data.path(), anywhere(), &more)?;
        assert_eq!(refused.exit, Some(2), "{more:?}: {refused:?}");
        assert!(!refused.stderr.is_empty());
    }
    let shared = Server::refuse(data.path(), anywhere(), &["--store", "s3://bucket/prefix"])?;
    assert!(shared.exit.is_some_and(|exit| exit != 0) && shared.stderr.contains("--keys"), "{shared:?}");
    Ok(())
}

#[test]
fn t09_without_its_index_a_server_answers_the_same() -> Result<()> {
    let world = World::pinned()?;
    let before = world.good("known-good shop/prod --format json")?;
    let list = world.good("list --format json")?;
    let history = world.good("history shop/prod --format json")?;
    let World { server, data, home } = world;
    let address = server.address();
    server.terminate(Duration::from_secs(20))?;
    for file in std::fs::read_dir(data.path().join("data"))? {
        let path = file?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.sqlite")) {
            std::fs::remove_file(path)?;
        }
    }
    let _server = Server::start_on(data.path(), address, &[])?;
    let program = Program::at(home.path());
    assert_eq!(program.run("list --format json")?.stdout, list);
    assert_eq!(program.run("history shop/prod --format json")?.stdout, history);
    let after = program.run("known-good shop/prod --format env")?;
    assert_eq!(after.exit, Some(0), "{after:?}");
    assert!(before.contains("shop/web@1") && after.stdout.contains("shop/web@1"));
    Ok(())
}

#[test]
fn t07_a_torn_commit_keeps_a_server_from_starting_with_exit_4() -> Result<()> {
    let world = World::pinned()?;
    let World { server, data, home: _home } = world;
    server.terminate(Duration::from_secs(20))?;
    let commits = data.path().join("data/objects/log/commits/0");
    let mut found: Vec<_> =
        std::fs::read_dir(&commits)?.map(|item| Ok(item?.path())).collect::<Result<_>>()?;
    found.sort();
    let last = found.last().context("there are commits")?;
    let whole = std::fs::read(last)?;
    std::fs::write(last, &whole[..whole.len() / 3])?;
    let refused = Server::refuse(data.path(), anywhere(), &[])?;
    assert_eq!(refused.exit, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("commit") && refused.stderr.contains("restore"), "{refused:?}");
    std::fs::write(last, whole)?;
    Server::start(data.path())?;
    Ok(())
}

#[test]
fn a_store_that_is_no_folder_is_said_so() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let data = tempfile::tempdir()?;
    let store = file.path().to_string_lossy().into_owned();
    let refused = Server::refuse(data.path(), anywhere(), &["--store", &store])?;
    assert_eq!(refused.exit, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cannot be used"), "{refused:?}");
    Ok(())
}

#[test]
fn a_server_that_ends_says_so_and_its_port_is_free_again() -> Result<()> {
    let world = World::new()?;
    let address = world.server.address();
    let (status, _) = world.server.terminate(Duration::from_secs(20))?;
    assert!(status.success(), "{status}");
    let server = Server::start_on(world.data.path(), address, &[])?;
    assert!(server.login_url().is_err(), "there is a policy, so nobody is offered a first login");
    assert_ne!(free_port()?, address);
    Ok(())
}

#[test]
fn status_sweep_and_rebuild_of_the_server_s_own_command_work() -> Result<()> {
    let world = World::pinned()?;
    let World { server, data, home } = world;
    let address = server.address();
    let command = |word: &str| -> Result<std::process::Output> {
        Ok(std::process::Command::new(holdfast_tests::binary("holdfast-registry")?)
            .arg(word)
            .arg("--data")
            .arg(data.path().join("data"))
            .arg("--listen")
            .arg(address.to_string())
            .env_clear()
            .current_dir(data.path())
            .output()?)
    };
    let swept = |more: &[&str]| -> Result<serde_json::Value> {
        let mut sweep = std::process::Command::new(holdfast_tests::binary("holdfast-registry")?);
        sweep.args(["sweep", "--format", "json", "--data"]).arg(data.path().join("data"));
        sweep.arg("--listen").arg(address.to_string()).args(more).env_clear().current_dir(data.path());
        let done = sweep.output()?;
        anyhow::ensure!(done.status.success(), "{done:?}");
        Ok(serde_json::from_slice(&done.stdout)?)
    };
    let asked = swept(&["--dry-run"])?;
    assert_eq!((&asked["dry_run"], &asked["objects"]), (&true.into(), &0.into()), "the server says so");
    assert!(asked["stored_bytes"].as_u64() > Some(0), "{asked}");
    assert_eq!(swept(&[])?["dry_run"], false, "and does it");
    let running = command("status")?;
    assert!(running.status.success() && String::from_utf8(running.stdout)?.contains("unused   0 bytes"));
    let locked = command("rebuild")?;
    assert!(!locked.status.success(), "not while the server runs: {locked:?}");
    server.terminate(Duration::from_secs(20))?;
    let rebuilt = command("rebuild")?;
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    assert_eq!(
        swept(&["--dry-run"])?["stored_bytes"],
        asked["stored_bytes"],
        "nobody serves, so it looks itself"
    );
    let status = command("status")?;
    assert!(status.status.success(), "{status:?}");
    let _server = Server::start_on(data.path(), address, &[])?;
    assert!(Program::at(home.path()).run("known-good shop/prod")?.stdout.contains("shop/web@1"));
    Ok(())
}

#[test]
fn t08_scrub_asks_the_registry_that_runs_and_does_it_itself_where_none_does() -> Result<()> {
    let world = World::pinned()?;
    let listen = world.server.address().to_string();
    let registry = |more: &[&str]| -> Result<Output> {
        let mut command = std::process::Command::new(holdfast_tests::binary("holdfast-registry")?);
        command.args(more).arg("--data").arg(world.data.path().join("data")).args(["--listen", &listen]);
        let ended = command.env_clear().current_dir(world.data.path()).output()?;
        Ok(Output {
            exit: ended.status.code(),
            stdout: String::from_utf8(ended.stdout)?,
            stderr: String::from_utf8(ended.stderr)?,
        })
    };
    let run = registry(&["scrub", "--format", "json"])?;
    assert_eq!(run.exit, Some(0), "{run:?}");
    let run: serde_json::Value = serde_json::from_str(&run.stdout)?;
    assert_eq!((&run["artifacts"], &run["bad"]), (&1.into(), &0.into()), "{run}");
    let status = registry(&["status"])?;
    assert!(status.stdout.contains("oldest   shop/web@1"), "{status:?}");
    assert!(world.good("status")?.contains("everything was read back since"));

    let chunks = world.objects().join("chunks/shop");
    let chunk = files_below(&chunks)?.pop().context("there is a chunk")?;
    let mut bytes = std::fs::read(&chunk)?;
    *bytes.last_mut().context("it is not empty")? ^= 1;
    std::fs::write(&chunk, bytes)?;
    let damaged = registry(&["scrub", "--older-than", "0s", "--rate", "50M"])?;
    assert_eq!(damaged.exit, Some(4), "{damaged:?}");
    assert!(damaged.stderr.contains("push the same bytes again"), "{damaged:?}");
    assert_eq!(world.run("known-good shop/prod")?.exit, Some(10));

    let World { server, data, home } = world;
    server.terminate(Duration::from_secs(10))?;
    let mut command = std::process::Command::new(holdfast_tests::binary("holdfast-registry")?);
    command.args(["scrub", "--sample", "100%"]).arg("--data").arg(data.path().join("data"));
    let ended = command.env_clear().current_dir(home.path()).output()?;
    assert_eq!(ended.status.code(), Some(4), "still damaged, and found by this process itself: {ended:?}");
    Ok(())
}

fn files_below(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
