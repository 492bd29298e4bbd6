//! What a client asked, and what it is told, down to the bytes.

use std::time::Duration;

use holdfast_formats::wire::v1::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn line(name: &str, value: &str) -> String {
    format!("{name}: {value}\r\n")
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// GET or POST.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The header, in lower case but for the values.
    pub header: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The number behind a name of the query.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer of HTTP that is whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `content-type`
    pub media_type: String,
    /// More lines of the header.
    pub header: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Bytes of a media type.
    pub fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, media_type: media_type.to_owned(), header: Vec::new(), body: body.into() }
    }

    /// A record.
    pub fn json<T: Serialize>(record: &T) -> Self {
        let body =
            serde_json::to_vec(record).unwrap_or_else(|error| unreachable!("a record is JSON: {error}"));
        Self::new(200, "application/json", body)
    }

    /// A problem, under any status.
    pub fn problem(status: u16, problem: &Problem) -> Self {
        Self { status, media_type: "application/problem+json".to_owned(), ..Self::json(problem) }
    }

    /// With one more line of header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header.push((name, value.into()));
        self
    }

    /// The record in it, changed.
    #[must_use]
    pub fn edit<T: Serialize + DeserializeOwned>(mut self, change: impl FnOnce(&mut T)) -> Self {
        let mut record: T = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| unreachable!("{}: {error}", String::from_utf8_lossy(&self.body)));
        change(&mut record);
        self.body = Self::json(&record).body;
        self
    }

    /// Its status line and header, with the length that is claimed, down to the empty line.
    pub fn head(&self, length: Option<u64>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        if !self.media_type.is_empty() {
            head += &line("content-type", &self.media_type);
        }
        for (name, value) in &self.header {
            head += &line(name, value);
        }
        if let Some(length) = length {
            head += &line("content-length", &length.to_string());
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head(Some(self.body.len() as u64)), self.body.clone()].concat()
    }
}

/// Something that never ends.
#[derive(Debug, Clone)]
pub struct Endless {
    /// What comes first.
    pub start: Vec<u8>,
    /// What comes then, again and again.
    pub piece: Vec<u8>,
    /// How long to wait between two of them.
    pub pause: Duration,
}

/// What is sent back before the connection is closed.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An honest form, whatever it says.
    Answer(Answer),
    /// Bytes as they are, then the end.
    Bytes(Vec<u8>),
    /// Bytes as they are, then a reset.
    Reset(Vec<u8>),
    /// For ever.
    Endless(Endless),
    /// Nothing at all, for ever.
    Silence,
}
