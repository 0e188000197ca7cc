//! `POST /v1/memory/events`: what happens in editors and other programs, in batches.
//!
//! Keeps true: each event is looked at by itself, so that one that is wrong keeps no other out, and its sender learns which and why.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ibid_api::memory::{EventRejected, EventsRequest, EventsTaken, MemoryEvent};
use ibid_api::problem::Problem;
use ibid_memory::{NewEpisode, zone_of};
use ibid_types::memory::EpisodeKind;
use ibid_types::{Error, Result, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::access::Caller;
use crate::http::{Answered, Json, blocking};
use crate::memory::Mind;
use crate::words;

const NAME_CHARS_MAX: usize = 200;
const FILE_CHARS_MAX: usize = 1000;
const KIND_BYTES_MAX: usize = 64;
/// Clocks differ, but not by more.
const AHEAD_MS_MAX: i64 = 24 * 3_600_000;

/// Takes events of an editor or another program in. Those that say something are read behind the answer; of the others it is kept that
/// they happened. Events that are wrong are told, and the rest is taken.
#[utoipa::path(post, path = "/v1/memory/events", tag = "memory", request_body = EventsRequest,
    responses((status = 202, body = EventsTaken), (status = "default", body = Problem)))]
pub async fn take(app: Caller, Json(request): Json<EventsRequest>) -> Answered<Response> {
    let taken = blocking(&app, move |app| taken(app, request)).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(taken)).into_response())
}

fn taken(app: &Caller, request: EventsRequest) -> Result<EventsTaken> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let owner = mind.owner(false)?;
    check_count(request.events.len(), app.config.memory.events_max)?;
    if let Some(zone) = &request.zone {
        zone_of(zone)?;
    }
    let reading =
        Reading { zone: request.zone, now: app.clock.now(), bytes_max: app.config.memory.episode_bytes_max };
    let (mut events, mut rejected) = (Vec::with_capacity(request.events.len()), Vec::new());
    for (index, event) in request.events.into_iter().enumerate() {
        match reading.event(event) {
            Ok(event) => events.push(event),
            Err(error) => {
                rejected.push(EventRejected { index, code: error.code.to_owned(), reason: error.message });
            }
        }
    }
    let taken = events.len() as u64;
    let observed = app.memory.observe(mind.workspace.id, owner, events)?;
    Ok(EventsTaken { taken, to_read: observed.to_read, rejected })
}

/// Errors: `events_empty`, `events_too_many`.
fn check_count(count: usize, most: usize) -> Result<()> {
    if count == 0 {
        return Err(Error::bad_request("events_empty", "there is nothing to keep; send 'events'"));
    }
    if count > most {
        let what = format!("{count} events; send at most {most} at once (memory.events_max)");
        return Err(Error::bad_request("events_too_many", what));
    }
    Ok(())
}

/// How the events of a request are read.
struct Reading {
    zone: Option<String>,
    now: Timestamp,
    bytes_max: usize,
}

impl Reading {
    /// Errors: `event_malformed`, `event_kind`, `event_time`, `episode_too_large`, and those of names.
    fn event(&self, sent: Value) -> Result<ibid_memory::Event> {
        let event = MemoryEvent::deserialize(sent).map_err(|error| {
            Error::bad_request("event_malformed", format!("the event cannot be read: {error}"))
        })?;
        check_kind(&event.kind)?;
        let line = |field: &str, text: Option<String>, most: usize| {
            text.map(|text| words::name(field, &text, most)).transpose()
        };
        let text = event.text.filter(|text| !text.trim().is_empty());
        self.check_text(text.as_deref().unwrap_or_default())?;
        let file = line("file", event.file, FILE_CHARS_MAX)?;
        let told = NewEpisode {
            kind: EpisodeKind::Event,
            at: Some(self.instant(event.at.as_deref())?),
            zone: self.zone.clone(),
            source: file.clone(),
            name: line("name", event.name, NAME_CHARS_MAX)?,
            speaker: line("speaker", event.speaker, NAME_CHARS_MAX)?,
            ..NewEpisode::note(text.clone().unwrap_or_else(|| happened(&event.kind, file.as_deref())))
        };
        Ok(ibid_memory::Event {
            says_something: text.is_some_and(|text| says_something(&event.kind, &text)),
            told,
        })
    }

