//! `/v1/memory`: what is remembered of whoever asks, and of what the workspace shares.
//!
//! Keeps true: nobody sees or changes what is remembered of somebody else; an administrator may have it forgotten, and no more.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ibid_api::memory as wire;
use ibid_api::problem::Problem;
use ibid_memory::{ExportFormat, FactChange, Forget, Named, NewEpisode, NewFact, Object, Scope, fact_now};
use ibid_store::{EpisodesQuery, FactEdge, FactsQuery, ReceiptRow};
use ibid_types::access::Permission;
use ibid_types::memory::{Consent, EntityKind, Owner, Series, Span, relation};
use ibid_types::{EntityId, EpisodeId, Error, FactId, Result, Timestamp};

use super::ask::within;
use crate::access::Caller;
use crate::audit::Noted;
use crate::code::erase;
use crate::forgotten::Beyond;
use crate::http::{Answered, Json, Parameters, Path, blocking, respond};
use crate::memory::Mind;
use crate::wire::memory as told;
use crate::words;

/// Longer names are no names.
const NAME_CHARS_MAX: usize = 200;
const STATEMENT_CHARS_MAX: usize = 2000;
const CONFLICTS_MAX: usize = 200;
/// What clients with signed numbers can count to.
const ORDINAL_MAX: usize = i32::MAX as usize;

/// Takes texts in to be remembered: what they say is found out behind the answer, or before it with `wait`.
#[utoipa::path(post, path = "/v1/memory/episodes", tag = "memory", request_body = wire::RememberRequest,
    responses((status = 202, body = wire::Remembered), (status = 200, body = wire::Remembered), (status = "default", body = Problem)))]
pub async fn remember(app: Caller, Json(request): Json<wire::RememberRequest>) -> Answered<Response> {
    let (status, body) = blocking(&app, move |app| remembered(app, request)).await?;
    Ok((status, axum::Json(body)).into_response())
}

fn remembered(app: &Caller, request: wire::RememberRequest) -> Result<(StatusCode, wire::Remembered)> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let owner = mind.owner(request.shared)?;
    if request.episodes.is_empty() {
        return Err(Error::bad_request("episode_empty", "there is nothing to remember; send 'episodes'"));
    }
    let usual = crate::memory::speaker_of(app);
    let with_speaker =
        |episode: NewEpisode| NewEpisode { speaker: episode.speaker.or_else(|| usual.clone()), ..episode };
    let episodes =
        request.episodes.into_iter().map(|told| episode(told).map(with_speaker)).collect::<Result<_>>()?;
    let taken = app.memory.remember(mind.workspace.id, owner, episodes)?;
    let mut body = wire::Remembered {
        episodes: taken.episodes.iter().map(EpisodeId::to_string).collect(),
        job: taken.job.map(|job| job.to_string()),
        facts: Vec::new(),
    };
    if !request.wait {
        return Ok((StatusCode::ACCEPTED, body));
    }
    mind.wait_for(taken.job)?;
    let mut found: Vec<FactId> =
        app.store.sources_in(&taken.episodes)?.into_iter().map(|source| source.fact).collect();
    found.sort_unstable();
    found.dedup();
    let mut believed = app.store.facts_by_id(&found)?;
    believed.retain(|fact| fact.retracted_at.is_none());
    body.facts = told::facts(&app.store, &believed)?;
    Ok((StatusCode::OK, body))
}

fn episode(request: wire::EpisodeRequest) -> Result<NewEpisode> {
    let line = |field: &str, text: Option<String>| {
        text.map(|text| words::line(field, &text, NAME_CHARS_MAX)).transpose()
    };
    let series = request.series.as_deref().map(str::parse::<EpisodeId>).transpose()?;
    let ordinal = request.ordinal.map(|ordinal| ordinal as usize);
    let ordinal = u32::try_from(within("ordinal", ordinal, 0, 0..=ORDINAL_MAX)?).unwrap_or_default();
    Ok(NewEpisode {
        kind: request.kind.as_deref().unwrap_or("note").parse()?,
        speaker: line("speaker", request.speaker)?,
        addressee: line("addressee", request.addressee)?,
        at: instant(request.at.as_deref())?,
        zone: request.zone,
        source: line("source", request.source)?,
        series: series.map(|id| Series { id: *id.as_bytes(), ordinal }),
        name: line("name", request.name)?,
        sensitivity: request.sensitivity.as_deref().map(str::parse).transpose()?,
        text: request.text,
    })
}

