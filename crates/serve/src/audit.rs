//! What goes into the audit log: administrative requests, who may read a document and that it was deleted, refusals, and what is
//! different since the server ran last.
//!
//! Keeps true: whoever is refused does not learn by the answer, nor by how long it takes, whether there was something to refuse.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use ibid_types::{Result, Timestamp};
use parking_lot::Mutex;

use crate::App;
use crate::access::{Caller, Who};
use crate::http::{Failure, blocking};

/// Paths below which whatever is no reading is an administrative act.
const ADMINISTRATIVE: [&str; 10] = [
    "/v1/auth",
    "/v1/flows",
    "/v1/grants",
    "/v1/groups",
    "/v1/index",
    "/v1/keys",
    "/v1/limits",
    "/v1/ops",
    "/v1/users",
    "/v1/workspaces",
];
/// Below those: what changes nothing, or has a record of its own.
const OTHERS: [&str; 11] = [
    "/v1/auth/app",
    "/v1/auth/link",
    "/v1/auth/oidc",
    "/v1/auth/passkey-sign-in",
    "/v1/auth/passkeys",
    "/v1/auth/recovery-codes",
    "/v1/auth/password",
    "/v1/auth/sign-in",
    "/v1/flows/validate",
    "/v1/ops/alerts",
    "/v1/ops/incidents",
];
/// How often the same refusal is recorded, and how many different ones in that time.
const REFUSAL_EVERY_MS: i64 = 60_000;
const REFUSALS_MAX: usize = 1000;
/// Of what an endpoint says, about.
const NOTED_BYTES_MAX: usize = 1000;
/// The setting that holds version and configuration of the last start.
const LAST_START: &str = "server.last_start";
const SERVER: &str = "server";

/// What an endpoint wants to be said in the entry of its request; a request that says something has one.
#[derive(Clone, Debug, Default)]
pub struct Noted(Arc<Mutex<String>>);

impl Noted {
    pub fn say(&self, what: &str) {
        let mut said = self.0.lock();
        let left = NOTED_BYTES_MAX.saturating_sub(said.len());
        if left > 0 {
            said.push(' ');
            said.extend(what.chars().take(left));
        }
    }

    fn said(&self) -> String {
        std::mem::take(&mut *self.0.lock())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Noted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> std::result::Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Records an administrative request with its outcome before it is answered, and whoever was refused in a workspace.
pub async fn record(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let is_act = is_administrative(request.method(), &route);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let who = request.extensions().get::<Caller>().map_or(Who::Nobody, |caller| caller.who().clone());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    if response.status() == StatusCode::FORBIDDEN {
        refused(&app, &who, &method, &route).await;
        return response;
    }
    let said = noted.said();
    if is_act || !said.is_empty() {
        append(&app, &who, method.to_string(), format!("{path} ({status}){said}")).await;
    }
    response
}

/// Records that somebody known was refused; the same one at the same endpoint once a minute.
pub async fn refused(app: &Arc<App>, who: &Who, method: &Method, route: &str) {
    if app.refusals.is_news(&format!("{who} {method} {route}"), app.clock.now()) {
        append(app, who, "refused".to_owned(), format!("{method} {route}")).await;
    }
}

/// Records that somebody unknown was refused; the same from one address once a minute.
pub async fn unknown(app: &Arc<App>, what: &str, address: Option<IpAddr>) {
    let from = address.map_or_else(|| "this machine".to_owned(), |address| address.to_string());
    let subject = format!("{what} from {from}");
    if app.refusals.is_news(&subject, app.clock.now()) {
        append(app, &Who::Nobody, "refused".to_owned(), subject).await;
    }
}

/// Records, after the caller was answered as if there were nothing, that somebody known asked for something that is there and not for
/// them; the same once a minute.
pub fn hidden(app: &Arc<App>, who: &Who, what: String) {
    let (app, who) = (Arc::clone(app), who.clone());
    let entry = move || note(&app, &who, "refused", &what);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(entry)),
        Err(_) => entry(),
    }
}

/// Records from a blocking thread what somebody known did; the same once a minute.
pub fn note(app: &App, who: &Who, action: &str, subject: &str) {
    if !app.refusals.is_news(&format!("{who} {action} {subject}"), app.clock.now()) {
        return;
    }
    if let Err(error) = app.store.audit_append(&who.to_string(), action, subject) {
        tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
    }
}

async fn append(app: &Arc<App>, who: &Who, action: String, subject: String) {
    let actor = who.to_string();
    let entry = move |app: &Arc<App>| app.store.audit_append(&actor, &action, &subject).map(drop);
    let recorded: std::result::Result<(), Failure> = blocking(app, entry).await;
    if let Err(Failure(error)) = recorded {
        tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
    }
}

/// What was recorded of late, so that a program that tries again and again does not fill the log.
#[derive(Debug, Default)]
pub struct Refusals {
    seen: Mutex<HashMap<String, Timestamp>>,
}

impl Refusals {
    pub fn is_news(&self, what: &str, now: Timestamp) -> bool {
        let mut seen = self.seen.lock();
        seen.retain(|_, at| now.0 - at.0 < REFUSAL_EVERY_MS);
        if seen.len() >= REFUSALS_MAX || seen.contains_key(what) {
            return false;
        }
        seen.insert(what.to_owned(), now);
        true
    }
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
    let is_at = |place: &&str| {
        route.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_below = |places: &[&str]| places.iter().any(is_at);
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && is_below(&ADMINISTRATIVE)
        && !is_below(&OTHERS)
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
        assert!(is(Method::POST, "/v1/auth/links") && is(Method::DELETE, "/v1/auth/sessions/all"));
        assert!(!is(Method::POST, "/v1/auth/sign-in") && !is(Method::POST, "/v1/auth/link"));
        assert!(!is(Method::POST, "/v1/flows/validate") && !is(Method::PATCH, "/v1/ops/incidents/{number}"));
    }

    #[test]
    fn a_refusal_is_news_once_a_minute() {
        let (refusals, now) = (Refusals::default(), Timestamp(1_000_000));
        assert!(refusals.is_news("a", now) && refusals.is_news("b", now));
        assert!(!refusals.is_news("a", now.plus_ms(59_000)));
        assert!(refusals.is_news("a", now.plus_ms(60_000)));
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