    /// Error: `event_time`.
    fn instant(&self, at: Option<&str>) -> Result<Timestamp> {
        let Some(at) = at else { return Ok(self.now) };
        let at: Timestamp = at.parse()?;
        if at.0 > self.now.0.saturating_add(AHEAD_MS_MAX) {
            let what = format!("the event is of {at}, which is to come; look at the sender's clock");
            return Err(Error::bad_request("event_time", what));
        }
        Ok(at)
    }

    /// Error: `episode_too_large`.
    fn check_text(&self, text: &str) -> Result<()> {
        if text.len() <= self.bytes_max {
            return Ok(());
        }
        let what = format!("a text of {} bytes; send at most {}", text.len(), self.bytes_max);
        Err(Error::bad_request("episode_too_large", what))
    }
}

/// Error: `event_kind`.
fn check_kind(kind: &str) -> Result<()> {
    let is_inner =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"_.-".contains(&letter);
    let begins = kind.bytes().next().is_some_and(|letter| letter.is_ascii_lowercase());
    if begins && kind.len() <= KIND_BYTES_MAX && kind.bytes().all(is_inner) {
        return Ok(());
    }
    let what = "a kind is one word of small letters, digits, '_', '.' and '-', such as commit or test_failed";
    Err(Error::bad_request("event_kind", what))
}

fn happened(kind: &str, file: Option<&str>) -> String {
    match file {
        Some(file) => format!("{kind} {file}"),
        None => kind.to_owned(),
    }
}

/// What editors tell all the time, and whose texts are what is typed and not what is meant.
static NOISE: LazyLock<std::collections::HashSet<&str>> = LazyLock::new(|| {
    "open close focus blur cursor selection scroll hover edit change type keystroke complete completion format save autosave rename \
     navigate view copy paste cut undo redo fold indent index heartbeat activity"
        .split_whitespace()
        .collect()
});
/// Fewer words state no fact: a subject, a verb, an object.
const WORDS_MIN: usize = 3;

/// By its kind and its length, before a word of it is read.
fn says_something(kind: &str, text: &str) -> bool {
    let noun = kind.split(['_', '.', '-']).any(|part| NOISE.contains(part));
    !noun && text.split_whitespace().nth(WORDS_MIN - 1).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(sent: Value) -> Result<ibid_memory::Event> {
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        Reading { zone: None, now, bytes_max: 100 }.event(sent)
    }

    #[test]
    fn an_event_is_kept_with_what_it_is_about() {
        let event = read(json!({ "kind": "save", "file": "src/main.rs", "at": "2026-11-20" })).unwrap();
        assert_eq!((event.told.text.as_str(), event.says_something), ("save src/main.rs", false));
        assert_eq!(event.told.source.as_deref(), Some("src/main.rs"));
        let commit = read(json!({ "kind": "commit", "text": "The cache moved to Redis." })).unwrap();
        assert!(commit.says_something && commit.told.text == "The cache moved to Redis.");
    }

    #[test]
    fn what_is_typed_is_not_what_is_meant() {
        for kind in ["edit", "cursor_moved", "editor.scroll", "file-save"] {
            assert!(
                !read(json!({ "kind": kind, "text": "Anna works at Acme now" })).unwrap().says_something,
                "{kind}"
            );
        }
        assert!(!read(json!({ "kind": "comment", "text": "looks good" })).unwrap().says_something);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_code() {
        for (sent, code) in [
            (json!("save"), "event_malformed"),
            (json!({ "file": "a" }), "event_malformed"),
            (json!({ "kind": "save", "colour": "red" }), "event_malformed"),
            (json!({ "kind": "Save it" }), "event_kind"),
            (json!({ "kind": "" }), "event_kind"),
            (json!({ "kind": "save", "at": "yesterday" }), "date_malformed"),
            (json!({ "kind": "save", "at": "2027-01-01" }), "event_time"),
            (json!({ "kind": "save", "text": "x".repeat(101) }), "episode_too_large"),
            (json!({ "kind": "save", "file": "a\nb" }), "characters_hidden"),
            (json!({ "kind": "save", "name": "" }), "value_out_of_range"),
        ] {
            assert_eq!(read(sent.clone()).unwrap_err().code, code, "{sent}");
        }
    }

    #[test]
    fn a_batch_has_a_bound() {
        assert_eq!(check_count(0, 10).unwrap_err().code, "events_empty");
        assert_eq!(check_count(11, 10).unwrap_err().code, "events_too_many");
        assert!(check_count(10, 10).is_ok());
    }
}