fn instant(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(str::parse).transpose()
}

/// Lists what was told, the last said first.
#[utoipa::path(get, path = "/v1/memory/episodes", tag = "memory", params(wire::EpisodesQuery),
    responses((status = 200, body = wire::EpisodesPage), (status = "default", body = Problem)))]
pub async fn episodes(
    app: Caller,
    Parameters(query): Parameters<wire::EpisodesQuery>,
) -> Answered<axum::Json<wire::EpisodesPage>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let query = EpisodesQuery {
            owners: mind.owners(),
            kind: query.kind.as_deref().map(str::parse).transpose()?,
            from: instant(query.from.as_deref())?,
            to: instant(query.to.as_deref())?,
            limit: within("limit", query.limit, 50, 1..=500)?,
            cursor: query.cursor,
        };
        let page = app.store.episode_list(mind.workspace.id, &query)?;
        Ok(wire::EpisodesPage {
            episodes: page.items.into_iter().map(told::episode).collect(),
            next: page.next,
        })
    })
    .await
}

/// Shows what was told once.
#[utoipa::path(get, path = "/v1/memory/episodes/{id}", tag = "memory", params(("id" = String, Path), wire::MemoryPlace),
    responses((status = 200, body = wire::Episode), (status = "default", body = Problem)))]
pub async fn episode_shown(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::Episode>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let id: EpisodeId = id.parse()?;
        let found = app.store.episodes_by_id(&[id])?.pop();
        found.filter(|episode| mind.sees(episode.workspace, episode.owner)).map(told::episode).ok_or_else(
            || {
                let what = format!(
                    "there is no episode {id} among your memories; GET /v1/memory/episodes lists them"
                );
                Error::not_found("episode_unknown", what)
            },
        )
    })
    .await
}

/// Lists facts as they are believed, now or at another time, the last recorded first.
#[utoipa::path(get, path = "/v1/memory/facts", tag = "memory", params(wire::FactsQuery),
    responses((status = 200, body = wire::FactsPage), (status = "default", body = Problem)))]
pub async fn facts(
    app: Caller,
    Parameters(query): Parameters<wire::FactsQuery>,
) -> Answered<axum::Json<wire::FactsPage>> {
    respond(&app, move |app| facts_page(app, query)).await
}

/// The same, with its name in no address.
#[utoipa::path(post, path = "/v1/memory/facts/find", tag = "memory", request_body = wire::FactsQuery,
    responses((status = 200, body = wire::FactsPage), (status = "default", body = Problem)))]
pub async fn facts_found(
    app: Caller,
    Json(query): Json<wire::FactsQuery>,
) -> Answered<axum::Json<wire::FactsPage>> {
    respond(&app, move |app| facts_page(app, query)).await
}

fn facts_page(app: &Caller, query: wire::FactsQuery) -> Result<wire::FactsPage> {
    let mind = Mind::of(app, query.workspace.as_deref())?;
    let entity = query.entity.as_deref().map(|named| mind.entity(named)).transpose()?;
    let query = FactsQuery {
        owners: mind.owners(),
        kind: query.kind.as_deref().map(str::parse).transpose()?,
        entity,
        valid_at: instant(query.valid_at.as_deref())?,
        believed_at: instant(query.believed_at.as_deref())?,
        archived: query.archived,
        limit: within("limit", query.limit, 50, 1..=500)?,
        cursor: query.cursor,
    };
    let page = app.store.fact_list(mind.workspace.id, &query)?;
    Ok(wire::FactsPage { facts: told::facts(&app.store, &page.items)?, next: page.next })
}

/// States a fact: subject, relation, object.
#[utoipa::path(post, path = "/v1/memory/facts", tag = "memory", request_body = wire::RelateRequest,
    responses((status = 201, body = wire::Fact), (status = "default", body = Problem)))]
