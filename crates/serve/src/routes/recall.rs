//! `/v1/memory/recall` and `/v1/memory/graph`: questions to what is remembered, and to how it hangs together.

use std::collections::HashMap;
use std::time::Instant;

use ibid_api::memory as wire;
use ibid_api::problem::Problem;
use ibid_graph::{Detection, Direction, Graph, Limits, NodeId, Pattern, Reach, Sampling, View, Walk};
use ibid_index::memory::{Filter, Key, Kind, Web};
use ibid_retrieve::memory::{Recalled, Remembered, Request, answerable};
use ibid_types::memory::{Entity, Episode, Fact};
use ibid_types::{EntityId, EpisodeId, Error, FactVersionId, Result, Timestamp};

use super::ask::within;
use crate::access::Caller;
use crate::code::edge_fact;
use crate::http::{Answered, Json, Parameters, respond};
use crate::memory::Mind;
use crate::questions;
use crate::wire::memory as told;

/// Communities told, and members of each.
const COMMUNITIES_MAX: usize = 50;
const MEMBERS_MAX: usize = 8;
/// Links that a question about the graph looks at: some tenths of a second.
const LINKS_MAX: u64 = 20_000_000;

/// Recalls what was told and what is known, best first.
#[utoipa::path(post, path = "/v1/memory/recall", tag = "memory", request_body = wire::RecallRequest,
    responses((status = 200, body = wire::RecallResponse), (status = "default", body = Problem)))]
pub async fn recall(
    app: Caller,
    Json(request): Json<wire::RecallRequest>,
) -> Answered<axum::Json<wire::RecallResponse>> {
    let place = app.place(&app.queues.searches, request.workspace.as_deref()).await?;
    respond(&app, move |app| {
        let _place = place;
        let began = Instant::now();
        let found = recalled(app, &request, began);
        app.metrics.recall(&found, began.elapsed());
        found
    })
    .await
}

fn recalled(app: &Caller, request: &wire::RecallRequest, began: Instant) -> Result<wire::RecallResponse> {
    let mind = Mind::of(app, request.workspace.as_deref())?;
    let memory = app.memories.of(mind.workspace.id)?;
    let asked = Request {
        question: questions::admitted(app, &request.query)?,
        asker: crate::memory::speaker_of(app),
        filter: filter(&mind, request)?,
        limit: within("limit", request.limit, 10, 1..=100)?,
    };
    let found = app.recaller.recall(&memory, &asked);
    let hits = Hits::load(app, &found)?.told(&found, request.explain)?;
    let code = app.codes.with(mind.workspace.id, |shelf| Ok(shelf.named_in(&request.query)))?;
    note_use(app, &found)?;
    Ok(wire::RecallResponse {
        hits,
        code,
        answerable: answerable(&found.signals),
        took_ms: began.elapsed().as_secs_f64() * 1000.0,
    })
}

fn filter(mind: &Mind<'_>, request: &wire::RecallRequest) -> Result<Filter> {
    let at = |text: &Option<String>| text.as_deref().map(str::parse::<Timestamp>).transpose();
    let entity = request.entity.as_deref().map(|named| mind.entity(named)).transpose()?;
    Ok(Filter {
        owners: mind.owners().iter().map(ToString::to_string).collect(),
        kinds: request.kinds.iter().map(|kind| kind_of(kind)).collect::<Result<_>>()?,
        valid_at: at(&request.valid_at)?,
        believed_at: at(&request.believed_at)?,
        from: at(&request.from)?,
        to: at(&request.to)?,
        entity: entity.map(|id| *id.as_bytes()),
        speaker: request.speaker.clone(),
        ..Filter::default()
    })
}

/// Error: `value_unknown`.
fn kind_of(name: &str) -> Result<Kind> {
    match name {
        "episode" => Ok(Kind::Episode),
        "fact" => Ok(Kind::Fact),
        "entity" => Ok(Kind::Entity),
        _ => {
            let what = format!("there is no kind '{name}' of what is recalled; use episode, fact or entity");
            Err(Error::bad_request("value_unknown", what))
        }
    }
}

