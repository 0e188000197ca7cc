//! Logs and traces. A line of the log is one event on standard error, JSON where no terminal reads it; a span of a trace
//! goes to a collector where one is configured.
//!
//! Keeps true: every line names the request and the trace that it is of; no secret and no personal data is in a line or in
//! a span; what a collector does not take in time is dropped, never waited for.

mod layer;
mod line;
mod otlp;
mod redact;
mod runs;

use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;

use ibid_types::{Error, Result};
use parking_lot::Mutex;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

pub use layer::logged;
use layer::{Enabled, Telemetry};
use line::Format;
pub use otlp::{Exporter, export, figures as spans};
pub use runs::RunTraces;

/// `log.level` and `log.format`.
#[derive(Clone, Debug)]
pub struct Logging {
    pub level: String,
    pub format: String,
}

/// What changes the level while the process runs, and the level that it has.
static LEVEL: OnceLock<(Handle<Enabled, Registry>, Mutex<String>)> = OnceLock::new();

/// Sets up logging for the process; a second call changes nothing. Error: `log_level`.
pub fn set_up(logging: &Logging) -> Result<()> {
    let (filter, handle) = reload::Layer::new(Enabled::new(read_level(&logging.level)?));
    let on_terminal = std::io::stderr().is_terminal();
    let is_json = logging.format == "json" || logging.format == "auto" && !on_terminal;
    let format = if is_json { Format::Json } else { Format::Text { colored: on_terminal } };
    match tracing_subscriber::registry().with(filter).with(Telemetry::new(format)).try_init() {
        Ok(()) => drop(LEVEL.set((handle, Mutex::new(logging.level.clone())))),
        Err(_) => tracing::debug!("logging was already set up"),
    }
    Ok(())
}

/// The level that lines are logged at.
pub fn level() -> String {
    LEVEL.get().map_or_else(|| "info".to_owned(), |(_, level)| level.lock().clone())
}

/// Changes the level until the process ends. Error: `log_level`.
pub fn set_level(text: &str) -> Result<()> {
    let targets = read_level(text)?;
    if let Some((handle, level)) = LEVEL.get() {
        handle.modify(|enabled| *enabled = Enabled::new(targets)).map_err(|error| {
            Error::internal("log_level_fixed", "the level of the log cannot be changed any more")
                .caused_by(error)
        })?;
        text.clone_into(&mut level.lock());
    }
    Ok(())
}

fn read_level(text: &str) -> Result<Targets> {
    let wrong = || {
        let what = format!("log level '{text}' cannot be read; use error, warn, info, debug or trace");
        Error::bad_request("log_level", what)
    };
    // A word alone would be taken for the name of a target.
    let is_known = |part: &str| part.contains('=') || tracing::Level::from_str(part).is_ok() || part == "off";
    if text.trim().is_empty() || !text.split(',').all(|part| is_known(part.trim())) {
        return Err(wrong());
    }
    Targets::from_str(text).map_err(|error| wrong().caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_list() {
        assert!(read_level("info").is_ok() && read_level("ibid_serve=debug,info").is_ok());
        for text in ["", "loud", "ibid_serve=loud", "info,loud"] {
            assert_eq!(read_level(text).unwrap_err().code, "log_level", "{text}");
        }
    }
}