pub async fn relate(app: Caller, Json(request): Json<wire::RelateRequest>) -> Answered<Response> {
    let fact = blocking(&app, move |app| related(app, request)).await?;
    Ok((StatusCode::CREATED, axum::Json(fact)).into_response())
}

fn related(app: &Caller, request: wire::RelateRequest) -> Result<wire::Fact> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let scope = mind.scope(request.shared)?;
    let recorded = app.memory.relate(scope, vec![stated(&request, scope.now)?])?;
    let id = recorded
        .facts
        .first()
        .copied()
        .ok_or_else(|| Error::internal("fact_unknown", "nothing was recorded"))?;
    mind.fact(id)
}

fn stated(request: &wire::RelateRequest, now: Timestamp) -> Result<NewFact> {
    let subject = named("subject", &request.subject, request.subject_kind.as_deref())?;
    let object =
        object(request.object.as_deref(), request.object_kind.as_deref(), request.object_text.as_deref())?;
    let object = object.ok_or_else(|| {
        Error::bad_request(
            "object_missing",
            "a fact says something of its subject; send 'object' or 'object_text'",
        )
    })?;
    let relation = relation::read(&request.relation)?;
    let statement = match &request.statement {
        Some(statement) => words::name("statement", statement, STATEMENT_CHARS_MAX)?,
        None => spoken(&subject, &relation, &object, request.negated),
    };
    let valid = Span::new(instant(request.valid_from.as_deref())?, instant(request.valid_to.as_deref())?);
    Ok(NewFact {
        kind: request.kind.as_deref().unwrap_or("fact").parse()?,
        negated: request.negated,
        single_valued: request.single_valued,
        said: if request.single_valued && valid.from.is_none() {
            Span::new(Some(now), valid.to)
        } else {
            valid
        },
        confidence: share("confidence", request.confidence.unwrap_or(1.0))?,
        importance: share("importance", request.importance.unwrap_or(0.5))?,
        sensitivity: request.sensitivity.as_deref().unwrap_or("ordinary").parse()?,
        ..NewFact::new(subject, relation, object, statement)
    })
}

fn named(field: &str, name: &str, kind: Option<&str>) -> Result<Named> {
    let kind = kind.map(str::parse).transpose()?.unwrap_or(EntityKind::Other);
    Ok(Named::new(words::name(field, name, NAME_CHARS_MAX)?, kind))
}

fn object(entity: Option<&str>, kind: Option<&str>, text: Option<&str>) -> Result<Option<Object>> {
    match (entity, text) {
        (Some(name), None) => named("object", name, kind).map(Object::Entity).map(Some),
        (None, Some(text)) => {
            words::name("object_text", text, STATEMENT_CHARS_MAX).map(Object::Words).map(Some)
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::bad_request(
            "object_missing",
            "'object' names an entity and 'object_text' is none; send one of them",
        )),
    }
}

fn spoken(subject: &Named, relation: &str, object: &Object, negated: bool) -> String {
    let verb = relation.to_lowercase().replace('_', " ");
    let object = match object {
        Object::Entity(named) => &named.name,
        Object::Words(words) => words,
    };
    let not = if negated { "not " } else { "" };
    format!("{} {not}{verb} {object}", subject.name)
}

/// Error: `value_out_of_range`.
fn share(field: &str, value: f32) -> Result<f32> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(Error::bad_request("value_out_of_range", format!("{field} is {value}; it may be 0 to 1")))
}

/// Shows a fact with every state that was believed of it.
#[utoipa::path(get, path = "/v1/memory/facts/{id}", tag = "memory", params(("id" = String, Path), wire::MemoryPlace),
    responses((status = 200, body = wire::FactHistory), (status = "default", body = Problem)))]
pub async fn fact(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::FactHistory>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let id: FactId = id.parse()?;
        let mut states = app.store.facts_by_id(&[id])?;
        states.retain(|state| mind.sees(state.workspace, state.owner));
        if states.is_empty() {
            return Err(fact_unknown(id));
        }
        Ok(wire::FactHistory { states: told::facts(&app.store, &states)? })
    })
    .await
}

