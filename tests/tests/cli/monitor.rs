//! `monitor` as a process: its exit codes, its webhook, and what a crash leaves behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_tests::{Program, Server, binary};
use serde_json::Value;

use crate::world::World;

const ONCE: &str = "monitor shop/prod --once --format json";

fn alerts(stdout: &str) -> Result<Vec<Value>> {
    stdout.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Takes one POST a connection; what it answers is asked of the test.
fn webhook(answer: impl Fn(usize) -> Option<u16> + Send + 'static) -> Result<(SocketAddr, Receiver<Value>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().expect("it is a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body comes whole");
            let known = serde_json::from_slice(&body).expect("it is JSON");
            if sender.send(known).is_err() {
                return;
            }
            if let Some(status) = answer(number) {
                let _ =
                    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    Ok((address, received))
}

fn started(home: &Path, words: &str) -> Result<Child> {
    let mut command = Command::new(binary("holdfast")?);
    command.args(words.split_whitespace()).current_dir(home).env_clear().env("HOLDFAST_HOME", home);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
}

#[test]
fn once_says_by_its_exit_code_what_it_found() -> Result<()> {
    let world = World::pinned()?;
    assert_eq!(world.good(ONCE)?, "");
    let deny = ["deny", "shop/web@1", "-m", "bad \u{1b}[2J\u{202e}\nall good"];
    assert_eq!(world.program().run_words(&deny)?.exit, Some(0));
    let news = world.run(ONCE)?;
    assert_eq!(news.exit, Some(9), "{news:?}");
    let found = alerts(&news.stdout)?;
    assert_eq!((&found[0]["kind"], &found[1]["kind"]), (&"deny".into(), &"answer".into()), "{found:?}");
    assert!(found[0]["says"].as_str().is_some_and(|says| says.contains("all good")));
    assert!(!news.stdout.contains(['\u{1b}', '\u{202e}']), "t36: {}", news.stdout);
    assert_eq!(world.good(ONCE)?, "", "it is told once");
    world.good("freeze shop/prod -m holiday")?;
    let plain = world.run("monitor shop/prod --once")?;
    assert!(
        plain.exit == Some(9) && plain.stdout.contains("freeze") && plain.stdout.contains("holiday"),
        "{plain:?}"
    );
    world.bad(3, "monitor other/prod --once")?;
    world.bad(2, "monitor")?;
    world.bad(2, "monitor shop/prod --once --format env")?;

    let World { server, home, data: _data } = world;
    server.kill()?;
    let program = Program::at(home.path());
    let down = program.run(ONCE)?;
    assert_eq!((down.exit, down.stdout.as_str()), (Some(8), ""), "{down:?}");
    let silent = program.run(&format!("{ONCE} --silence 0s"))?;
    assert_eq!(silent.exit, Some(8), "{silent:?}");
    assert_eq!(alerts(&silent.stdout)?[0]["kind"], "silence");
    assert_eq!(program.run(&format!("{ONCE} --silence 0s"))?.stdout, "");
    Ok(())
}

#[test]
fn t12_a_fork_ends_it_with_4_and_says_so_in_the_alert() -> Result<()> {
    let world = World::pinned()?;
    let World { server, data, home } = world;
    let address = server.address();
    server.terminate(Duration::from_secs(20))?;
    let (live, kept) = (data.path().join("data"), data.path().join("kept"));
    copy(&live, &kept)?;
    let server = Server::start_on(data.path(), address, &[])?;
    let ana = Program::at(home.path());
    assert_eq!(ana.run("freeze shop/prod -m holiday")?.exit, Some(0));
    assert_eq!(ana.run(ONCE)?.exit, Some(0));
    server.terminate(Duration::from_secs(20))?;
    std::fs::remove_dir_all(&live)?;
    std::fs::rename(&kept, &live)?;

    // Somebody who saw nothing yet writes another history.
    let _server = Server::start_on(data.path(), address, &[])?;
    let newcomer = tempfile::tempdir()?;
    for file in ["trust.json", "key.pem", "credentials.json"] {
        std::fs::copy(home.path().join(file), newcomer.path().join(file))?;
    }
    for reason in ["one", "two"] {
        assert_eq!(Program::at(newcomer.path()).run(&format!("freeze shop/prod -m {reason}"))?.exit, Some(0));
    }
    let fork = ana.run(ONCE)?;
    assert_eq!(fork.exit, Some(4), "{fork:?}");
    let found = alerts(&fork.stdout)?;
    assert_eq!((found.len(), &found[0]["kind"]), (1, &"fork".into()), "{found:?}");
    let followed = ana.run("monitor shop/prod")?;
    assert_eq!((followed.exit, followed.stdout.as_str()), (Some(4), ""), "it ends, and told it already");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for item in std::fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &target)?;
        } else {
            std::fs::copy(item.path(), target)?;
        }
    }
    Ok(())
}

