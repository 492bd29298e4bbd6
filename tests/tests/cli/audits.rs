//! The auditor's real process: killed in the middle, asked for its report in every form, told nonsense.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use holdfast_tests::binary;
use serde_json::Value;

use crate::world::World;

/// A static mirror of a store that answers nothing about one commit while it is told to stall.
struct Mirror {
    address: SocketAddr,
    stalls: Arc<AtomicBool>,
    stalled: Arc<AtomicU64>,
}

impl Mirror {
    fn start(objects: PathBuf, stalls_at: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (stalls, stalled) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let (is_stalling, count) = (Arc::clone(&stalls), Arc::clone(&stalled));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (objects, stalls_at) = (objects.clone(), stalls_at.clone());
                let (is_stalling, count) = (Arc::clone(&is_stalling), Arc::clone(&count));
                std::thread::spawn(move || answer(&stream, &objects, &stalls_at, &is_stalling, &count));
            }
        });
        Ok(Self { address, stalls, stalled })
    }
}

fn answer(
    mut stream: &TcpStream,
    objects: &Path,
    stalls_at: &str,
    stalls: &AtomicBool,
    stalled: &AtomicU64,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    if path.ends_with(stalls_at) && stalls.load(Ordering::SeqCst) {
        stalled.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_mins(1));
    }
    let (status, bytes) = match std::fs::read(objects.join(path)) {
        Ok(bytes) => ("200 OK", bytes),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len())?;
    stream.write_all(&bytes)
}

/// What an audit says as JSON.
fn audit(world: &World, words: &str) -> Result<Value> {
    Ok(serde_json::from_str(&world.good(&format!("audit --format json {words}"))?)?)
}

#[test]
fn an_audit_that_is_killed_goes_on_where_it_durably_was() -> Result<()> {
    let world = World::pinned()?;
    for version in 2..8 {
        world.good(&format!("push shop/web@{version} dist"))?;
    }
    // Eight commits are asked for at a time: the ninth keeps the auditor waiting when those before it are judged.
    let mirror = Mirror::start(world.objects(), format!("{:020}", 8))?;
    let store = format!("--offline --store http://{}", mirror.address);
    let mut command = Command::new(binary("holdfast")?);
    command.args(["audit"]).args(store.split(' ')).current_dir(world.home.path());
    command.env_clear().env("HOLDFAST_HOME", world.home.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = command.spawn()?;
    let began = Instant::now();
    while mirror.stalled.load(Ordering::SeqCst) == 0 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(700));
    ensure!(first.try_wait()?.is_none(), "it waits for the mirror");
    first.kill()?;
    first.wait()?;
    mirror.stalls.store(false, Ordering::SeqCst);
    let report = audit(&world, &store)?;
    let (resumed, size) = (report["resumed_from"].as_u64(), report["size"].as_u64());
    ensure!(resumed.is_some_and(|from| from >= 8) && resumed < size, "{report}");
    ensure!(report["findings"] == serde_json::json!([]), "{report}");
    let fresh = audit(&world, &format!("{store} --fresh"))?;
    ensure!((&fresh["resumed_from"], &fresh["root"]) == (&Value::from(0), &report["root"]), "{fresh}");
    Ok(())
}

#[test]
fn an_audit_reports_as_text_json_and_html_and_ends_with_its_code() -> Result<()> {
    let world = World::pinned()?;
    let text = world.good("audit --html report.html")?;
    ensure!(text.contains("every signature, every decision and the root hold"), "{text}");
    ensure!(text.contains("compared with http://") && text.contains("known-good on 1 line(s)"), "{text}");
    let page = std::fs::read_to_string(world.home.path().join("report.html")).context("the page is there")?;
    ensure!(page.contains("Everything holds.") && !page.contains("<script"), "{page}");
    let report = audit(&world, "")?;
    ensure!(report["resumed_from"] == report["size"] && report["statements"]["pin"] == 1, "{report}");

    world.bad(2, "audit --offline")?;
    world.bad(2, "audit --fresh --from 2")?;
    world.bad(2, "audit --store ftp://example.org")?;
    world.bad(8, "audit --offline --store http://127.0.0.1:1")?;

    // An operator swaps an attachment: the entry that names it holds no longer.
    let folder = world.objects().join("log/attachments");
    let file = std::fs::read_dir(&folder)?.next().context("there is a manifest")??.path();
    std::fs::write(&file, b"{}")?;
    let store = world.objects();
    let words = format!("audit --offline --format json --store {}", store.display());
    let output = world.run(&words)?;
    let report: Value = serde_json::from_str(&output.stdout)?;
    let first = &report["findings"][0];
    ensure!(output.exit == Some(4) && first["kind"] == "attachment", "{output:?}");
    ensure!(first["index"].is_u64() && first["advice"].is_string() && first["what"].is_string(), "{report}");
    Ok(())
}
