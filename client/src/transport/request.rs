//! One request as it is meant, before it becomes HTTP.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use holdfast_formats::login::LoginSecret;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};

/// To put together so little costs less than to send it in parts.
const SMALL_BYTES_MAX: usize = 16 * 1024;
const DEADLINE: Duration = Duration::from_secs(30);

/// What is sent along.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// Its bytes, in parts that follow each other.
    pub(crate) parts: Vec<Bytes>,
}

impl Body {
    /// A body in one piece.
    pub(crate) fn whole(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { content_type, parts: vec![bytes.into()] }
    }

    fn size(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// As a body of a request that says its length and is sent without being put together first.
    pub(super) fn attach(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header(CONTENT_TYPE, self.content_type);
        if let [bytes] = self.parts.as_slice() {
            return request.body(bytes.clone());
        }
        if self.size() <= SMALL_BYTES_MAX {
            return request.body(self.parts.concat());
        }
        let parts = stream::iter(self.parts.clone()).map(Ok::<_, Infallible>);
        request.header(CONTENT_LENGTH, self.size()).body(reqwest::Body::wrap_stream(parts))
    }
}

/// A request to the registry.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// What is asked for, in error messages.
    pub(super) what: &'static str,
    /// The most bytes that are taken as answer.
    pub(super) max: u64,
    pub(super) deadline: Duration,
    pub(super) from: u64,
    pub(super) body: Option<Body>,
    pub(super) login: Option<&'a LoginSecret>,
}

impl<'a> Request<'a> {
    /// Asks for something of at most `max` bytes.
    pub(crate) const fn get(path: &'a str, what: &'static str, max: u64) -> Self {
        Self { method: Method::GET, path, what, max, deadline: DEADLINE, from: 0, body: None, login: None }
    }

    /// Sends something.
    pub(crate) fn send(method: Method, path: &'a str, what: &'static str, max: u64, body: Body) -> Self {
        Self { method, body: Some(body), ..Self::get(path, what, max) }
    }

    /// Waits longer than usual.
    pub(crate) fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Shows the login secret.
    pub(crate) fn with_login(self, login: Option<&'a LoginSecret>) -> Self {
        Self { login, ..self }
    }

    /// Leaves out what is here already.
    pub(crate) fn starting_at(self, from: u64) -> Self {
        Self { from, ..self }
    }
}