/// The rows of what was recalled.
struct Hits {
    episodes: HashMap<EpisodeId, Episode>,
    entities: HashMap<EntityId, Entity>,
    facts: HashMap<FactVersionId, wire::Fact>,
}

impl Hits {
    fn load(app: &Caller, found: &Recalled) -> Result<Self> {
        let of = |kind: Kind| found.hits.iter().filter(move |hit| hit.key.kind == kind).map(|hit| hit.key.id);
        let episodes =
            app.store.episodes_by_id(&of(Kind::Episode).map(EpisodeId::from_bytes).collect::<Vec<_>>())?;
        let entities =
            app.store.entities_by_id(&of(Kind::Entity).map(EntityId::from_bytes).collect::<Vec<_>>())?;
        let states: Vec<FactVersionId> = of(Kind::Fact).map(FactVersionId::from_bytes).collect();
        let facts: Vec<Fact> = app.store.facts_by_version(&states)?;
        let shown = told::facts(&app.store, &facts)?;
        Ok(Self {
            episodes: episodes.into_iter().map(|episode| (episode.id, episode)).collect(),
            entities: entities.into_iter().map(|entity| (entity.id, entity)).collect(),
            facts: facts.iter().map(|fact| fact.version).zip(shown).collect(),
        })
    }

    fn told(mut self, found: &Recalled, explain: bool) -> Result<Vec<wire::RecallHit>> {
        Ok(found.hits.iter().filter_map(|hit| self.hit(hit, explain)).collect())
    }

    /// None for what was forgotten a moment ago.
    fn hit(&mut self, hit: &Remembered, explain: bool) -> Option<wire::RecallHit> {
        let Key { kind, id } = hit.key;
        let mut shown = wire::RecallHit {
            kind: "episode".to_owned(),
            score: hit.score,
            episode: None,
            fact: None,
            entity: None,
            why: if explain { why(hit) } else { Vec::new() },
        };
        match kind {
            Kind::Episode => {
                shown.episode = Some(told::episode(self.episodes.remove(&EpisodeId::from_bytes(id))?))
            }
            Kind::Fact => {
                "fact".clone_into(&mut shown.kind);
                shown.fact = Some(self.facts.remove(&FactVersionId::from_bytes(id))?);
            }
            Kind::Entity => {
                "entity".clone_into(&mut shown.kind);
                shown.entity = Some(told::entity(self.entities.remove(&EntityId::from_bytes(id))?, 0));
            }
        }
        Some(shown)
    }
}

/// What was recalled, as clients see it.
pub fn hits(app: &Caller, found: &Recalled) -> Result<Vec<wire::RecallHit>> {
    Hits::load(app, found)?.told(found, false)
}

fn why(hit: &Remembered) -> Vec<wire::RecallPart> {
    let reasons = &hit.why;
    let parts = [
        ("words", reasons.words),
        ("words_around", reasons.words_around),
        ("meaning", reasons.meaning),
        ("meaning_around", reasons.meaning_around),
        ("person", reasons.person),
        ("links", reasons.links),
    ];
    let part = |(name, part): (&str, Option<ibid_types::search::Part>)| {
        part.map(|part| wire::RecallPart {
            part: name.to_owned(),
            value: part.normalised,
            weight: part.weight,
        })
    };
    parts.into_iter().filter_map(part).collect()
}

/// Facts that were recalled were of use.
fn note_use(app: &Caller, found: &Recalled) -> Result<()> {
    let of_facts = found.hits.iter().filter(|hit| hit.key.kind == Kind::Fact);
    let states: Vec<FactVersionId> = of_facts.map(|hit| FactVersionId::from_bytes(hit.key.id)).collect();
    let facts = app.store.facts_by_version(&states)?;
    app.recollection.note_use(facts.iter().map(|fact| fact.id).collect())
}

