//! What goes into the audit log: administrative requests, and what is different since the server ran last.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use ibid_types::{Error, Result};

use crate::App;
use crate::http::{Failure, blocking};

/// Paths below which whatever is no reading is an administrative act.
const ADMINISTRATIVE: [&str; 5] = ["/v1/flows", "/v1/index", "/v1/keys", "/v1/ops", "/v1/workspaces"];
/// Below those: what changes nothing, or has a record of its own.
const OTHERS: [&str; 3] = ["/v1/flows/validate", "/v1/ops/alerts", "/v1/ops/incidents"];
/// The setting that holds version and configuration of the last start.
const LAST_START: &str = "server.last_start";
/// Whoever may read the data directory, or works on this machine where no key is needed.
const THIS_MACHINE: &str = "this machine";
const SERVER: &str = "server";

/// Records an administrative request with its outcome before it is answered.
pub async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if !is_administrative(request.method(), route) {
        return next.run(request).await;
    }
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let key = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = key.and_then(|value| value.strip_prefix("Bearer ")).map(|key| key.trim().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let entry = move |app: &App| {
        let actor = actor(app, key.as_deref())?;
        app.store.audit_append(&actor, &method, &format!("{path} ({status})")).map(|_| ())
    };
    let recorded: std::result::Result<(), Failure> = blocking(&app, entry).await;
    if let Err(Failure(error)) = recorded {
        tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
    }
    response
}

/// Records that the server began, and what is different since it began last. A log that cannot be written does not keep the
/// server from serving, but is told.
pub fn started(app: &App) {
    if let Err(error) = note_start(app) {
        tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
    }
}

fn note_start(app: &App) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let now = format!("{version}\n{}", app.config.written);
    let last = app.store.setting_get(LAST_START)?;
    let (last_version, last_config) =
        last.as_deref().and_then(|last| last.split_once('\n')).unwrap_or_default();
    app.store.audit_append(SERVER, "server.started", version)?;
    if last.is_some() && last_version != version {
        app.store.audit_append(SERVER, "server.version", &format!("{last_version} to {version}"))?;
    }
    let changed = changed_settings(last_config, &app.config.written);
    if last.is_some() && !changed.is_empty() {
        let changed: Vec<&str> = changed.into_iter().collect();
        app.store.audit_append(SERVER, "configuration.changed", &changed.join(", "))?;
    }
    if last.as_ref() != Some(&now) {
        app.store.setting_set(LAST_START, &now)?;
    }
    Ok(())
}

fn is_administrative(method: &Method, route: &str) -> bool {
    let is_below = |places: &[&str]| places.iter().any(|place| route.starts_with(place));
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && is_below(&ADMINISTRATIVE)
        && !is_below(&OTHERS)
}

fn actor(app: &App, key: Option<&str>) -> Result<String> {
    let Some(key) = key.filter(|key| app.is_guarded() && !app.is_local_token(key)) else {
        return Ok(THIS_MACHINE.to_owned());
    };
    let found = app.store.key_find(key)?;
    found
        .map(|key| key.name)
        .ok_or_else(|| Error::unauthenticated("key_unknown", "the key was revoked meanwhile"))
}

/// Names of settings whose lines differ; values are not told, since a path or an address may be nobody's business.
fn changed_settings<'a>(before: &'a str, after: &'a str) -> BTreeSet<&'a str> {
    let lines = |text: &'a str| text.lines().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>();
    let (before, after) = (lines(before), lines(after));
    let name = |line: &&'a str| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        line.split([' ', ':', '=']).next().unwrap_or_default()
    };
    before.symmetric_difference(&after).copied().map(|line| name(&line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrative_acts_are_recorded_and_questions_are_not() {
        let is = |method: Method, route: &str| is_administrative(&method, route);
        assert!(is(Method::POST, "/v1/keys") && is(Method::DELETE, "/v1/flows/{name}"));
        assert!(is(Method::PUT, "/v1/ops/log-level"));
        assert!(!is(Method::GET, "/v1/keys") && !is(Method::POST, "/v1/ask"));
        assert!(!is(Method::POST, "/v1/flows/validate") && !is(Method::PATCH, "/v1/ops/incidents/{number}"));
    }

    #[test]
    fn settings_that_changed_are_named() {
        let before = "ingest.threads = 2\nserver.address = \"a\"\n";
        let after = "server.address = \"b\"\n\n# chat.key: set, and not written down here (file)\n";
        let changed: Vec<&str> = changed_settings(before, after).into_iter().collect();
        assert_eq!(changed, ["chat.key", "ingest.threads", "server.address"]);
        assert!(changed_settings(before, before).is_empty());
    }
}