/// Corrects a fact, takes it back, or decides for it; what was believed before stays to be asked for.
#[utoipa::path(patch, path = "/v1/memory/facts/{id}", tag = "memory", params(("id" = String, Path)), request_body = wire::FactChange,
    responses((status = 200, body = wire::Fact), (status = "default", body = Problem)))]
pub async fn fact_change(
    app: Caller,
    Path(id): Path<String>,
    Json(change): Json<wire::FactChange>,
) -> Answered<axum::Json<wire::Fact>> {
    respond(&app, move |app| changed(app, id.parse()?, &change)).await
}

fn changed(app: &Caller, id: FactId, change: &wire::FactChange) -> Result<wire::Fact> {
    let mind = Mind::of(app, change.workspace.as_deref())?;
    let known = fact_now(&app.store, id)?.filter(|fact| mind.sees(fact.workspace, fact.owner));
    let known = known.ok_or_else(|| fact_unknown(id))?;
    let scope = mind.scope(known.owner == Owner::Shared)?;
    if change.retracted {
        app.memory.retract(scope, id)?;
        return mind.fact(id);
    }
    if change.overruling {
        app.memory.overrule(scope, id)?;
    }
    let wanted = wanted(change, known.stated.said)?;
    if wanted != FactChange::default() {
        app.memory.change(scope, id, wanted)?;
    }
    mind.fact(id)
}

fn wanted(change: &wire::FactChange, said: Span) -> Result<FactChange> {
    let valid = Span::new(edge(&change.valid_from, said.from)?, edge(&change.valid_to, said.to)?);
    let statement =
        change.statement.as_deref().map(|text| words::name("statement", text, STATEMENT_CHARS_MAX));
    Ok(FactChange {
        statement: statement.transpose()?,
        object: object(change.object.as_deref(), None, change.object_text.as_deref())?,
        kind: change.kind.as_deref().map(str::parse).transpose()?,
        valid: (change.valid_from.is_some() || change.valid_to.is_some()).then_some(valid),
        importance: change.importance.map(|value| share("importance", value)).transpose()?,
        sensitivity: change.sensitivity.as_deref().map(str::parse).transpose()?,
        archived: change.archived,
    })
}

/// What is told of one end of a time, else what was.
fn edge(told: &wire::Told<String>, was: Option<Timestamp>) -> Result<Option<Timestamp>> {
    told.as_ref().map_or(Ok(was), |told| instant(told.as_deref()))
}

/// Lists who and what is known, those with the most facts first.
#[utoipa::path(get, path = "/v1/memory/entities", tag = "memory", params(wire::EntitiesQuery),
    responses((status = 200, body = wire::EntitiesPage), (status = "default", body = Problem)))]
pub async fn entities(
    app: Caller,
    Parameters(query): Parameters<wire::EntitiesQuery>,
) -> Answered<axum::Json<wire::EntitiesPage>> {
    respond(&app, move |app| entities_page(app, query)).await
}

/// The same, with part of a name in no address.
#[utoipa::path(post, path = "/v1/memory/entities/find", tag = "memory", request_body = wire::EntitiesQuery,
    responses((status = 200, body = wire::EntitiesPage), (status = "default", body = Problem)))]
pub async fn entities_found(
    app: Caller,
    Json(query): Json<wire::EntitiesQuery>,
) -> Answered<axum::Json<wire::EntitiesPage>> {
    respond(&app, move |app| entities_page(app, query)).await
}

