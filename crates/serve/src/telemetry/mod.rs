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

use ibid_types::plain::one_line;
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

/// Changes the level until the process ends; our own warnings are always logged, so that nobody hides what happens. Error:
/// `log_level`.
pub fn set_level(text: &str) -> Result<()> {
    let targets = read_level(&running(text)?)?;
    if let Some((handle, level)) = LEVEL.get() {
        handle.modify(|enabled| *enabled = Enabled::new(targets)).map_err(|error| {
            Error::internal("log_level_fixed", "the level of the log cannot be changed any more")
                .caused_by(error)
        })?;
        text.clone_into(&mut level.lock());
    }
    Ok(())
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
/// Libraries whose lines can be asked for.
const LIBRARIES: [&str; 9] =
    ["axum", "h2", "hyper", "hyper_util", "reqwest", "rustls", "tower", "tower_http", "tungstenite"];

fn wrong(text: &str) -> Error {
    let text = one_line(text);
    let what = format!("log level '{text}' cannot be read; use error, warn, info, debug or trace");
    Error::bad_request("log_level", what)
}

/// What a running server is set to by a level, levels of our crates from `warn` up, and levels of libraries.
fn running(text: &str) -> Result<String> {
    let is_known = |part: &str| match part.split_once('=') {
        None => LEVELS.contains(&part),
        Some((target, level)) if is_ours(target) => LEVELS[1..].contains(&level),
        Some((target, level)) => LIBRARIES.contains(&target) && LEVELS.contains(&level),
    };
    if !text.split(',').all(is_known) {
        return Err(wrong(text));
    }
    let usual = text.split(',').rfind(|part| !part.contains('=')).unwrap_or("warn");
    let ours = if usual == "error" { "warn" } else { usual };
    Ok(format!("{usual},ibid={ours},{text}"))
}

fn is_ours(target: &str) -> bool {
    let rest = target.strip_prefix("ibid");
    rest.is_some_and(|rest| {
        rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b':')
    })
}

fn read_level(text: &str) -> Result<Targets> {
    // A word alone would be taken for the name of a target.
    let is_known = |part: &str| part.contains('=') || tracing::Level::from_str(part).is_ok() || part == "off";
    if text.trim().is_empty() || !text.split(',').all(|part| is_known(part.trim())) {
        return Err(wrong(text));
    }
    Targets::from_str(text).map_err(|error| wrong(text).caused_by(error))
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

    #[test]
    fn a_running_server_is_not_silenced() {
        for text in
            ["off", "info\n", "ibid=off", "ibid_serve=error", "info,ibid=off", "x=debug", "", " info", "INFO"]
        {
            assert_eq!(running(text).unwrap_err().code, "log_level", "{text:?}");
        }
        for text in ["error", "debug", "ibid_serve=debug,info", "hyper=trace,ibid_store=warn"] {
            let targets = read_level(&running(text).unwrap()).unwrap();
            assert!(targets.would_enable("ibid_serve::audit", &tracing::Level::WARN), "{text}");
        }
        let targets = |text: &str| read_level(&running(text).unwrap()).unwrap();
        assert!(targets("debug").would_enable("ibid_serve", &tracing::Level::DEBUG));
        assert!(targets("ibid_serve=debug").would_enable("ibid_serve::app", &tracing::Level::DEBUG));
        assert!(!targets("error").would_enable("hyper", &tracing::Level::WARN));
    }
}
