//! Memory on the wire: what was told, what is known of it and since when, and its being forgotten.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words::{
    Centrality, Consent, EntityKind, EpisodeKind, ExportFormat, Id, ImportOrigin, MemoryKind, Moment,
    RecallKind, Sensitivity,
};

/// A text to be remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EpisodeRequest {
    #[schema(pattern = r"\S")]
    pub text: String,
    /// `note` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EpisodeKind>)]
    pub kind: Option<String>,
    /// Who says it: "I" means them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// To whom: "you" means them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addressee: Option<String>,
    /// When it was said; now without it. "Last Friday" is counted from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub at: Option<String>,
    /// The IANA name of the zone in which days are meant; UTC without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Where it came from: a file, an address, a thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the sender calls it: sent twice under one name, it is kept once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The conversation that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Id>)]
    pub series: Option<String>,
    /// Its place there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub ordinal: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sensitivity>)]
    pub sensitivity: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RememberRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[schema(min_items = 1)]
    pub episodes: Vec<EpisodeRequest>,
    /// For everybody who reads in the workspace, and not only for whoever tells it.
    pub shared: bool,
    /// Waits until they are read, and tells what was found in them.
    pub wait: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Remembered {
    /// Their ids, in order.
    pub episodes: Vec<String>,
    /// The job that reads them; none where all were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What was found in them, where the request waited for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Episode {
    pub id: String,
    pub kind: String,
    pub shared: bool,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// When it was said.
    pub at: String,
    /// The zone in which its days are meant; UTC without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    pub recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// 0 to 1; none until it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EpisodesQuery {
    pub workspace: Option<String>,
    #[param(inline, value_type = Option<EpisodeKind>)]
    pub kind: Option<String>,
    /// Said at or after.
    pub from: Option<String>,
    /// Said before.
    pub to: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// The last said first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EpisodesPage {
    pub episodes: Vec<Episode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody or something, as a fact names it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EntityNamed {
    pub id: String,
    pub name: String,
    pub kind: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Entity {
    pub id: String,
    pub name: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    pub shared: bool,
    /// Facts that are about it now.
    pub facts: u64,
    pub created_at: String,
}

/// Parameters of `GET /v1/memory/entities`, and the body of `POST /v1/memory/entities/find`, since names of people belong into no address.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntitiesQuery {
    pub workspace: Option<String>,
    /// Part of a name.
    pub text: Option<String>,
    #[param(inline, value_type = Option<EntityKind>)]
    #[schema(value_type = Option<EntityKind>)]
    pub kind: Option<String>,
    #[param(minimum = 1, maximum = 1000)]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EntitiesPage {
    pub entities: Vec<Entity>,
    /// All that match.
    pub total: u64,
}

/// What an entity is to be called.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EntityChange {
    pub workspace: Option<String>,
    pub name: Option<String>,
    #[schema(value_type = Option<EntityKind>)]
    pub kind: Option<String>,
    pub aliases: Option<Vec<String>>,
}

/// The words that say a fact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FactSource {
    pub episode: String,
    /// UTF-8 bytes of the episode's text.
    pub start: usize,
    pub end: usize,
    pub quote: String,
    pub at: String,
    /// The zone in which its days are meant; UTC without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// One state of a fact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    pub id: String,
    pub kind: String,
    pub subject: EntityNamed,
    /// `DEPENDS_ON`, `WORK_AT`, ...
    pub relation: String,
    /// Where the object is an entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<EntityNamed>,
    /// Where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_text: Option<String>,
    pub statement: String,
    #[serde(default)]
    pub negated: bool,
    /// From when on it holds in the world; none: since before anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// When it ceased to hold; none: it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// From when on this was believed.
    pub recorded_at: String,
    /// When it ceased to be believed; none: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracted_at: Option<String>,
    /// Why this state is there: `recorded`, `merged`, `closed`, `edited`, `overruled`, `imported`.
    pub cause: String,
    /// The fact that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    pub confidence: f32,
    pub importance: f32,
    pub sensitivity: String,
    pub archived: bool,
    pub shared: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<FactSource>,
}

/// Parameters of `GET /v1/memory/facts`, and the body of `POST /v1/memory/facts/find`, since names of people belong into no address.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FactsQuery {
    pub workspace: Option<String>,
    #[param(inline, value_type = Option<MemoryKind>)]
    #[schema(value_type = Option<MemoryKind>)]
    pub kind: Option<String>,
    /// An entity's id or name.
    pub entity: Option<String>,
    /// What holds then in the world.
    #[schema(value_type = Option<Moment>)]
    pub valid_at: Option<String>,
    /// What was believed then.
    #[schema(value_type = Option<Moment>)]
    pub believed_at: Option<String>,
    /// Also what has left recall.
    pub archived: bool,
    #[param(minimum = 1, maximum = 500)]
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// The last recorded first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FactsPage {
    pub facts: Vec<Fact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A fact that somebody states.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RelateRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[schema(pattern = r"\S")]
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EntityKind>)]
    pub subject_kind: Option<String>,
    /// `DEPENDS_ON`, `works at`, ...
    #[schema(pattern = r"^\s*\p{L}")]
    pub relation: String,
    /// The name of an entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EntityKind>)]
    pub object_kind: Option<String>,
    /// What is no entity: a number, a description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_text: Option<String>,
    /// The whole in words; made of the parts without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MemoryKind>)]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub valid_to: Option<String>,
    /// It has one value at a time, so that this ends what held before.
    pub single_valued: bool,
    pub negated: bool,
    /// 0 to 1; 1 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// 0 to 1; 0.5 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sensitivity>)]
    pub sensitivity: Option<String>,
    pub shared: bool,
}