fn entities_page(app: &Caller, query: wire::EntitiesQuery) -> Result<wire::EntitiesPage> {
    let mind = Mind::of(app, query.workspace.as_deref())?;
    let limit = within("limit", query.limit, 100, 1..=1000)?;
    let kind: Option<EntityKind> = query.kind.as_deref().map(str::parse).transpose()?;
    let part = query.text.unwrap_or_default().to_lowercase();
    let counts = app.store.fact_counts(mind.workspace.id, &mind.owners())?;
    let mut found = app.store.entities_of(mind.workspace.id, &mind.owners())?;
    found.retain(|entity| {
        let mut names = std::iter::once(&entity.known.name).chain(&entity.known.aliases);
        kind.is_none_or(|kind| kind == entity.kind) && names.any(|name| name.to_lowercase().contains(&part))
    });
    let facts = |id: EntityId| counts.get(&id).copied().unwrap_or(0);
    found
        .sort_by_cached_key(|entity| (std::cmp::Reverse(facts(entity.id)), entity.known.name.to_lowercase()));
    let total = found.len() as u64;
    found.truncate(limit);
    let entities = found.into_iter().map(|entity| (facts(entity.id), entity));
    Ok(wire::EntitiesPage {
        entities: entities.map(|(facts, entity)| told::entity(entity, facts)).collect(),
        total,
    })
}

/// Shows who or what it is.
#[utoipa::path(get, path = "/v1/memory/entities/{id}", tag = "memory", params(("id" = String, Path), wire::MemoryPlace),
    responses((status = 200, body = wire::Entity), (status = "default", body = Problem)))]
pub async fn entity_shown(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::Entity>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let id = mind.entity(&id)?;
        let facts = app.store.fact_counts(mind.workspace.id, &mind.owners())?.get(&id).copied().unwrap_or(0);
        let found = app.store.entities_by_id(&[id])?.pop();
        found.map(|entity| told::entity(entity, facts)).ok_or_else(|| {
            let what = format!(
                "entity {id} was forgotten meanwhile; GET /v1/memory/entities lists those that are known"
            );
            Error::not_found("entity_unknown", what)
        })
    })
    .await
}

/// Calls an entity otherwise.
#[utoipa::path(patch, path = "/v1/memory/entities/{id}", tag = "memory", params(("id" = String, Path)),
    request_body = wire::EntityChange,
    responses((status = 200, body = wire::Entity), (status = "default", body = Problem)))]
pub async fn entity_change(
    app: Caller,
    Path(id): Path<String>,
    Json(change): Json<wire::EntityChange>,
) -> Answered<axum::Json<wire::Entity>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, change.workspace.as_deref())?;
        let id = mind.entity(&id)?;
        let is_shared =
            app.store.entities_by_id(&[id])?.first().is_some_and(|entity| entity.owner == Owner::Shared);
        let name =
            change.name.as_deref().map(|name| words::name("name", name, NAME_CHARS_MAX)).transpose()?;
        let kind: Option<EntityKind> = change.kind.as_deref().map(str::parse).transpose()?;
        let alias = |alias: &String| words::name("aliases", alias, NAME_CHARS_MAX);
        let aliases = change
            .aliases
            .as_ref()
            .map(|all| all.iter().map(alias).collect::<Result<Vec<_>>>())
            .transpose()?;
        let changed = app.memory.rename(mind.scope(is_shared)?, id, |entity| {
            entity.known.name = name.unwrap_or_else(|| entity.known.name.clone());
            entity.known.aliases = aliases.unwrap_or_else(|| entity.known.aliases.clone());
            entity.kind = kind.unwrap_or(entity.kind);
        })?;
        let counts = app.store.fact_counts(mind.workspace.id, &mind.owners())?;
        Ok(told::entity(changed, counts.get(&id).copied().unwrap_or(0)))
    })
    .await
}

/// Every state of every fact about an entity, in the order in which they held.
#[utoipa::path(get, path = "/v1/memory/entities/{id}/timeline", tag = "memory", params(("id" = String, Path), wire::MemoryPlace),
    responses((status = 200, body = wire::FactHistory), (status = "default", body = Problem)))]
pub async fn timeline(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::FactHistory>> {
    respond(&app, move |app| life(app, place.workspace.as_deref(), &id)).await
}

/// The same, with its name in no address.
#[utoipa::path(post, path = "/v1/memory/timeline", tag = "memory", request_body = wire::TimelineRequest,
    responses((status = 200, body = wire::FactHistory), (status = "default", body = Problem)))]
pub async fn timeline_found(
    app: Caller,
    Json(asked): Json<wire::TimelineRequest>,
) -> Answered<axum::Json<wire::FactHistory>> {
    respond(&app, move |app| life(app, asked.workspace.as_deref(), &asked.entity)).await
}

