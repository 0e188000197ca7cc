//! Logs: one line an event on standard error, fields first; JSON where no terminal reads them.

use std::io::IsTerminal;

use ibid_types::{Error, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// `log.level` and `log.format`.
#[derive(Clone, Debug)]
pub struct Logging {
    pub level: String,
    pub format: String,
}

/// Sets up logging for the process; a second call changes nothing.
pub fn set_up(logging: &Logging) -> Result<()> {
    let filter = EnvFilter::try_new(&logging.level).map_err(|error| {
        Error::bad_request(
            "log_level",
            format!("log.level '{}' cannot be read; use error, warn, info, debug or trace", logging.level),
        )
        .caused_by(error)
    })?;
    let on_terminal = std::io::stderr().is_terminal();
    let json = logging.format == "json" || logging.format == "auto" && !on_terminal;
    let base = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(on_terminal);
    let outcome = if json { base.json().flatten_event(true).try_init() } else { base.compact().try_init() };
    if outcome.is_err() {
        tracing::debug!("logging was already set up");
    }
    Ok(())
}
