//! Addresses of registries and of what they serve.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Serialize;

use crate::error::ClientError;

/// What stands for itself in the value of a query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@');

/// The address of a registry: scheme, host and port, perhaps a prefix; no user, no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Without a slash at its end.
    text: String,
    private: bool,
}

impl Address {
    /// Reads `http://host:port` or `https://host/prefix`.
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::BadUrl { url: text.to_owned() };
        let url = Url::parse(text).map_err(|_| bad())?;
        let clean = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let private = match url.scheme() {
            "https" => true,
            "http" => is_this_machine(&url),
            _ => return Err(bad()),
        };
        if !clean || url.host().is_none() {
            return Err(bad());
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), private })
    }

    /// The address of something below; `path` begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Refuses an address to which a secret would travel in the clear.
    pub(crate) fn require_private(&self) -> Result<(), ClientError> {
        if self.private { Ok(()) } else { Err(ClientError::PlainHttp { url: self.text.clone() }) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Only a literal address is sure to stay on this machine, and `localhost`, which RFC 6761 reserves for it.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Writes the fields that are there as `?name=value&…`; nothing when none is.
pub(crate) fn query_string<T: Serialize>(record: &T) -> Result<String, ClientError> {
    let encode = |source| ClientError::Encode { what: "query", source };
    let serde_json::Value::Object(fields) = serde_json::to_value(record).map_err(encode)? else {
        return Ok(String::new());
    };
    let mut out = String::new();
    for (name, value) in fields {
        let text = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(&name);
        out.push('=');
        out.extend(utf8_percent_encode(&text, IN_QUERY));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_formats::wire::v1::{KnownGoodQuery, ListQuery};

    #[test]
    fn an_address_is_scheme_host_and_prefix_only() {
        assert_eq!(
            Address::parse("http://127.0.0.1:7420/").unwrap().join("/v1/status"),
            "http://127.0.0.1:7420/v1/status"
        );
        assert_eq!(
            Address::parse("https://example.org/holdfast").unwrap().join("/x"),
            "https://example.org/holdfast/x"
        );
        for bad in [
            "127.0.0.1:7420",
            "ftp://example.org",
            "http://a:b@example.org",
            "http://example.org/?x=1",
            "http://example.org/#s",
            "",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn t39_secrets_go_over_tls_or_to_this_machine_only() {
        for good in ["https://example.org", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(Address::parse(good).unwrap().require_private().is_ok(), "{good}");
        }
        for bad in [
            "http://example.org",
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
        ] {
            assert!(Address::parse(bad).unwrap().require_private().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_leaves_out_what_is_absent_and_escapes_the_rest() {
        let none = ListQuery { prefix: None, kind: None, after: None, limit: None, ended: None };
        assert_eq!(query_string(&none).unwrap(), "");
        let some = ListQuery {
            prefix: Some("a b&c=é".parse().unwrap()),
            kind: None,
            after: None,
            limit: Some(7),
            ended: None,
        };
        assert_eq!(query_string(&some).unwrap(), "?limit=7&prefix=a%20b%26c%3D%C3%A9");
        let query = KnownGoodQuery {
            component: Some("shop/web".parse().unwrap()),
            not: Some(holdfast_formats::wire::v1::Excluded::Current),
            at: None,
            back: None,
            min_size: None,
            policy: None,
        };
        assert_eq!(query_string(&query).unwrap(), "?component=shop/web&not=current");
    }
}