/// What is known of somebody or something, of code as well, in the order in which it held.
fn life(app: &Caller, workspace: Option<&str>, named: &str) -> Result<wire::FactHistory> {
    let mind = Mind::of(app, workspace)?;
    let of_code = app.codes.with(mind.workspace.id, |shelf| {
        let placed = match named.parse::<EntityId>() {
            Ok(id) => shelf.thing_of(id),
            Err(_) => shelf.thing(named),
        };
        Ok(placed.map(|placed| placed.timeline()))
    })?;
    let mut states = match (mind.entity(named), &of_code) {
        (Ok(entity), _) => app.store.facts_about(&[entity])?,
        (Err(_), Some(_)) => Vec::new(),
        (Err(error), None) => return Err(error),
    };
    states.retain(|state| mind.sees(state.workspace, state.owner) && state.retracted_at.is_none());
    states.sort_by_key(|state| (state.valid.from, state.recorded_at));
    let mut states = told::facts(&app.store, &states)?;
    states.extend(of_code.into_iter().flatten());
    Ok(wire::FactHistory { states })
}

/// Lists facts that others have ended, so that a person can decide.
#[utoipa::path(get, path = "/v1/memory/conflicts", tag = "memory", params(wire::MemoryPlace),
    responses((status = 200, body = wire::Conflicts), (status = "default", body = Problem)))]
pub async fn conflicts(
    app: Caller,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::Conflicts>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let ended = app.store.fact_conflicts(mind.workspace.id, &mind.owners(), CONFLICTS_MAX)?;
        let by: Vec<FactId> = ended.iter().filter_map(|fact| fact.closed_by).collect();
        let mut enders = app.store.facts_by_id(&by)?;
        enders.retain(|fact| fact.retracted_at.is_none() && mind.sees(fact.workspace, fact.owner));
        let enders = told::facts(&app.store, &enders)?;
        let conflict = |fact: wire::Fact| {
            let by = enders.iter().find(|ender| Some(&ender.id) == fact.closed_by.as_ref()).cloned();
            wire::Conflict { fact, by }
        };
        Ok(wire::Conflicts {
            conflicts: told::facts(&app.store, &ended)?.into_iter().map(conflict).collect(),
        })
    })
    .await
}

/// What changed between two instants: in what is believed, and in the world.
#[utoipa::path(get, path = "/v1/memory/changes", tag = "memory", params(wire::ChangesQuery),
    responses((status = 200, body = wire::Changes), (status = "default", body = Problem)))]
pub async fn changes(
    app: Caller,
    Parameters(query): Parameters<wire::ChangesQuery>,
) -> Answered<axum::Json<wire::Changes>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let to = instant(query.to.as_deref())?.unwrap_or_else(|| app.clock.now().plus_ms(1));
        let between = (query.from.parse()?, to);
        let limit = within("limit", query.limit, 100, 1..=500)?;
        let changed = |what| {
            let found = app.store.facts_changed(mind.workspace.id, &mind.owners(), what, between, limit)?;
            told::facts(&app.store, &found)
        };
        Ok(wire::Changes {
            recorded: changed(FactEdge::Recorded)?,
            retracted: changed(FactEdge::Retracted)?,
            began: changed(FactEdge::Began)?,
            ended: changed(FactEdge::Ended)?,
        })
    })
    .await
}

/// Forgets a fact, an entity, an episode, a time, or everything: gone from rows, indexes and the database's files when it answers, and from
/// backups when these are deleted. The receipt says how much, never what.
#[utoipa::path(post, path = "/v1/memory/forget", tag = "memory", request_body = wire::ForgetRequest,
    responses((status = 200, body = wire::Receipt), (status = "default", body = Problem)))]
pub async fn forget(
    app: Caller,
    noted: Noted,
    Json(request): Json<wire::ForgetRequest>,
) -> Answered<axum::Json<wire::Receipt>> {
    let receipt = blocking(&app, move |app| forgotten(app, &request)).await?;
    noted.say(&format!("receipt {}", receipt.id));
    Ok(axum::Json(receipt))
}

