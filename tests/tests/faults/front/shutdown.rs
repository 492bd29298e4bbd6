//! T40: SIGTERM under load, with clients that never finish. It drains, ends by its deadline, loses nothing acknowledged.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_tests::{Person, Server};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{sleep, timeout};

use super::raw::{World, connect};
use super::scale::{Scale, measured};

const DRAIN: Duration = Duration::from_secs(2);
/// What ending takes beside the drain, on a machine that does much else.
const SLACK: Duration = Duration::from_secs(6);

/// Clients that keep a server waiting, each in another way.
async fn stalled(world: &World) -> Result<Vec<TcpStream>> {
    let address = world.server.address();
    let token = world.authorization()?;
    let mut all = vec![
        connect(address, "").await?,
        connect(address, "GET /v1/regis").await?,
        connect(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?,
    ];
    for route in ["submissions", "namespaces/shop/chunks", "namespaces/shop/blobs"] {
        let head = format!("POST /v1/{route} HTTP/1.1\r\nhost: x\r\n{token}content-length: 900000\r\n\r\n{{");
        all.push(connect(address, head).await?);
    }
    // Many answers that nobody reads: they fill the buffers of both ends.
    all.push(connect(address, "GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200)).await?);
    Ok(all)
}

/// What was acknowledged so far.
type Acknowledged = Arc<Mutex<Vec<String>>>;

/// Publishes one artifact after the other until it is refused.
fn publishing(ana: &Arc<Person>, worker: usize, acknowledged: &Acknowledged) -> JoinHandle<()> {
    let (ana, acknowledged) = (Arc::clone(ana), Arc::clone(acknowledged));
    tokio::spawn(async move {
        for n in 0.. {
            let reference = format!("shop/web{worker}@1.0.{n}");
            if ana.publish(&reference, &reference).await.is_err() {
                break;
            }
            acknowledged.lock().await.push(reference);
        }
    })
}

async fn acknowledged(ana: &Person, references: &[String]) -> Result<()> {
    for reference in references {
        let path = format!("/v1/artifacts/{reference}");
        ana.http()?.get(&path).await?.error_for_status().context("what was acknowledged is there")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t40_sigterm_under_load_drains_by_its_deadline_and_loses_nothing_acknowledged() -> Result<()> {
    let world = World::start(&["--drain-deadline-s", "2"]).await?;
    let mut stalled = stalled(&world).await?;
    let World { server, data, ana } = world;
    let (ana, published) = (Arc::new(ana), Acknowledged::default());
    let workers: Vec<_> = (0..4).map(|worker| publishing(&ana, worker, &published)).collect();
    for stream in &mut stalled {
        drop(stream.write_all(b" ").await);
    }
    sleep(Scale::of_this_run().load).await;
    let some_are_there = async {
        while published.lock().await.len() < 8 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_mins(1), some_are_there).await?;
    let address = server.address();
    let (status, took) = block_in_place(|| server.terminate(DRAIN + SLACK))?;
    for worker in workers {
        worker.await?;
    }
    let references = published.lock().await.clone();
    measured(&format!("SIGTERM under load: ended after {took:.1?}; {} acknowledged", references.len()))?;
    assert!(status.success(), "{status}");
    assert!(took >= DRAIN / 2, "who was stalled was waited for: {took:?}");
    let _server = Server::start_on(data.path(), address, &[])?;
    acknowledged(&ana, &references).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t40_without_stalled_clients_it_ends_at_once_also_by_sigint() -> Result<()> {
    let world = World::start(&["--drain-deadline-s", "60"]).await?;
    let _silent = connect(world.server.address(), "").await?;
    let _idle = connect(world.server.address(), "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await?;
    world.ana.publish("shop/web@1.0.0", "bytes").await?;
    let (status, took) = block_in_place(|| world.server.interrupt(Duration::from_secs(30)))?;
    assert!(status.success() && took < Duration::from_secs(12), "{status} after {took:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t40_a_second_sigterm_ends_the_drain_at_once() -> Result<()> {
    let world = World::start(&["--drain-deadline-s", "60"]).await?;
    let _stalled = stalled(&world).await?;
    world.ana.publish("shop/web@1.0.0", "bytes").await?;
    let address = world.server.address();
    world.server.ask_to_end()?;
    sleep(Duration::from_secs(1)).await;
    let (status, took) = block_in_place(|| world.server.terminate(Duration::from_secs(30)))?;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    let _server = Server::start_on(world.data.path(), address, &[])?;
    acknowledged(&world.ana, &["shop/web@1.0.0".to_owned()]).await
}