/// What a question about the graph sees, and the graph.
struct Seen<'a> {
    mind: Mind<'a>,
    web: std::sync::Arc<Web>,
    valid_at: Timestamp,
    believed_at: Timestamp,
    relations: Option<Vec<ibid_graph::RelationId>>,
}

impl<'a> Seen<'a> {
    fn of(
        app: &'a Caller,
        workspace: Option<&str>,
        valid_at: Option<&str>,
        believed_at: Option<&str>,
        relations: Option<&str>,
        with_code: bool,
    ) -> Result<Self> {
        let mind = Mind::of(app, workspace)?;
        let web = if with_code { mind.whole_web()? } else { app.webs.of(mind.workspace.id)? };
        let now = app.clock.now();
        let at = |text: Option<&str>| text.map(str::parse).transpose();
        let names = relations.map(|names| {
            names.split(',').map(ibid_types::memory::relation::read).collect::<Result<Vec<_>>>()
        });
        let relations =
            names.transpose()?.map(|names| names.iter().filter_map(|name| web.relation(name)).collect());
        Ok(Self {
            mind,
            web,
            valid_at: at(valid_at)?.unwrap_or(now),
            believed_at: at(believed_at)?.unwrap_or(now),
            relations,
        })
    }

    /// Asks with what the caller may see.
    fn ask<T>(&self, ask: impl FnOnce(&Graph, &View<'_>) -> Result<T>) -> Result<T> {
        let owners = self.mind.owners();
        let edges = |edge: u32| self.web.shows_edge(edge, &owners);
        let nodes = |node: u32| self.web.shows_node(node, &owners);
        let mut view = View::believed(self.believed_at.0, self.valid_at.0)
            .with_edges(ibid_graph::Allowed::When(&edges))
            .with_nodes(ibid_graph::Allowed::When(&nodes));
        if let Some(relations) = &self.relations {
            view = view.with_relations(relations.iter().copied());
        }
        ask(&self.web.graph, &view)
    }

    fn node(&self, named: &str) -> Result<NodeId> {
        let id = self.mind.entity_or_code(named)?;
        self.web.node(id).ok_or_else(|| {
            Error::not_found("entity_unknown", format!("there is no entity {id} in the graph yet; ask again"))
        })
    }

    fn shown(&self, node: NodeId, score: f64, community: Option<u32>) -> Option<wire::GraphNode> {
        let entity = self.web.entity(node)?;
        Some(wire::GraphNode {
            id: entity.id.to_string(),
            name: entity.known.name.clone(),
            kind: entity.kind.name().to_owned(),
            score,
            community,
        })
    }

    /// What an edge stands for: a row, or what a repository holds.
    fn fact(&self, number: ibid_graph::EdgeId) -> Result<wire::Fact> {
        let unknown = || Error::internal("fact_unknown", "the graph has changed; ask again");
        let strand = self.web.strand(number).ok_or_else(unknown)?;
        if strand.is_row {
            return self.mind.fact(strand.fact);
        }
        let (shown, edge) =
            (self.edge(number).ok_or_else(unknown)?, self.web.graph.edge(number).ok_or_else(unknown)?);
        let named = |node: NodeId| {
            let node = self.shown(node, 0.0, None).ok_or_else(unknown)?;
            Ok(wire::EntityNamed { id: node.id, name: node.name, kind: node.kind })
        };
        let recorded = shown.valid_from.clone().unwrap_or_else(|| self.believed_at.to_string());
        let valid = (shown.valid_from, shown.valid_to);
        Ok(edge_fact(&shown.id, named(edge.from)?, &shown.relation, named(edge.to)?, valid, &recorded))
    }

    fn edge(&self, number: ibid_graph::EdgeId) -> Option<wire::GraphEdge> {
        let (edge, strand) = (self.web.graph.edge(number)?, self.web.strand(number)?);
        let id = |node: NodeId| self.web.entity(node).map(|entity| entity.id.to_string());
        let time = |at: i64, open: i64| (at != open).then(|| Timestamp(at).to_string());
        Some(wire::GraphEdge {
            id: strand.fact.to_string(),
            from: id(edge.from)?,
            to: id(edge.to)?,
            relation: self.web.relation_name(edge.relation).to_owned(),
            valid_from: time(edge.times.valid_from, ibid_graph::ALWAYS),
            valid_to: time(edge.times.valid_to, ibid_graph::FOREVER),
            importance: strand.importance,
        })
    }
}

fn limits(results: usize) -> Limits<'static> {
    Limits::default().results(results).links(LINKS_MAX)
}