fn forgotten(app: &Caller, request: &wire::ForgetRequest) -> Result<wire::Receipt> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let what = what(&mind, request)?;
    let scope = match &request.person {
        Some(person) => of_another(&mind, person, what)?,
        // What repositories hold is shared.
        None => mind.scope(request.shared || request.code.is_some())?,
    };
    erase::forgotten(app, scope, what)?;
    let row = app.memory.forget(scope, what, &Beyond(app))?;
    app.metrics.forgotten(what.name());
    receipt(row)
}

fn what(mind: &Mind<'_>, request: &wire::ForgetRequest) -> Result<Forget> {
    let mut asked = Vec::new();
    if let Some(fact) = &request.fact {
        asked.push(Forget::Fact(fact.parse()?));
    }
    if let Some(entity) = &request.entity {
        asked.push(Forget::Entity(mind.entity(entity)?));
    }
    if let Some(episode) = &request.episode {
        asked.push(Forget::Episode(episode.parse()?));
    }
    if request.from.is_some() || request.to.is_some() {
        let from = instant(request.from.as_deref())?.unwrap_or(Timestamp(i64::MIN));
        asked.push(Forget::Range(from, instant(request.to.as_deref())?.unwrap_or(Timestamp(i64::MAX))));
    }
    if let Some(code) = &request.code {
        asked.push(Forget::Repository(mind.repository(code)?));
    }
    if request.everything {
        asked.push(Forget::Everything);
    }
    match asked.as_slice() {
        [one] => Ok(*one),
        _ => {
            let what = "say what is to be forgotten, and one thing at a time: fact, entity, episode, code, from and to, or everything";
            Err(Error::bad_request("forget_what", what))
        }
    }
}

/// Errors: `not_allowed`, `holder_malformed`, `forget_what`.
fn of_another(mind: &Mind<'_>, person: &str, what: Forget) -> Result<Scope> {
    mind.check(Permission::Administer)?;
    if what != Forget::Everything {
        let what = "of somebody else everything can be forgotten, and nothing looked at; send 'everything' with 'person'";
        return Err(Error::bad_request("forget_what", what));
    }
    Ok(Scope { owner: person.parse()?, ..mind.scope(false)? })
}

fn receipt(row: ReceiptRow) -> Result<wire::Receipt> {
    let receipt = serde_json::from_str(&row.body)
        .map_err(|error| Error::internal("receipt_malformed", "a receipt cannot be read").caused_by(error))?;
    Ok(wire::Receipt { id: row.id.to_string(), at: row.at.to_string(), receipt, signature: row.signature })
}

/// Lists receipts of what was forgotten, the newest first.
#[utoipa::path(get, path = "/v1/memory/receipts", tag = "memory", params(wire::MemoryPlace),
    responses((status = 200, body = wire::Receipts), (status = "default", body = Problem)))]
pub async fn receipts_list(
    app: Caller,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::Receipts>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let rows = app.store.receipt_list(mind.workspace.id, &mind.owners(), 100)?;
        Ok(wire::Receipts { receipts: rows.into_iter().map(receipt).collect::<Result<_>>()? })
    })
    .await
}

/// Writes everything that is remembered: lines of JSON with all there is, or the graph as GraphML, JSON-LD or CSV.
#[utoipa::path(get, path = "/v1/memory/export", tag = "memory", params(wire::ExportQuery),
    responses((status = 200, content((String = "application/x-ndjson"), (String = "application/graphml+xml"), (String = "application/ld+json"), (String = "text/csv"))),
        (status = "default", body = Problem)))]
