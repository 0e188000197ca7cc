//! How far each receiver has got, and the next entries for it.

use std::time::Duration;

use ibid_config::Config;
use ibid_store::Store;
use ibid_types::{Error, Result, Timestamp};

use super::http::Post;
use super::syslog::Syslog;
use super::{Format, Line, Sink};

/// A batch of usual entries is well below a megabyte, which receivers take.
pub const ENTRIES_AT_ONCE: usize = 200;
/// For one request.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A receiver of the audit log.
#[derive(Debug)]
pub struct Outlet {
    name: String,
    sink: Box<dyn Sink>,
}

/// What a receiver does not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    pub entries: i64,
    /// When the first of them was written.
    pub since: Option<Timestamp>,
}

/// Those that the configuration names. Error: `audit_setup`.
pub fn outlets(config: &Config) -> Result<Vec<Outlet>> {
    if config.audit.receivers.is_empty() {
        return Ok(Vec::new());
    }
    ibid_runtime::set_up_tls();
    let http = reqwest::blocking::Client::builder()
        .timeout(WAIT_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::internal("audit_setup", "cannot set up the HTTP client").caused_by(error))?;
    let mut all = Vec::new();
    for receiver in &config.audit.receivers {
        let format = if receiver.format == "cef" { Format::Cef } else { Format::Jsonl };
        let url = receiver.url.reveal();
        let sink: Box<dyn Sink> = if url.starts_with("http") {
            Box::new(Post::new(receiver, format, http.clone())?)
        } else {
            Box::new(Syslog::new(&receiver.name, url, format)?)
        };
        all.push(Outlet { name: receiver.name.clone(), sink });
    }
    Ok(all)
}

/// What the receiver of that name does not have yet.
pub fn behind(store: &Store, receiver: &str) -> Result<Behind> {
    let position = position(store, receiver)?;
    let since = store.audit_list(position, 1)?.first().map(|entry| entry.at);
    Ok(Behind { entries: (store.audit_last()? - position).max(0), since })
}

impl Outlet {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the receiver the next entries; says how many. Errors: `audit_unreachable`, `audit_refused`.
    pub fn send_next(&self, store: &Store) -> Result<usize> {
        let entries = store.audit_list(position(store, &self.name)?, ENTRIES_AT_ONCE)?;
        let Some(last) = entries.last() else { return Ok(0) };
        let lines: Vec<Line> = entries.iter().map(Line::from).collect();
        self.sink.give(&lines)?;
        store.setting_set(&setting(&self.name), &last.number.to_string())?;
        Ok(lines.len())
    }
}

/// The number of the last entry that the receiver has taken.
fn position(store: &Store, receiver: &str) -> Result<i64> {
    let stored = store.setting_get(&setting(receiver))?;
    Ok(stored.and_then(|stored| stored.parse().ok()).unwrap_or(0))
}

fn setting(receiver: &str) -> String {
    format!("audit.sent.{receiver}")
}
