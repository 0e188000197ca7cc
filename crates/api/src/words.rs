//! The words that fields may hold, as the API's description tells them: what reads a field knows them, and
//! `cli/tests/contract.rs` compares the two.

use serde::Serialize;
use utoipa::ToSchema;

/// How an answer is made.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum AnswerMode {
    Auto,
    Extractive,
    Generative,
}

/// How passages are found.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SearchMode {
    Hybrid,
    Lexical,
    Dense,
}

/// How hard an answer is worked on.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Quality {
    Quick,
    Balanced,
    Thorough,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Editor,
    Reader,
    Operator,
    Auditor,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum DocumentStatus {
    Pending,
    Ready,
    Failed,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RunStatus {
    Running,
    Waiting,
    Undoing,
    Finished,
    Failed,
    Cancelled,
}

/// What costs are listed by.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CostsBy {
    Day,
    Workspace,
    Owner,
    Model,
}

/// A day, or a time of RFC 3339.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Moment {
    Day(Day),
    Time(Time),
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(format = "date")]
pub struct Day(pub String);

#[derive(Debug, Serialize, ToSchema)]
#[schema(format = "date-time")]
pub struct Time(pub String);

/// An id of something that Ibid made.
#[derive(Debug, ToSchema)]
#[schema(format = "uuid")]
pub struct Id(pub String);

/// What a text that is remembered was.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EpisodeKind {
    Turn,
    Note,
    Passage,
    Event,
}

/// What kind of memory a fact is.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum MemoryKind {
    Fact,
    Insight,
    Procedure,
    Concept,
    Preference,
}

/// What an entity is.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EntityKind {
    Person,
    Organisation,
    Place,
    Event,
    Work,
    Product,
    Concept,
    File,
    Symbol,
    Commit,
    Document,
    Other,
}

/// How carefully a memory is to be handled.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Sensitivity {
    Ordinary,
    Personal,
    Sensitive,
}

/// What somebody allows to be remembered of them.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Consent {
    Off,
    Asked,
    On,
}

/// What memory recalls.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RecallKind {
    Episode,
    Fact,
    Entity,
}

/// By what an entity is central.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Centrality {
    Degree,
    Pagerank,
    Betweenness,
}

/// What memories are written out as.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ExportFormat {
    Jsonl,
    Graphml,
    Jsonld,
    Csv,
}

/// What wrote memories that are taken in.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ImportOrigin {
    Ibid,
    Mem0,
    Zep,
    Graphiti,
    Jsonl,
}
