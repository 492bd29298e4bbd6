//! The front door from the outside: raw sockets against a served router.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::telemetry::Metrics;

struct Served {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<ServeOutcome>,
}

impl Served {
    /// Starts a server on a free port; its deadlines are a fraction of a second.
    fn start(adjust: impl FnOnce(&mut FrontLimits)) -> Self {
        let mut limits = FrontLimits {
            head_deadline: Duration::from_millis(300),
            idle: Duration::from_millis(600),
            body_deadline: Duration::from_millis(500),
            upload_deadline: Duration::from_millis(900),
            stall: Duration::from_millis(300),
            drain_deadline: Duration::from_millis(500),
            connections_max: 100,
            streams_max: 16,
        };
        adjust(&mut limits);
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), None).expect("a free port");
        let (address, metrics) = (listener.address(), Arc::new(Metrics::new()));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let ended = tokio::spawn(serve(listener, router(), limits, Arc::clone(&metrics), shutdown));
        Self { address, metrics, stop, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server accepts")
    }

    async fn stop(self) -> (ServeOutcome, Duration) {
        let asked = Instant::now();
        self.stop.send(()).expect("the server runs");
        (self.ended.await.expect("the server ends"), asked.elapsed())
    }
}

fn router() -> Router {
    Router::new()
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello {name}") }))
        .route("/slow", get(|| async { sleep(Duration::from_millis(200)).await }))
        .route("/length", post(length_of))
        .route("/endless", get(|| async { Body::from_stream(endless()) }))
}

async fn length_of(body: Body) -> (StatusCode, String) {
    let mut length = 0;
    let mut data = body.into_data_stream();
    while let Some(piece) = data.next().await {
        match piece {
            Ok(piece) => length += piece.len(),
            Err(error) => return (StatusCode::REQUEST_TIMEOUT, error.to_string()),
        }
    }
    (StatusCode::OK, length.to_string())
}

fn endless() -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::repeat_with(|| Ok(Bytes::from(vec![0; 65_536])))
}

/// Everything until the server closes.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes))
        .await
        .expect("the server closes in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn exchange(served: &Served, request: &str) -> String {
    let mut stream = served.connect().await;
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    read_to_close(&mut stream).await
}