/// What is around an entity, or the whole graph with its most connected first.
#[utoipa::path(get, path = "/v1/memory/graph", tag = "memory", params(wire::GraphQuery),
    responses((status = 200, body = wire::Graph), (status = "default", body = Problem)))]
pub async fn graph(
    app: Caller,
    Parameters(query): Parameters<wire::GraphQuery>,
) -> Answered<axum::Json<wire::Graph>> {
    respond(&app, move |app| graph_asked(app, &query)).await
}

/// The same, with its names in no address.
#[utoipa::path(post, path = "/v1/memory/graph/find", tag = "memory", request_body = wire::GraphQuery,
    responses((status = 200, body = wire::Graph), (status = "default", body = Problem)))]
pub async fn graph_found(
    app: Caller,
    Json(query): Json<wire::GraphQuery>,
) -> Answered<axum::Json<wire::Graph>> {
    respond(&app, move |app| graph_asked(app, &query)).await
}

fn graph_asked(app: &Caller, query: &wire::GraphQuery) -> Result<wire::Graph> {
    let (valid, believed) = (query.valid_at.as_deref(), query.believed_at.as_deref());
    let (relations, is_around) = (query.relations.as_deref(), query.around.is_some());
    let seen = Seen::of(app, query.workspace.as_deref(), valid, believed, relations, is_around)?;
    let limit = within("limit", query.limit, 200, 1..=10_000)?;
    let depth = within("depth", query.depth, 1, 1..=5)?;
    let mut graph = match &query.around {
        Some(named) => around(&seen, named, depth, limit)?,
        None => whole(&seen, limit)?,
    };
    if query.communities {
        let of = community_of(&seen)?;
        graph.nodes.iter_mut().for_each(|node| node.community = of.get(&node.id).copied());
    }
    Ok(graph)
}

fn around(seen: &Seen<'_>, named: &str, depth: usize, limit: usize) -> Result<wire::Graph> {
    let start = seen.node(named)?;
    let reach =
        Reach { hops_max: u8::try_from(depth).unwrap_or(1), edges_max: limit * 10, ..Reach::default() };
    let found = seen.ask(|graph, view| graph.neighbours(start, &reach, view, &limits(limit)))?;
    let near = found.nodes.iter().map(|near| (near.node, f64::from(near.rank)));
    let nodes =
        std::iter::once((start, 1.0)).chain(near).filter_map(|(node, score)| seen.shown(node, score, None));
    let is_truncated = found.is_truncated || found.nodes.len() == limit;
    Ok(wire::Graph {
        nodes: nodes.collect(),
        edges: found.edges.iter().filter_map(|edge| seen.edge(*edge)).collect(),
        truncated: is_truncated,
    })
}

fn whole(seen: &Seen<'_>, limit: usize) -> Result<wire::Graph> {
    let found = seen.ask(|graph, view| graph.overview(limit * 10, view, &limits(limit)))?;
    Ok(wire::Graph {
        nodes: found.nodes.iter().filter_map(|one| seen.shown(one.node, one.score, None)).collect(),
        edges: found.edges.iter().filter_map(|edge| seen.edge(*edge)).collect(),
        truncated: found.nodes.len() < found.node_count || found.edges.len() < found.edge_count,
    })
}

