//! Where log lines go: standard error, as text for people or JSON for collectors.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The level is no filter.
    #[error(
        "{level:?} is no log level: write error, warn, info, debug or trace, or a filter such as info,hyper=debug"
    )]
    Level {
        /// The level as given.
        level: String,
        /// What was wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody else set up logging in this process.
    #[error("logging has been started already in this process")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging for the whole process. `level` is a level or a filter by module.
pub fn start_logging(format: LogFormat, level: &str) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|source| LoggingError::Level { level: level.to_owned(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(is_colourful()).finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).finish().try_init()?,
    }
    Ok(())
}

/// <https://no-color.org>: set and not empty means none.
fn is_colourful() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}
