//! What becomes of a server on a directory that is in use, read-only, damaged, old, or of another time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_tests::{Program, Server, free_port};

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
fn status_and_rebuild_of_the_server_s_own_command_work() -> Result<()> {
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
    let locked = command("rebuild")?;
    assert!(!locked.status.success(), "not while the server runs: {locked:?}");
    server.terminate(Duration::from_secs(20))?;
    let rebuilt = command("rebuild")?;
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    let status = command("status")?;
    assert!(status.status.success(), "{status:?}");
    let _server = Server::start_on(data.path(), address, &[])?;
    assert!(Program::at(home.path()).run("known-good shop/prod")?.stdout.contains("shop/web@1"));
    Ok(())
}