/// The shortest chain of facts between two entities.
#[utoipa::path(get, path = "/v1/memory/graph/path", tag = "memory", params(wire::PathQuery),
    responses((status = 200, body = wire::PathFound), (status = "default", body = Problem)))]
pub async fn path(
    app: Caller,
    Parameters(query): Parameters<wire::PathQuery>,
) -> Answered<axum::Json<wire::PathFound>> {
    respond(&app, move |app| path_asked(app, &query)).await
}

/// The same, with its names in no address.
#[utoipa::path(post, path = "/v1/memory/graph/path/find", tag = "memory", request_body = wire::PathQuery,
    responses((status = 200, body = wire::PathFound), (status = "default", body = Problem)))]
pub async fn path_found(
    app: Caller,
    Json(query): Json<wire::PathQuery>,
) -> Answered<axum::Json<wire::PathFound>> {
    respond(&app, move |app| path_asked(app, &query)).await
}

fn path_asked(app: &Caller, query: &wire::PathQuery) -> Result<wire::PathFound> {
    let (valid, believed) = (query.valid_at.as_deref(), query.believed_at.as_deref());
    let seen = Seen::of(app, query.workspace.as_deref(), valid, believed, query.relations.as_deref(), true)?;
    let (from, to) = (seen.node(&query.from)?, seen.node(&query.to)?);
    let hops = within("hops", query.hops, 6, 1..=10)?;
    let way = match &query.pattern {
        Some(pattern) => typed(&seen, from, to, pattern, hops)?,
        None => {
            let shortest = |graph: &Graph, view: &View<'_>| {
                graph.shortest_path(from, to, view, Direction::Both, hops, &limits(1))
            };
            seen.ask(shortest)?.path.unwrap_or_default()
        }
    };
    Ok(wire::PathFound {
        nodes: way.nodes.iter().filter_map(|node| seen.shown(*node, 0.0, None)).collect(),
        facts: way.edges.iter().map(|edge| seen.fact(*edge)).collect::<Result<_>>()?,
    })
}

/// The first chain that looks like the pattern. Error: `graph_pattern_invalid`.
fn typed(seen: &Seen<'_>, from: NodeId, to: NodeId, pattern: &str, hops: usize) -> Result<ibid_graph::Path> {
    let relation = |name: &str| {
        let name = ibid_types::memory::relation::read(name).ok()?;
        seen.web.relation(&name)
    };
    let pattern = Pattern::parse(pattern, relation)?;
    let hops = u8::try_from(hops).unwrap_or(u8::MAX);
    let found = seen.ask(|graph, view| graph.paths(from, to, &pattern, view, hops, &limits(1)))?;
    Ok(found.paths.into_iter().next().unwrap_or_default())
}

/// The community of each entity in the whole graph, the largest being 0.
fn community_of(seen: &Seen<'_>) -> Result<HashMap<String, u32>> {
    seen.ask(|graph, view| {
        let plane = graph.plane(view, Direction::Both, &limits(COMMUNITIES_MAX))?;
        let found = plane.communities(&Detection::default(), &limits(COMMUNITIES_MAX))?;
        let named = plane.nodes().iter().zip(&found.members);
        let of = |(node, number): (&NodeId, &u32)| Some((seen.web.entity(*node)?.id.to_string(), *number));
        Ok(named.filter_map(of).collect())
    })
}

/// The entities that most hangs on.
#[utoipa::path(get, path = "/v1/memory/graph/central", tag = "memory", params(wire::CentralityQuery),
    responses((status = 200, body = wire::Central), (status = "default", body = Problem)))]
