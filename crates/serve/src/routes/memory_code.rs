//! `/v1/memory/code`: what is known of the repositories of a workspace: who calls this, what changed since, why is this so.
//!
//! Keeps true: everybody who reads in the workspace sees it, and who may change its documents changes it; the server opens no path that a
//! client names.

use ibid_api::code as wire;
use ibid_api::memory::RecallHit;
use ibid_api::problem::Problem;
use ibid_code::{Commit, Delta};
use ibid_index::memory::{Filter, Kind};
use ibid_memory::NewEpisode;
use ibid_retrieve::memory::Request as RecallRequest;
use ibid_types::memory::Owner;
use ibid_types::search::{Mode, Request};
use ibid_types::{Error, Result, Timestamp, WorkspaceId};

use super::ask::within;
use super::recall;
use crate::access::Caller;
use crate::http::{Answered, Json, Parameters, respond};
use crate::memory::Mind;
use crate::words;

const SOURCE_CHARS_MAX: usize = 1000;
const NAME_CHARS_MAX: usize = 500;
/// The newest commits, whose messages are remembered; older ones are told by `why` alone.
const COMMITS_REMEMBERED_MAX: usize = 1000;
/// What is looked at for memories and passages that name a thing.
const LOOKED_AT: usize = 50;
const TOLD_MAX: usize = 10;

/// Takes in what reading a repository brought, as `ibid ingest` sends it: files that changed, and the history since.
#[utoipa::path(post, path = "/v1/memory/code", tag = "memory", request_body = wire::CodeRequest,
    responses((status = 200, body = wire::CodeTaken), (status = "default", body = Problem)))]
pub async fn take(
    app: Caller,
    Json(request): Json<wire::CodeRequest>,
) -> Answered<axum::Json<wire::CodeTaken>> {
    respond(&app, move |app| taken(app, request)).await
}

fn taken(app: &Caller, request: wire::CodeRequest) -> Result<wire::CodeTaken> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let owner = mind.owner(true)?;
    let source = words::name("source", &request.source, SOURCE_CHARS_MAX)?;
    let mut delta: Delta = serde_json::from_value(request.delta).map_err(|error| {
        let what = format!("'delta' is not what reading a repository gives; send what `ibid ingest` of this version sends: {error}");
        Error::bad_request("code_malformed", what)
    })?;
    delta.check()?;
    crate::code::erase::secrets(&mut delta);
    let commits = delta.head.as_ref().map_or(&[][..], |head| head.commits.as_slice());
    let remembered = remember(app, mind.workspace.id, owner, &source, commits)?;
    let done = app.codes.take(mind.workspace.id, &source, delta)?;
    app.codes.with(mind.workspace.id, |shelf| {
        let kept = shelf.repository(&source).ok_or_else(|| code_unknown(&source))?;
        let repository = kept.shown();
        Ok(wire::CodeTaken { repository, stated: done.stated, ended: done.ended, remembered })
    })
}

/// Messages of commits are episodes: who wrote them, when, and of which commit. Sent twice, they are kept once.
fn remember(
    app: &Caller,
    workspace: WorkspaceId,
    owner: Owner,
    source: &str,
    commits: &[Commit],
) -> Result<u64> {
    let bytes_max = app.memory.config().episode_bytes_max;
    let episode = |commit: &Commit| NewEpisode {
        speaker: Some(commit.author.name.clone()).filter(|name| !name.is_empty()),
        at: Some(commit.at),
        source: Some(format!("{source}@{}", commit.id)),
        name: Some(format!("commit:{}", commit.id)),
        ..NewEpisode::note(cut(&commit.message, bytes_max))
    };
    // A merge that says no more than that it is one tells nothing.
    let says_something = |commit: &&Commit| {
        !commit.message.trim().is_empty() && (commit.parents.len() < 2 || commit.message.contains("\n\n"))
    };
    let episodes: Vec<NewEpisode> =
        commits.iter().filter(says_something).take(COMMITS_REMEMBERED_MAX).map(episode).collect();
    for some in episodes.chunks(app.memory.config().episodes_max.max(1)) {
        app.memory.remember(workspace, owner, some.to_vec())?;
    }
    Ok(episodes.len() as u64)
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Lists the repositories that are known.
#[utoipa::path(get, path = "/v1/memory/code", tag = "memory", params(wire::CodePlace),
    responses((status = 200, body = wire::CodeRepositories), (status = "default", body = Problem)))]
pub async fn list(
    app: Caller,
    Parameters(place): Parameters<wire::CodePlace>,
) -> Answered<axum::Json<wire::CodeRepositories>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        app.codes.with(mind.workspace.id, |shelf| {
            let repositories = shelf.repositories().map(crate::code::Kept::shown).collect();
            Ok(wire::CodeRepositories { repositories })
        })
    })
    .await
}

/// What is known of a repository's files, so that only what changed is read.
#[utoipa::path(get, path = "/v1/memory/code/known", tag = "memory", params(wire::CodeKnownQuery),
    responses((status = 200, body = wire::CodeKnown), (status = "default", body = Problem)))]
pub async fn known(
    app: Caller,
    Parameters(query): Parameters<wire::CodeKnownQuery>,
) -> Answered<axum::Json<wire::CodeKnown>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let source = words::name("source", &query.source, SOURCE_CHARS_MAX)?;
        app.codes.with(mind.workspace.id, |shelf| Ok(shelf.known(&source)))
    })
    .await
}

/// Who calls a symbol, now or at another time.
#[utoipa::path(get, path = "/v1/memory/code/callers", tag = "memory", params(wire::CodeCallersQuery),
    responses((status = 200, body = wire::CodeCallers), (status = "default", body = Problem)))]
