//! The address of a PostgreSQL database, with its password apart: that travels in the environment of the programs that
//! need it, because other users can read a command line.

use std::fmt;
use std::process::Command;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::StreamError;

/// An address without its password, and the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    shown: String,
    host: Option<String>,
    password: Option<String>,
}

impl PostgresUrl {
    /// The machine that the address names, with its port; nothing when it names none, or a socket of this one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Gives a client program of PostgreSQL address and password. It never asks a person.
    pub(super) fn give(&self, command: &mut Command) {
        command.arg("--no-password").arg(format!("--dbname={}", self.shown));
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        if std::env::var_os("PGCONNECT_TIMEOUT").is_none() {
            command.env("PGCONNECT_TIMEOUT", "30");
        }
    }
}

impl FromStr for PostgresUrl {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        let (scheme, rest) = text.split_once("://").ok_or(StreamError::Url("it has no scheme"))?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(StreamError::Url("its scheme is another"));
        }
        let (before, query) =
            rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let (authority, path) = before.split_once('/').map_or((before, None), |(a, path)| (a, Some(path)));
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let (user, mut password) = match user.and_then(|user| user.split_once(':')) {
            Some((user, password)) => (Some(user), Some(decoded(password)?)),
            None => (user, None),
        };
        let mut parameters = Vec::new();
        for parameter in query.into_iter().flat_map(|query| query.split('&')) {
            match parameter.split_once('=') {
                Some(("password", value)) => password = Some(decoded(value)?),
                // libpq has no variable for it.
                Some(("sslpassword", _)) => {
                    return Err(StreamError::Url("sslpassword would be shown to others"));
                }
                _ => parameters.push(parameter),
            }
        }
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        let path = path.map_or_else(String::new, |path| format!("/{path}"));
        let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
        let shown = format!("postgresql://{user}{host}{path}{query}");
        // A socket folder stands where a host does, with its slashes encoded.
        let host = (!host.is_empty() && !host.starts_with('%')).then(|| host.to_owned());
        Ok(Self { shown, host, password: password.filter(|password| !password.is_empty()) })
    }
}

fn decoded(text: &str) -> Result<String, StreamError> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| StreamError::Url("its password is not UTF-8"))?.into_owned())
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address_for_the_environment() {
        for text in [
            "postgres://ana:s%40crt@db.example:5433/shop?sslmode=require",
            "postgresql://ana@db.example:5433/shop?password=s%40crt&sslmode=require",
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!(url.shown, "postgresql://ana@db.example:5433/shop?sslmode=require");
            assert_eq!((url.host(), url.password.as_deref()), (Some("db.example:5433"), Some("s@crt")));
            let mut command = Command::new("pg_dump");
            url.give(&mut command);
            let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
            assert!(words.iter().all(|word| !word.contains("crt")), "{words:?}");
            assert!(command.get_envs().any(|(k, v)| k == "PGPASSWORD" && v.is_some_and(|v| v == "s@crt")));
            assert!(!format!("{url:?}").contains("crt"));
        }
    }

    #[test]
    fn an_address_may_leave_out_all_but_its_scheme() {
        for (text, shown, host) in [
            ("postgres://", "postgresql://", None),
            ("postgres:///shop", "postgresql:///shop", None),
            ("postgres://%2Frun%2Fpg/shop", "postgresql://%2Frun%2Fpg/shop", None),
            ("postgres://a@b/shop?host=/run", "postgresql://a@b/shop?host=/run", Some("b")),
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!((url.shown.as_str(), url.host()), (shown, host), "{text}");
            assert_eq!(url.password, None);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_quoted() {
        for text in ["shop:hunter2", "mysql://a:hunter2@b/c", "postgres://a@b/c?sslpassword=hunter2"] {
            let error = text.parse::<PostgresUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