/// None where nothing is told, `Some(None)` where it is told that there is none.
pub type Told<T> = Option<Option<T>>;

fn told<'de, D: Deserializer<'de>>(reader: D) -> Result<Told<String>, D::Error> {
    Option::<String>::deserialize(reader).map(Some)
}

/// What of a fact is to be otherwise; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FactChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The name of an entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MemoryKind>)]
    pub kind: Option<String>,
    /// `null`: since before anybody knows.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    #[schema(value_type = Option<Moment>)]
    pub valid_from: Told<String>,
    /// `null`: it holds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    #[schema(value_type = Option<Moment>)]
    pub valid_to: Told<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sensitivity>)]
    pub sensitivity: Option<String>,
    /// Out of recall, or back into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Taken back as a mistake: what it had ended goes on.
    pub retracted: bool,
    /// Decided for: of all that contradict it, it counts for most.
    pub overruling: bool,
}

/// A fact with every state that was believed of it, the first recorded first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FactHistory {
    pub states: Vec<Fact>,
}

/// A fact that another has ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The one that was ended.
    pub fact: Fact,
    /// The one that ended it; none where it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Fact>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Conflicts {
    pub conflicts: Vec<Conflict>,
}

/// About whom or what.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimelineRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// An entity's id or name.
    #[schema(pattern = r"\S")]
    pub entity: String,
}

/// Of a workspace's memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemoryPlace {
    pub workspace: Option<String>,
}

/// What changed between two instants.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    pub workspace: Option<String>,
    pub from: String,
    /// Now without it.
    pub to: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// States that came to be believed.
    pub recorded: Vec<Fact>,
    /// States that ceased to be believed.
    pub retracted: Vec<Fact>,
    /// What began in the world.
    pub began: Vec<Fact>,
    /// What ended in the world.
    pub ended: Vec<Fact>,
}

/// What is to be forgotten: one of these.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ForgetRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Id>)]
    pub fact: Option<String>,
    /// An entity's id or name, with all that is known of it and every sentence that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Id>)]
    pub episode: Option<String>,
    /// A repository by its source or name, with the messages of its commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was said at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub from: Option<String>,
    /// What was said before; now without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub to: Option<String>,
    pub everything: bool,
    /// Of what everybody in the workspace shares.
    pub shared: bool,
    /// Of somebody else: `user:ID` or `key:ID`. For administrators, and with `everything` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// What was forgotten, without what it said.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub id: String,
    pub at: String,
    /// As it was signed.
    pub receipt: serde_json::Value,
    /// A JSON Web Signature of it (RFC 7515, compact), with the public key in its head.
    pub signature: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    pub receipts: Vec<Receipt>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// `off`: nothing is remembered; `asked`: what is asked for; `on`: conversations as well.
    #[schema(value_type = Consent)]
    pub consent: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConsentState {
    pub consent: String,
    /// None where they never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
}

/// What somebody's memory holds, with what is shared.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MemoryStats {
    pub episodes: u64,
    pub entities: u64,
    /// That are believed now.
    pub facts: u64,
    pub conflicts: u64,
    pub consent: String,
}

/// A question to memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecallRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[schema(pattern = r"\S")]
    pub query: String,
    /// `episode`, `fact`, `entity`; all without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<RecallKind>)]
    pub kinds: Vec<String>,
    /// What holds then in the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub valid_at: Option<String>,
    /// What was believed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub believed_at: Option<String>,
    /// What was said, or held, at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub from: Option<String>,
    /// What was said, or held, before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub to: Option<String>,
    /// What has to do with this entity, by its id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// What this person said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// 1 to 100; 10 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<usize>,
    /// Why each hit is there.
    pub explain: bool,
}

/// Something that was recalled: one of the three is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecallHit {
    /// `episode`, `fact` or `entity`.
    pub kind: String,
    pub score: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<Episode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<Fact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// The parts of the score, where the request asks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<RecallPart>,
}

/// A part of a hit's score: value times weight.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecallPart {
    /// `words`, `meaning`, `words_around`, `meaning_around`, `person`, `links`.
    pub part: String,
    pub value: f32,
    pub weight: f32,
}

/// Best first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecallResponse {
    pub hits: Vec<RecallHit>,
    /// Symbols of repositories that the question names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<crate::code::CodeNamed>,
    /// How likely what was recalled answers the question, 0 to 1.
    pub answerable: f32,
    pub took_ms: f64,
}

