//! T33 over TLS: handshakes that never end.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use holdfast_tests::Server;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};

use super::raw::{connect, read_to_close};
use super::scale::{Scale, measured};

const CLOSED_WITHIN: Duration = Duration::from_secs(20);

/// The head of a TLS record of 512 bytes, and of the greeting in it.
const RECORD: [u8; 9] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];

#[tokio::test(flavor = "multi_thread")]
async fn t33_tls_handshakes_that_drip_or_stop_are_closed_by_deadline() -> Result<()> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/src/http/front/testdata");
    let [certificate, key] = ["localhost.cert.pem", "localhost.key.pem"]
        .map(|name| files.join(name).to_string_lossy().into_owned());
    let folder = tempfile::tempdir()?;
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_on(folder.path(), anywhere, &["--tls-cert", &certificate, "--tls-key", &key])?;
    let (address, connections) = (server.address(), Scale::of_this_run().connections / 3);
    let held = (0..connections).map(|n| async move {
        let mut stream = connect(address, &RECORD[..n % RECORD.len()]).await?;
        let opened = Instant::now();
        while n % 2 == 0 && opened.elapsed() < CLOSED_WITHIN && stream.write_all(&[0]).await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
        read_to_close(&mut stream, CLOSED_WITHIN).await?;
        anyhow::Ok(opened.elapsed())
    });
    let longest = try_join_all(held).await?.into_iter().max().unwrap_or_default();
    measured(&format!("{connections} handshakes that never end: the last closed after {longest:.1?}"))?;
    assert!(longest < CLOSED_WITHIN, "{longest:?}");
    Ok(())
}