pub async fn export(app: Caller, Parameters(query): Parameters<wire::ExportQuery>) -> Answered<Response> {
    let (format, text) = blocking(&app, move |app| {
        let mind = Mind::of(app, query.workspace.as_deref())?;
        let format: ExportFormat = query.format.as_deref().unwrap_or("jsonl").parse()?;
        let mut out = Vec::new();
        ibid_memory::export(&app.store, mind.workspace.id, &mind.owners(), format, &mut out)?;
        Ok((format, out))
    })
    .await?;
    let (media_type, ending) = match format {
        ExportFormat::Jsonl => ("application/x-ndjson", "jsonl"),
        ExportFormat::Graphml => ("application/graphml+xml", "graphml"),
        ExportFormat::JsonLd => ("application/ld+json", "jsonld"),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let name = format!("attachment; filename=\"memory.{ending}\"");
    let head = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((head, text).into_response())
}

/// Takes in memories of another program, or of an export. What cannot be read is told, and all else is taken.
#[utoipa::path(post, path = "/v1/memory/import", tag = "memory", request_body = wire::ImportRequest,
    responses((status = 200, body = wire::Imported), (status = "default", body = Problem)))]
pub async fn import(
    app: Caller,
    Json(request): Json<wire::ImportRequest>,
) -> Answered<axum::Json<wire::Imported>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, request.workspace.as_deref())?;
        let scope = mind.scope(request.shared)?;
        let origin = request.from.as_deref().map(str::parse).transpose()?;
        let imported = app.memory.import(scope, origin, &request.data)?;
        let rejected = imported.rejected.into_iter();
        Ok(wire::Imported {
            from: imported.origin.name().to_owned(),
            episodes: imported.episodes,
            facts: imported.facts,
            merged: imported.merged,
            rejected: rejected
                .map(|one| wire::Rejected { index: one.index, code: one.code.to_owned(), reason: one.reason })
                .collect(),
        })
    })
    .await
}

/// What the caller allows to be remembered.
#[utoipa::path(get, path = "/v1/memory/consent", tag = "memory",
    responses((status = 200, body = wire::ConsentState), (status = "default", body = Problem)))]
pub async fn consent(app: Caller) -> Answered<axum::Json<wire::ConsentState>> {
    respond(&app, state).await
}

/// Changes what the caller allows to be remembered, from now on; what is there already can be forgotten.
#[utoipa::path(put, path = "/v1/memory/consent", tag = "memory", request_body = wire::ConsentRequest,
    responses((status = 200, body = wire::ConsentState), (status = "default", body = Problem)))]
pub async fn consent_change(
    app: Caller,
    noted: Noted,
    Json(request): Json<wire::ConsentRequest>,
) -> Answered<axum::Json<wire::ConsentState>> {
    let state = blocking(&app, move |app| {
        let consent: Consent = request.consent.parse()?;
        app.store.consent_set(crate::memory::owner_of(app)?, consent)?;
        state(app)
    })
    .await?;
    noted.say(&format!("consent {}", state.consent));
    Ok(axum::Json(state))
}

fn state(app: &Caller) -> Result<wire::ConsentState> {
    let row = app.store.consent(crate::memory::owner_of(app)?)?;
    Ok(wire::ConsentState {
        consent: row.map_or(Consent::Asked, |row| row.consent).name().to_owned(),
        changed_at: row.map(|row| row.changed_at.to_string()),
    })
}

/// How much is remembered.
#[utoipa::path(get, path = "/v1/memory/stats", tag = "memory", params(wire::MemoryPlace),
    responses((status = 200, body = wire::MemoryStats), (status = "default", body = Problem)))]
pub async fn stats(
    app: Caller,
    Parameters(place): Parameters<wire::MemoryPlace>,
) -> Answered<axum::Json<wire::MemoryStats>> {
    respond(&app, move |app| {
        let mind = Mind::of(app, place.workspace.as_deref())?;
        let counts = app.store.memory_counts(mind.workspace.id, &mind.owners())?;
        let conflicts =
            app.store.fact_conflicts(mind.workspace.id, &mind.owners(), CONFLICTS_MAX)?.len() as u64;
        let consent = state(app)?.consent;
        let ibid_store::Forgotten { episodes, entities, facts } = counts;
        Ok(wire::MemoryStats { episodes, entities, facts, conflicts, consent })
    })
    .await
}

pub fn fact_unknown(id: FactId) -> Error {
    Error::not_found(
        "fact_unknown",
        format!("there is no fact {id} among your memories; GET /v1/memory/facts lists them"),
    )
}
