//! Telling people: webhook, Slack, PagerDuty, mail, Alertmanager.
//!
//! Keeps true: a message is a job of the queue, written in the commit that decides on it; it is tried with growing delay
//! and jitter until it is delivered, or stays as a failed job that `ibid jobs list --state failed` shows.

mod courier;
mod http;
mod mail;
mod notice;

pub use courier::{Courier, Delivered, KIND, delivery};
pub use notice::{Notice, Told};

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use ibid_config::Config;
use ibid_types::{Error, JobId, Result};

/// Someone or something that can be told. Blocking.
pub trait Receiver: Send + Sync + Debug {
    /// Delivers once; `id` is the same for each attempt at the same message.
    fn deliver(&self, notice: &Notice, id: JobId) -> Result<()>;
}

/// Receivers by name.
pub type Receivers = BTreeMap<String, Arc<dyn Receiver>>;

/// Those that the configuration names. Error: `notify_setup`.
pub fn receivers(config: &Config) -> Result<Receivers> {
    let notify = &config.notify;
    let timeout = Duration::from_secs(notify.timeout_seconds);
    ibid_runtime::set_up_tls();
    let http = reqwest::blocking::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::internal("notify_setup", "cannot set up the HTTP client").caused_by(error))?;
    let mut all = Receivers::new();
    for receiver in &notify.receivers {
        let made: Arc<dyn Receiver> = match receiver.kind.as_str() {
            "email" => Arc::new(mail::Mail::new(receiver, &notify.public_url, timeout)?),
            _ => Arc::new(http::Post::new(receiver, &notify.public_url, http.clone())),
        };
        all.insert(receiver.name.clone(), made);
    }
    Ok(all)
}