pub async fn central(
    app: Caller,
    Parameters(query): Parameters<wire::CentralityQuery>,
) -> Answered<axum::Json<wire::Central>> {
    respond(&app, move |app| {
        let (valid, believed) = (query.valid_at.as_deref(), query.believed_at.as_deref());
        let seen = Seen::of(app, query.workspace.as_deref(), valid, believed, None, false)?;
        let limit = within("limit", query.limit, 20, 1..=500)?;
        let by = query.by.as_deref().unwrap_or("pagerank");
        let (scored, error_bound) = seen.ask(|graph, view| scores(graph, view, by, limit))?;
        Ok(wire::Central {
            by: by.to_owned(),
            nodes: scored.into_iter().filter_map(|(node, score)| seen.shown(node, score, None)).collect(),
            error_bound,
        })
    })
    .await
}

type Scores = (Vec<(NodeId, f64)>, Option<f64>);

/// Error: `value_unknown`.
fn scores(graph: &Graph, view: &View<'_>, by: &str, limit: usize) -> Result<Scores> {
    match by {
        "degree" => {
            let top = graph.top_degrees(Direction::Both, view, &limits(limit))?;
            Ok((top.into_iter().map(|one| (one.node, one.score)).collect(), None))
        }
        "pagerank" => {
            let plane = graph.plane(view, Direction::Both, &limits(limit))?;
            let ranks = plane.pagerank(&[], &Walk::default(), &limits(limit))?;
            Ok((best(plane.nodes(), &ranks.scores, limit), None))
        }
        "betweenness" => {
            let plane = graph.plane(view, Direction::Both, &limits(limit))?;
            let found = plane.betweenness(&Sampling::default(), &limits(limit))?;
            let bound = (!found.is_exact).then_some(found.error_bound);
            Ok((best(plane.nodes(), &found.scores, limit), bound))
        }
        _ => {
            let what = format!("centrality is not by '{by}'; use degree, pagerank or betweenness");
            Err(Error::bad_request("value_unknown", what))
        }
    }
}

fn best(nodes: &[NodeId], scores: &[f64], limit: usize) -> Vec<(NodeId, f64)> {
    let mut all: Vec<(NodeId, f64)> = nodes.iter().copied().zip(scores.iter().copied()).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(limit);
    all
}

/// Groups of entities that have more to do with each other than with the rest, the largest first.
#[utoipa::path(get, path = "/v1/memory/graph/communities", tag = "memory", params(wire::CommunitiesQuery),
    responses((status = 200, body = wire::CommunitiesFound), (status = "default", body = Problem)))]
pub async fn communities(
    app: Caller,
    Parameters(query): Parameters<wire::CommunitiesQuery>,
) -> Answered<axum::Json<wire::CommunitiesFound>> {
    respond(&app, move |app| {
        let (valid, believed) = (query.valid_at.as_deref(), query.believed_at.as_deref());
        let seen = Seen::of(app, query.workspace.as_deref(), valid, believed, None, false)?;
        let limit = within("limit", query.limit, COMMUNITIES_MAX, 1..=500)?;
        seen.ask(|graph, view| {
            let plane = graph.plane(view, Direction::Both, &limits(limit))?;
            let found = plane.communities(&Detection::default(), &limits(limit))?;
            let ranks = plane.pagerank(&[], &Walk::default(), &limits(limit))?;
            let mut members: Vec<Vec<(NodeId, f64)>> = vec![Vec::new(); found.sizes.len().min(limit)];
            for ((node, community), score) in plane.nodes().iter().zip(&found.members).zip(&ranks.scores) {
                if let Some(members) = members.get_mut(*community as usize) {
                    members.push((*node, *score));
                }
            }
            let community = |(number, mut members): (usize, Vec<(NodeId, f64)>)| {
                members.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                members.truncate(MEMBERS_MAX);
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let nodes =
                    members.into_iter().filter_map(|(node, score)| seen.shown(node, score, Some(number)));
                wire::Community { number, size: found.sizes[number as usize], nodes: nodes.collect() }
            };
            Ok(wire::CommunitiesFound {
                communities: members.into_iter().enumerate().map(community).collect(),
                modularity: found.modularity,
            })
        })
    })
    .await
}
