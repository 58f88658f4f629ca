//! Logs of the server: readable on a terminal, JSON elsewhere, always on the error stream.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::options::{LogFormat, Options};

#[derive(Debug, thiserror::Error)]
#[error("`log` is `{filter}`, which is no filter: expected a level such as `info`, or `target=level` pairs")]
pub struct LoggingError {
    filter: String,
    source: tracing_subscriber::filter::ParseError,
}

/// For the process as a whole; the first call counts.
pub fn init(options: &Options) -> Result<(), LoggingError> {
    let filter =
        EnvFilter::try_new(&options.log).map_err(|source| LoggingError { filter: options.log.clone(), source })?;
    let registry = tracing_subscriber::registry().with(filter);
    let pretty = match options.log_format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    // A second call finds the first one's subscriber and changes nothing.
    let _ = if pretty {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        registry.with(fmt::layer().with_writer(io::stderr).with_ansi(colour).with_target(false)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
    };
    Ok(())
}