pub async fn callers(
    app: Caller,
    Parameters(query): Parameters<wire::CodeCallersQuery>,
) -> Answered<axum::Json<wire::CodeCallers>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let symbol = words::name("symbol", &query.symbol, NAME_CHARS_MAX)?;
        let at: Option<Timestamp> = query.valid_at.as_deref().map(str::parse).transpose()?;
        let limit = within("limit", query.limit, 50, 1..=500)?;
        app.codes.with(mind.workspace.id, |shelf| shelf.callers(&symbol, at, limit))
    })
    .await
}

/// What changed since a commit or a day: commits, paths, symbols, and what refers to what.
#[utoipa::path(get, path = "/v1/memory/code/since", tag = "memory", params(wire::CodeSinceQuery),
    responses((status = 200, body = wire::CodeSince), (status = "default", body = Problem)))]
pub async fn since(
    app: Caller,
    Parameters(query): Parameters<wire::CodeSinceQuery>,
) -> Answered<axum::Json<wire::CodeSince>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let since = words::name("since", &query.since, NAME_CHARS_MAX)?;
        let of = query.of.as_deref().map(|of| words::name("of", of, NAME_CHARS_MAX)).transpose()?;
        let limit = within("limit", query.limit, 50, 1..=500)?;
        app.codes.with(mind.workspace.id, |shelf| shelf.since(&since, of.as_deref(), limit))
    })
    .await
}

/// Why a symbol or a file is as it is: commits, comments, memories and passages that have to do with it, each with its source.
#[utoipa::path(get, path = "/v1/memory/code/why", tag = "memory", params(wire::CodeWhyQuery),
    responses((status = 200, body = wire::CodeWhy), (status = "default", body = Problem)))]
pub async fn why(
    app: Caller,
    Parameters(query): Parameters<wire::CodeWhyQuery>,
) -> Answered<axum::Json<wire::CodeWhy>> {
    let place = app.place(&app.queues.searches, query.workspace.as_deref()).await?;
    respond(&app, move |app| {
        let _place = place;
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let of = words::name("of", &query.of, NAME_CHARS_MAX)?;
        let limit = within("limit", query.limit, 20, 1..=500)?;
        let things = app.codes.with(mind.workspace.id, |shelf| shelf.why(&of, limit))?;
        let name = of.rsplit(['#', '/', ':', '.']).find(|part| !part.is_empty()).unwrap_or(&of);
        // The end of a file's name alone says nothing of it.
        let name =
            if of.contains('/') && !of.contains('#') { of.rsplit('/').next().unwrap_or(&of) } else { name };
        let memories = memories_naming(app, &mind, name)?;
        Ok(wire::CodeWhy { things, memories, documents: passages_naming(app, &mind, name)? })
    })
    .await
}

/// What was remembered and names it, but for the messages of commits, which are told as such.
fn memories_naming(app: &Caller, mind: &Mind<'_>, name: &str) -> Result<Vec<RecallHit>> {
    let memory = app.memories.of(mind.workspace.id)?;
    let asked = RecallRequest {
        question: name.to_owned(),
        asker: None,
        filter: Filter {
            owners: mind.owners().iter().map(ToString::to_string).collect(),
            kinds: vec![Kind::Episode, Kind::Fact],
            ..Filter::default()
        },
        limit: LOOKED_AT,
    };
    let mut hits = recall::hits(app, &app.recaller.recall(&memory, &asked))?;
    hits.retain(|hit| {
        let said = hit.episode.as_ref().filter(|episode| !is_of_commit(episode.source.as_deref()));
        said.is_some_and(|episode| names(&episode.text, name))
            || hit.fact.as_ref().is_some_and(|fact| names(&fact.statement, name))
    });
    hits.truncate(TOLD_MAX);
    Ok(hits)
}

fn is_of_commit(source: Option<&str>) -> bool {
    source.and_then(|source| source.rsplit_once('@')).is_some_and(|(_, commit)| {
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

fn passages_naming(app: &Caller, mind: &Mind<'_>, name: &str) -> Result<Vec<wire::CodePassage>> {
    let found = app.search(&Request {
        workspace: mind.workspace.id,
        reader: app.reader(),
        query: name.to_owned(),
        mode: Mode::Lexical,
        filter: ibid_types::search::Filter::default(),
        limit: LOOKED_AT,
    })?;
    app.codes.with(mind.workspace.id, |shelf| {
        let naming =
            found.hits.into_iter().filter(|hit| names(&hit.chunk.text, name) && !shelf.is_code(&hit.source));
        let passage = |hit: ibid_types::search::Hit| wire::CodePassage {
            document: hit.chunk.document.to_string(),
            title: hit.title,
            source: hit.source,
            start_byte: hit.chunk.span.start as u64,
            text: hit.chunk.text,
        };
        Ok(naming.take(TOLD_MAX).map(passage).collect())
    })
}

/// As a whole word, in this case.
fn names(text: &str, name: &str) -> bool {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_of_word) && !text[at + name.len()..].starts_with(is_of_word))
}

pub fn code_unknown(named: &str) -> Error {
    let what = format!("no repository '{named}' is known; GET /v1/memory/code lists those that are");
    Error::not_found("repository_not_known", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_whole_words_only() {
        assert!(names("call parse() now", "parse") && names("`parse`", "parse"));
        assert!(!names("parse_all and reparse", "parse"));
    }

    #[test]
    fn a_commits_message_is_told_by_its_source() {
        assert!(is_of_commit(Some(&format!("/src/one@{}", "a1".repeat(20)))));
        assert!(!is_of_commit(Some("ada@example.com")) && !is_of_commit(None));
    }
}
