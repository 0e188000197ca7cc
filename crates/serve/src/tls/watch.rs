//! Other files under the same names: looked for now and then, and when the program is told to (SIGHUP).

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ibid_types::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Tls;
use crate::App;

/// Certificates change every few weeks; a look costs three calls of the system.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// By which a file is known to be another.
type Stamp = Vec<Option<(SystemTime, u64)>>;

/// The signal that asks for another look, listened to from the moment that this is made. Error: `signals_unavailable`.
pub fn reloads() -> Result<Signal> {
    signal(SignalKind::hangup()).map_err(|error| {
        let what = "the system does not tell this program when to reload; look at its limits on signals";
        Error::internal("signals_unavailable", what).caused_by(error)
    })
}

/// Takes certificates up as they change, until the shutdown.
pub async fn watch(app: Arc<App>, tls: Arc<Tls>, mut asked: Signal) {
    let mut known = stamp(&tls.settings);
    loop {
        let is_asked = tokio::select! {
            () = app.shutdown.wait() => return,
            _ = asked.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamp(&tls.settings);
        if is_asked || now != known {
            known = now;
            tokio::task::block_in_place(|| reload(&app, &tls));
        }
    }
}

fn reload(app: &App, tls: &Tls) {
    let outcome = match tls.reload(app.clock.now()) {
        Ok(()) => "certificate.reloaded",
        Err(error) => {
            tracing::error!(code = error.code, "the former certificate stays: {}", error.chain());
            "certificate.refused"
        }
    };
    tell(app, tls, outcome);
}

/// Notes in the audit log and the metrics what is shown now.
pub fn tell(app: &App, tls: &Tls, outcome: &str) {
    let until = tls.ends_at().map_or_else(|| "none".to_owned(), |ends_at| format!("until {ends_at}"));
    tracing::info!(outcome, until, "the server's certificate");
    if let Err(error) = app.store.audit_append("server", outcome, &until) {
        tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
    }
    if let Some(ends_at) = tls.ends_at() {
        app.watching.certificates.saw("this server", ends_at);
    }
}

fn stamp(settings: &ibid_config::Tls) -> Stamp {
    let of = |path: &std::path::PathBuf| {
        let seen = fs::metadata(path).ok()?;
        Some((seen.modified().ok()?, seen.len()))
    };
    [&settings.certificate, &settings.key, &settings.client_ca].into_iter().map(of).collect()
}