#[test]
fn an_alert_outlives_a_crash_between_its_delivery_and_what_is_written_down() -> Result<()> {
    let world = World::pinned()?;
    world.good(ONCE)?;
    world.good("freeze shop/prod -m holiday")?;
    // Nobody answers the first one.
    let (address, received) = webhook(|number| (number > 0).then_some(200))?;
    let words = format!("{ONCE} --webhook http://{address}/hook --allow-private-webhook 127.0.0.1");
    let mut crashed = started(world.home.path(), &words)?;
    let first = received.recv_timeout(Duration::from_mins(1))?;
    crashed.kill()?;
    crashed.wait()?;
    assert_eq!((&first["type"], &first["data"]["kind"]), (&"holdfast.freeze".into(), &"freeze".into()));
    let mut told = String::new();
    crashed.stdout.context("it is piped")?.read_to_string(&mut told)?;
    assert_eq!(alerts(&told)?[0], first["data"]);

    let again = world.run(&words)?;
    assert_eq!(received.recv_timeout(Duration::from_mins(1))?, first, "with the same id");
    assert_eq!(again.exit, Some(9), "it was not written down that it was told: {again:?}");
    assert_eq!(world.good(&words)?, "");
    Ok(())
}

#[test]
fn what_a_webhook_does_not_take_waits_for_the_next_look() -> Result<()> {
    let world = World::pinned()?;
    world.good(ONCE)?;
    world.good("freeze shop/prod -m holiday")?;
    let (address, received) = webhook(|number| Some(if number < 1 { 403 } else { 204 }))?;
    let words = format!("{ONCE} --webhook http://{address}/s3cret --allow-private-webhook 127.0.0.1");
    let refused = world.run(&words)?;
    assert_eq!(refused.exit, Some(11), "{refused:?}");
    assert!(refused.stderr.contains("403") && !refused.stderr.contains("s3cret"), "{}", refused.stderr);
    assert_eq!(alerts(&refused.stdout)?.len(), 1);
    let later = world.run(&words)?;
    assert_eq!((later.exit, later.stdout.as_str()), (Some(0), ""), "it was told before, and is sent now");
    assert_eq!(received.iter().take(2).count(), 2);
    Ok(())
}

#[test]
fn t38_a_webhook_into_a_private_network_is_blocked() -> Result<()> {
    let world = World::pinned()?;
    world.good(ONCE)?;
    world.good("freeze shop/prod -m holiday")?;
    let (address, received) = webhook(|_| Some(200))?;
    let port = address.port();
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0"] {
        let words = world.bad(2, &format!("{ONCE} --webhook https://{host}:{port}/"))?;
        assert!(words.contains("not a public address"), "{host}: {words}");
    }
    world.bad(2, &format!("{ONCE} --webhook http://alerts.example/"))?;
    let blocked = world.run(&format!("{ONCE} --webhook https://localhost:{port}/"))?;
    assert_eq!(blocked.exit, Some(11), "{blocked:?}");
    assert!(blocked.stderr.contains("not a public address"), "{}", blocked.stderr);
    assert!(received.try_recv().is_err(), "nobody connected");
    Ok(())
}

#[test]
fn there_is_one_monitor_of_a_log_and_it_goes_on_until_it_is_ended() -> Result<()> {
    let world = World::pinned()?;
    let mut follows = started(world.home.path(), "monitor shop/prod --every 50ms")?;
    let mut lines = BufReader::new(follows.stdout.take().context("it is piped")?);
    // It has looked once when its memory is there.
    let state = world.home.path().join("state");
    let is_there = || -> Result<bool> {
        let logs = std::fs::read_dir(&state)?.collect::<std::io::Result<Vec<_>>>()?;
        Ok(logs.iter().any(|log| log.path().join("monitor.json").exists()))
    };
    while !is_there()? {
        std::thread::sleep(Duration::from_millis(20));
    }
    let words = world.bad(9, ONCE)?;
    assert!(words.contains("another"), "{words}");
    world.good("freeze shop/prod -m holiday")?;
    let mut line = String::new();
    lines.read_line(&mut line)?;
    assert!(line.contains("freeze") && line.contains("holiday"), "{line}");
    assert!(follows.try_wait()?.is_none());
    follows.kill()?;
    follows.wait()?;
    Ok(())
}
