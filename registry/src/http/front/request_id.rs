//! A name for each request, for the log line, the response and whoever reports a problem.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::randomness::random_array;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH_MAX: usize = 64;

/// What the request is called; in the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    value: HeaderValue,
}

impl RequestId {
    /// The client's own id when it is a plain word, else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(X_REQUEST_ID) {
            Some(value) if is_plain(value.as_bytes()) => Self { value: value.clone() },
            _ => Self::generated(),
        }
    }

    /// Unique by a random number per process and a counter: no randomness is spent on a request.
    fn generated() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| u64::from_be_bytes(random_array()));
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let text = format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
        Self { value: HeaderValue::try_from(text).expect("hexadecimal digits and a dash are a header value") }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.value.to_str().unwrap_or_default()
    }

    pub(super) fn into_header(self) -> HeaderValue {
        self.value
    }
}

/// It goes into log lines and answers, so nothing that could forge either.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &[u8]) -> RequestId {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        RequestId::of(&HeaderMap::from_iter([(X_REQUEST_ID, value)]))
    }

    #[test]
    fn plain_ids_are_kept_and_others_replaced() {
        assert_eq!(of(b"ci-7f.3_A").as_str(), "ci-7f.3_A");
        for bad in [&b""[..], b"a b", b"a\tb", b"\xff", "x".repeat(65).as_bytes()] {
            let id = of(bad);
            assert!(is_plain(id.as_str().as_bytes()), "{bad:?} became {id:?}");
            assert_ne!(id.as_str().as_bytes(), bad);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
