//! T40 and crashes: real processes that are asked to end, or ended.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;
use holdfast_tests::{Person, Server, TestClock};

/// Publishes until it fails, noting what was acknowledged.
async fn publish_until_it_fails(
    ana: &Person,
    worker: usize,
    limit: usize,
    acknowledged: &Mutex<BTreeSet<String>>,
) {
    for number in 0..limit {
        let reference = format!("shop/w{worker}@{number}");
        match ana.publish(&reference, &reference).await {
            Ok(_) => acknowledged.lock().expect("nobody panics while holding it").insert(reference),
            Err(_) => return,
        };
    }
}

async fn all_there(ana: &Person, acknowledged: &BTreeSet<String>) -> Result<()> {
    let token = ana.token()?;
    let ana = ana.colleague(Some(token))?;
    let mut listed = BTreeSet::new();
    let mut after = None;
    loop {
        let query = holdfast_formats::wire::v1::ListQuery {
            prefix: None,
            kind: None,
            after,
            limit: Some(1000),
            ended: None,
        };
        let page = ana.registry().list(&query).await?;
        listed.extend(page.artifacts.iter().map(|summary| summary.artifact.r#ref.to_string()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let lost: Vec<_> = acknowledged.difference(&listed).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    for reference in acknowledged.iter().step_by(10) {
        let record = ana.registry().artifact(&holdfast_tests::of(reference)).await?;
        ana.registry().verify_artifact(&record).await?;
    }
    let report = ana.audit().await?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_a_server_that_is_killed_in_the_middle_of_200_publishes_keeps_every_acknowledged_one()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let address = server.address();
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let acknowledged = Mutex::new(BTreeSet::new());
    let workers = (0..8).map(|worker| publish_until_it_fails(&ana, worker, 25, &acknowledged));
    let killer = async {
        while acknowledged.lock().expect("nobody panics while holding it").len() < 60 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.kill()
    };
    let (_, ended) = tokio::join!(futures::future::join_all(workers), killer);
    ended?;
    let acknowledged = acknowledged.into_inner().expect("nobody panicked while holding it");
    assert!((60..200).contains(&acknowledged.len()), "killed in the middle: {}", acknowledged.len());
    let _server = Server::start_on(folder.path(), address, &[])?;
    all_there(&ana, &acknowledged).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t40_a_server_that_is_asked_to_end_under_load_ends_in_time_and_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_on(folder.path(), anywhere, &["--drain-deadline-s", "3"])?;
    let address = server.address();
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;

    // A client that promises a body and sends half of it.
    let mut stalled = TcpStream::connect(address)?;
    let token = ana.token()?.expose();
    write!(
        stalled,
        "POST /v1/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 1000\r\n\r\n{{"
    )?;
    let acknowledged = Mutex::new(BTreeSet::new());
    let workers = (0..4).map(|worker| publish_until_it_fails(&ana, worker, 1000, &acknowledged));
    let ending = async {
        while acknowledged.lock().expect("nobody panics while holding it").len() < 20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::task::block_in_place(|| server.terminate(Duration::from_secs(15)))
    };
    let (_, ended) = tokio::join!(futures::future::join_all(workers), ending);
    let (status, took) = ended?;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(8), "it took {took:?}");
    let mut rest = Vec::new();
    stalled.set_read_timeout(Some(Duration::from_secs(5)))?;
    // Cut or answered: the connection is over.
    drop(stalled.read_to_end(&mut rest));

    let acknowledged = acknowledged.into_inner().expect("nobody panicked while holding it");
    let _server = Server::start_on(folder.path(), address, &[])?;
    all_there(&ana, &acknowledged).await
}
