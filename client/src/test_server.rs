//! A server for tests: one connection a request, answers as a closure says, remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) line: String,
    /// The header, in lower case.
    pub(crate) header: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn is(&self, start: &str) -> bool {
        self.line.starts_with(start)
    }
}

/// What is sent back before the connection is closed: status line, header lines and body.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    pub(crate) fn new(status: u16, header: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{header}\r\n",
            body.len()
        );
        Self([head.as_bytes(), body].concat())
    }

    /// The answer, cut off some bytes before its end.
    pub(crate) fn cut(mut self, missing: usize) -> Self {
        self.0.truncate(self.0.len() - missing);
        self
    }
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl TestServer {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (memory, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&memory), Arc::clone(&answer)));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve<F: Fn(&Asked) -> Answer>(
    mut stream: TcpStream,
    memory: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<F>,
) {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let header = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let line = String::from_utf8_lossy(&bytes[..end]).lines().next().unwrap_or_default().to_owned();
    let length: usize = header
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))
        .map_or(0, |l| l.trim().parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let asked = Asked { line, header, body: bytes[end..].to_vec() };
    let reply = answer(&asked);
    memory.lock().unwrap().push(asked);
    let _ = stream.write_all(&reply.0).await;
    let _ = stream.shutdown().await;
}