#[tokio::test]
async fn answers_carry_id_and_safe_headers_and_are_measured_by_route() {
    let served = Served::start(|_| {});
    let request = "GET /hello/ann HTTP/1.1\r\nhost: x\r\nx-request-id: ci-42\r\nconnection: close\r\n\r\n";
    let answer = exchange(&served, request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for part in ["x-request-id: ci-42", "nosniff", "default-src 'none'", "content-length: 9", "hello ann"] {
        assert!(answer.contains(part), "{part} is missing in {answer}");
    }
    let missing = exchange(&served, "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(missing.contains("404") && missing.contains("x-request-id: "), "{missing}");
    let page = served.metrics.render();
    assert!(
        page.contains(r#"requests_total{route="/hello/{name}",method="Get",status="Success"} 1"#),
        "{page}"
    );
    assert!(
        page.contains(r#"requests_total{route="unmatched",method="Get",status="ClientError"} 1"#),
        "{page}"
    );
    assert!(page.contains("holdfast_http_sent_bytes_total 9"), "{page}");
}

#[tokio::test]
async fn t33_silent_half_head_preface_only_and_dripping_connections_are_closed_by_deadline() {
    let served = Served::start(|_| {});
    for start in ["", "GET / HT", "PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\n"]
    {
        let mut stream = served.connect().await;
        stream.write_all(start.as_bytes()).await.expect("the server reads");
        let opened = Instant::now();
        read_to_close(&mut stream).await;
        assert!(opened.elapsed() < Duration::from_millis(900), "{start:?} took {:?}", opened.elapsed());
    }
    let mut dripping = served.connect().await;
    let opened = Instant::now();
    while dripping.write_all(b"G").await.is_ok() {
        assert!(opened.elapsed() < Duration::from_secs(2), "a dripping head is still read");
        sleep(Duration::from_millis(20)).await;
    }
    let healthy = exchange(&served, "GET /hello/bo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(healthy.ends_with("hello bo"), "{healthy}");
    assert!(served.metrics.http.connections_expired.get() >= 6);
}

#[tokio::test]
async fn kept_alive_connection_serves_again_and_is_closed_when_idle_or_half_asked() {
    let served = Served::start(|_| {});
    for rest in ["", "GET /hello/b HT"] {
        let mut stream = served.connect().await;
        for _ in 0..2 {
            stream.write_all(b"GET /hello/a HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the server reads");
            sleep(Duration::from_millis(100)).await;
        }
        stream.write_all(rest.as_bytes()).await.expect("the server reads");
        let answers = read_to_close(&mut stream).await;
        assert_eq!(answers.matches("hello a").count(), 2, "{answers}");
    }
}

#[tokio::test]
async fn t33_body_that_drips_past_its_deadline_or_stalls_is_refused() {
    let served = Served::start(|_| {});
    let mut dripping = served.connect().await;
    dripping
        .write_all(b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        .await
        .expect("read");
    let began = Instant::now();
    let (mut reader, mut writer) = dripping.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = [0; 4096];
    let read =
        timeout(Duration::from_secs(5), reader.read(&mut answer)).await.expect("in time").expect("an answer");
    drip.abort();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("did not arrive in time"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(450), "{:?}", began.elapsed());

    let stalled =
        exchange(&served, "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    assert!(stalled.starts_with("HTTP/1.1 408") && stalled.contains("stopped arriving"), "{stalled}");
}

#[tokio::test]
async fn body_in_time_is_counted() {
    let served = Served::start(|_| {});
    let request = "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: close\r\n\r\n12345";
    let answer = exchange(&served, request).await;
    assert!(answer.ends_with("\r\n\r\n5"), "{answer}");
    assert_eq!(served.metrics.http.received_bytes.get(), 5);
}

#[tokio::test]
async fn client_that_takes_no_bytes_of_an_answer_is_cut() {
    let served = Served::start(|_| {});
    let mut stream = served.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the server reads");
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(served.metrics.http.connections.get(), 0);
    assert_eq!(served.metrics.http.connections_expired.get(), 1);
}

#[tokio::test]
async fn http2_client_that_grants_no_window_is_cut_and_one_that_reads_is_not() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let served = Served::start(|_| {});
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let url = format!("http://{}", served.address);
    let mut endless = client.get(format!("{url}/endless")).send().await.expect("an answer begins");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        assert!(endless.chunk().await.expect("a reader is served").is_some());
    }
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(served.metrics.http.connections_expired.get(), 1);
    let again = client.get(format!("{url}/hello/eve")).send().await.expect("a new connection serves");
    assert_eq!(again.text().await.expect("a body"), "hello eve");
}

#[tokio::test]
async fn http2_client_that_grants_no_window_from_the_start_is_cut() {
    let served = Served::start(|_| {});
    let mut stream = served.connect().await;
    let no_window = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let request = b"\0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x04\x08/endless\x01\x01x";
    let start = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), no_window, request].concat();
    stream.write_all(&start).await.expect("the server reads");
    read_to_close(&mut stream).await;
    assert_eq!(served.metrics.http.connections_expired.get(), 1);
}

const HALF_A_BODY: &[u8] =
    b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nconnection: close\r\n\r\nab";

#[tokio::test]
async fn t33_newcomer_takes_the_place_of_a_silent_connection_and_of_nobody_who_is_answered() {
    let served = Served::start(|limits| {
        limits.connections_max = 2;
        limits.stall = Duration::from_secs(5);
        limits.head_deadline = Duration::from_secs(5);
        limits.body_deadline = Duration::from_secs(5);
    });
    let mut busy = served.connect().await;
    busy.write_all(HALF_A_BODY).await.expect("the server reads");
    for _ in 0..5 {
        let mut silent = served.connect().await;
        sleep(Duration::from_millis(20)).await;
        let request = "GET /hello/ann HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(exchange(&served, request).await.ends_with("hello ann"));
        assert_eq!(read_to_close(&mut silent).await, "", "its place was taken");
    }
    busy.write_all(b"cd").await.expect("it kept its place");
    assert!(read_to_close(&mut busy).await.ends_with("\r\n\r\n4"));
    assert_eq!(served.metrics.http.connections_refused.get(), 5);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once_while_all_others_are_answered() {
    let served = Served::start(|limits| {
        limits.connections_max = 2;
        limits.stall = Duration::from_secs(5);
        limits.body_deadline = Duration::from_secs(5);
    });
    let mut held = [served.connect().await, served.connect().await];
    for busy in &mut held {
        busy.write_all(HALF_A_BODY).await.expect("the server reads");
    }
    sleep(Duration::from_millis(50)).await;
    let mut third = served.connect().await;
    let opened = Instant::now();
    assert_eq!(read_to_close(&mut third).await, "");
    assert!(opened.elapsed() < Duration::from_millis(200), "{:?}", opened.elapsed());
    assert_eq!(served.metrics.http.connections_refused.get(), 1);
}

#[tokio::test]
async fn t40_drain_answers_what_began_and_refuses_what_comes() {
    let served = Served::start(|_| {});
    let address = served.address;
    let mut running = served.connect().await;
    running.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the server reads");
    sleep(Duration::from_millis(50)).await;
    let (outcome, took) = served.stop().await;
    assert_eq!(outcome, ServeOutcome::Drained);
    assert!(took < Duration::from_millis(450), "{took:?}");
    assert!(read_to_close(&mut running).await.starts_with("HTTP/1.1 200"));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn t40_drain_with_a_stalled_client_ends_by_its_deadline() {
    let served = Served::start(|limits| {
        limits.upload_deadline = Duration::from_mins(1);
        limits.stall = Duration::from_mins(1);
    });
    let mut stalled = served.connect().await;
    stalled
        .write_all(b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\nabc")
        .await
        .expect("read");
    sleep(Duration::from_millis(50)).await;
    let (outcome, took) = served.stop().await;
    assert_eq!(outcome, ServeOutcome::Aborted { connections: 1 });
    assert!((Duration::from_millis(450)..Duration::from_secs(2)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn taken_port_is_named_with_what_to_do() {
    let served = Served::start(|_| {});
    let refused = Listener::bind(served.address, None).expect_err("the port is taken");
    assert!(matches!(refused, BindError::Taken { .. }), "{refused:?}");
    let message = refused.to_string();
    assert!(message.contains(&served.address.to_string()) && message.contains("--listen"), "{message}");
}