/// Facts between entities, as a graph.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
    /// There is more than could be shown.
    pub truncated: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GraphNode {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// What it was found by: nearness, PageRank, centrality; 0 where nothing was.
    pub score: f64,
    /// Its community, where these were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GraphEdge {
    /// The fact's.
    pub id: String,
    pub from: String,
    pub to: String,
    pub relation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    pub importance: f32,
}

/// What of the graph, and as of when.
///
/// Parameters of `GET /v1/memory/graph`, and the body of `POST /v1/memory/graph/find`, since names of people belong into no address.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GraphQuery {
    pub workspace: Option<String>,
    /// What is around this entity (id or name); the whole graph, the most important first, without it.
    pub around: Option<String>,
    /// How far, 1 to 5; 1 without it.
    #[param(minimum = 1, maximum = 5)]
    #[schema(minimum = 1, maximum = 5)]
    pub depth: Option<usize>,
    /// Only these relations, separated by commas.
    pub relations: Option<String>,
    #[schema(value_type = Option<Moment>)]
    pub valid_at: Option<String>,
    #[schema(value_type = Option<Moment>)]
    pub believed_at: Option<String>,
    /// Nodes shown, 1 to 10000; 200 without it.
    #[param(minimum = 1, maximum = 10_000)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub limit: Option<usize>,
    /// Also the community of each node, which is looked for in the whole graph.
    pub communities: bool,
}

/// Parameters of `GET /v1/memory/graph/path`, and the body of `POST /v1/memory/graph/path/find`, since names of people belong into no address.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PathQuery {
    pub workspace: Option<String>,
    /// An entity's id or name.
    pub from: String,
    pub to: String,
    /// Only these relations, separated by commas.
    pub relations: Option<String>,
    /// What the chain looks like, in its order, instead of `relations`: `DEPENDS_ON* PART_OF`, `<PART_OF` against its direction, `~KNOWS`
    /// either way, `A|B` one of them, `_` any, and `?`, `*`, `+` or `{1,3}` for how often.
    pub pattern: Option<String>,
    #[schema(value_type = Option<Moment>)]
    pub valid_at: Option<String>,
    #[schema(value_type = Option<Moment>)]
    pub believed_at: Option<String>,
    /// 1 to 10; 6 without it.
    #[param(minimum = 1, maximum = 10)]
    #[schema(minimum = 1, maximum = 10)]
    pub hops: Option<usize>,
}

/// The shortest chain of facts between two entities; no nodes where there is none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PathFound {
    pub nodes: Vec<GraphNode>,
    pub facts: Vec<Fact>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CentralityQuery {
    pub workspace: Option<String>,
    #[param(inline, value_type = Option<Centrality>)]
    pub by: Option<String>,
    pub valid_at: Option<String>,
    pub believed_at: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

/// As of when, and how many communities.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CommunitiesQuery {
    pub workspace: Option<String>,
    pub valid_at: Option<String>,
    pub believed_at: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

/// The most central first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Central {
    pub by: String,
    pub nodes: Vec<GraphNode>,
    /// How far a sampled figure may be off; none where it is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_bound: Option<f64>,
}

/// A group of entities that have more to do with each other than with the rest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Community {
    pub number: u32,
    pub size: usize,
    /// The most central of it.
    pub nodes: Vec<GraphNode>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommunitiesFound {
    pub communities: Vec<Community>,
    /// How much better they part the graph than chance would, at most 1.
    pub modularity: f64,
}

/// In which form memories are written out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    pub workspace: Option<String>,
    #[param(inline, value_type = Option<ExportFormat>)]
    pub format: Option<String>,
}

/// Memories of another program.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// What wrote them; found out without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ImportOrigin>)]
    pub from: Option<String>,
    /// A file of it: JSON, or a line of JSON for each.
    pub data: String,
    pub shared: bool,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// What wrote it.
    pub from: String,
    pub episodes: usize,
    pub facts: usize,
    /// Facts that were known already.
    pub merged: usize,
    pub rejected: Vec<Rejected>,
}

/// Something that was not taken.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Rejected {
    /// Its place in what was sent, from 0.
    pub index: usize,
    pub code: String,
    pub reason: String,
}

/// Something that happened in an editor or another program.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryEvent {
    /// What happened, in one word: `open`, `edit`, `save`, `commit`, `test_failed`, ...
    #[schema(pattern = r"^[a-z][a-z0-9_.-]{0,63}$")]
    pub kind: String,
    /// When; now without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub at: Option<String>,
    /// What the sender calls it: sent twice under one name, it is kept once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where: a path or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What was said about it: a message, a comment, an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who did it: "I" in its text means them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Each a `MemoryEvent`, and looked at by itself: what is none is rejected, and all others are taken.
    #[schema(min_items = 1)]
    pub events: Vec<serde_json::Value>,
    /// The IANA name of the zone in which their words for days are meant; UTC without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What became of events. Those that say something are read behind this.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventsTaken {
    /// Kept, or kept already under their names.
    pub taken: u64,
    /// Of these, will be read for what they say.
    pub to_read: u64,
    pub rejected: Vec<EventRejected>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventRejected {
    /// Its place in the request, from 0.
    pub index: usize,
    /// A stable code, as errors have it.
    pub code: String,
    pub reason: String,
}
