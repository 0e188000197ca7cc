//! The six tools: what a model reads of each, and what each asks of the API.
//!
//! Keeps true: their definitions together stay below 1,500 tokens, because every conversation carries them; what went wrong is told to
//! the model with its code and what to do.

use std::sync::Arc;

use ibid_api::answer::{Answer, AskRequest};
use ibid_api::memory as wire;
use ibid_api::search::{Filter, SearchRequest, SearchResponse};
use ibid_types::{Error, Result};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::api::post;
use super::arguments::{Ask, Forget, Recall, Relate, Remember, SearchDocuments, read};
use super::{Api, Handler, told};

/// Hits that a model reads, where it asks for no number.
const HITS: usize = 8;

/// The definitions.
pub fn all() -> Vec<Tool> {
    vec![
        tool("remember", REMEMBER, remember_schema(), adding()),
        tool("recall", RECALL, recall_schema(), reading()),
        tool("relate", RELATE, relate_schema(), adding().idempotent(true)),
        tool(
            "forget",
            FORGET,
            forget_schema(),
            ToolAnnotations::new().read_only(false).destructive(true).idempotent(true),
        ),
        tool("search_documents", SEARCH, search_schema(), reading()),
        tool("ask", ASK, ask_schema(), reading()),
    ]
}

const REMEMBER: &str = "Keeps a text in memory and tells the facts found in it. For decisions, preferences, corrections, reasons; not for secrets.";
const RECALL: &str = "Finds what is remembered: facts, what was said, who and what is known, with dates and sources; who calls a symbol named in it. Call it before \
                      you answer about people, projects or decisions.";
const RELATE: &str = "States one fact: subject, relation, object. Stating it again changes nothing.";
const FORGET: &str = "Deletes for good: one fact, episode or entity by its id, or all that was said in a time. Only when the person asks.";
const SEARCH: &str = "Finds passages of the documents, with title, page and address to read on at.";
const ASK: &str = "Answers a question from the documents, each claim with its source; says so where they do not hold the answer.";

fn tool(name: &'static str, description: &'static str, schema: Value, annotations: ToolAnnotations) -> Tool {
    let schema = match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    };
    // Nothing outside of Ibid is reached by any of them.
    Tool::new(name, description, Arc::new(schema)).with_annotations(annotations.open_world(false))
}

fn adding() -> ToolAnnotations {
    ToolAnnotations::new().read_only(false).destructive(false)
}

fn reading() -> ToolAnnotations {
    ToolAnnotations::new().read_only(true)
}

fn object(properties: Value, required: &[&str]) -> Value {
    // Bounds, and that other names are refused, are told when they matter: the words would be paid for in every conversation.
    json!({ "type": "object", "properties": properties, "required": required })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn shared() -> Value {
    json!({ "type": "boolean", "description": "Of the whole workspace, not of your own memory" })
}

fn count() -> Value {
    json!({ "type": "integer" })
}

fn remember_schema() -> Value {
    object(
        json!({
            "text": text("Whole sentences that name who, what and why"),
            "at": text("When it was said: date or RFC 3339; now without it"),
            "speaker": text("Who says it: who 'I' is"),
            "source": text("File, commit or address it is from"),
            "shared": shared(),
        }),
        &["text"],
    )
}

fn recall_schema() -> Value {
    object(
        json!({
            "query": text("Question or words"),
            "entity": text("Only about this name or id"),
            "valid_at": text("What held on this date"),
            "believed_at": text("What was believed on this date"),
            "from": text("Said or held from this date on"),
            "to": text("Said or held before this date"),
            "limit": count(),
        }),
        &["query"],
    )
}

fn relate_schema() -> Value {
    object(
        json!({
            "subject": text("Name"),
            "relation": text("DEPENDS_ON, PART_OF, SUPERSEDES, or a verb such as 'works at'"),
            "object": text("Name of somebody or something"),
            "value": text("In place of object: a number, a description"),
            "valid_from": text("Date"),
            "valid_to": text("Date"),
            "replaces": json!({ "type": "boolean", "description": "Only one value at a time: ends the one before" }),
            "shared": shared(),
        }),
        &["subject", "relation"],
    )
}

fn forget_schema() -> Value {
    object(
        json!({
            "fact": text("Id"),
            "episode": text("Id"),
            "entity": text("Id or name, with all about it"),
            "from": text("Date"),
            "to": text("Date"),
            "shared": shared(),
        }),
        &[],
    )
}

fn search_schema() -> Value {
    object(
        json!({
            "query": text("Question or words"),
            "limit": count(),
            "path": text("Only sources that begin so"),
        }),
        &["query"],
    )
}

fn ask_schema() -> Value {
    object(json!({ "question": text("A whole question") }), &["question"])
}

/// What a tool answers: a text that models read well, and for programs what they can go on with.
struct Told {
    text: String,
    structured: Option<Value>,
}

impl Told {
    const fn text(text: String) -> Self {
        Self { text, structured: None }
    }
}

/// Calls a tool. Only one that there is not is an error of the protocol; all else is for the model to read.
pub async fn call<A: Api>(
    handler: &Handler<A>,
    name: &str,
    sent: JsonObject,
) -> std::result::Result<CallToolResult, ErrorData> {
    let answered = match name {
        "remember" => remember(handler, sent).await,
        "recall" => recall(handler, sent).await,
        "relate" => relate(handler, sent).await,
        "forget" => forget(handler, sent).await,
        "search_documents" => search(handler, sent).await,
        "ask" => ask(handler, sent).await,
        _ => {
            let what = format!("there is no tool '{name}'; tools/list names those that there are");
            return Err(ErrorData::invalid_params(what, Some(json!({ "code": "mcp_tool_unknown" }))));
        }
    };
    Ok(match answered {
        Ok(told) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(told.text)]);
            result.structured_content = told.structured;
            result
        }
        Err(error) => failed(&error),
    })
}

fn failed(error: &Error) -> CallToolResult {
    let mut result =
        CallToolResult::error(vec![ContentBlock::text(format!("[{}] {}", error.code, error.message))]);
    result.structured_content =
        Some(json!({ "code": error.code, "class": error.class.name(), "message": error.message }));
    result
}

async fn remember<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: Remember = read("remember", sent)?;
    let episode = wire::EpisodeRequest {
        text: asked.text,
        at: asked.at,
        speaker: asked.speaker,
        source: asked.source,
        ..wire::EpisodeRequest::default()
    };
    let request = wire::RememberRequest {
        workspace: handler.workspace(),
        episodes: vec![episode],
        shared: asked.shared,
        wait: true,
    };
    let done: wire::Remembered = post(handler.api.as_ref(), "/v1/memory/episodes", &request).await?;
    let facts: Vec<Value> =
        done.facts.iter().map(|fact| json!({ "id": fact.id, "statement": fact.statement })).collect();
    let structured = json!({ "episode": done.episodes.first(), "facts": facts });
    Ok(Told { text: told::remembered(&done), structured: Some(structured) })
}

async fn recall<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: Recall = read("recall", sent)?;
    let request = wire::RecallRequest {
        workspace: handler.workspace(),
        query: asked.query,
        entity: asked.entity,
        valid_at: asked.valid_at,
        believed_at: asked.believed_at,
        from: asked.from,
        to: asked.to,
        limit: Some(asked.limit.unwrap_or(HITS)),
        ..wire::RecallRequest::default()
    };
    let found: wire::RecallResponse = post(handler.api.as_ref(), "/v1/memory/recall", &request).await?;
    Ok(Told::text(told::recalled(&found)))
}

async fn relate<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: Relate = read("relate", sent)?;
    let request = wire::RelateRequest {
        workspace: handler.workspace(),
        subject: asked.subject,
        relation: asked.relation,
        object: asked.object,
        object_text: asked.value,
        valid_from: asked.valid_from,
        valid_to: asked.valid_to,
        single_valued: asked.replaces,
        shared: asked.shared,
        ..wire::RelateRequest::default()
    };
    let fact: wire::Fact = post(handler.api.as_ref(), "/v1/memory/facts", &request).await?;
    let structured = json!({ "id": fact.id, "statement": fact.statement });
    Ok(Told { text: format!("Known: {}", told::fact(&fact)), structured: Some(structured) })
}

async fn forget<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: Forget = read("forget", sent)?;
    let request = wire::ForgetRequest {
        workspace: handler.workspace(),
        fact: asked.fact,
        entity: asked.entity,
        episode: asked.episode,
        from: asked.from,
        to: asked.to,
        shared: asked.shared,
        ..wire::ForgetRequest::default()
    };
    let receipt: wire::Receipt = post(handler.api.as_ref(), "/v1/memory/forget", &request).await?;
    let structured = json!({ "receipt": receipt.id, "at": receipt.at });
    Ok(Told { text: told::forgotten(&receipt), structured: Some(structured) })
}

async fn search<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: SearchDocuments = read("search_documents", sent)?;
    let request = SearchRequest {
        query: asked.query,
        workspace: handler.workspace(),
        limit: Some(asked.limit.unwrap_or(HITS)),
        filter: Filter { path_prefix: asked.path, ..Filter::default() },
        ..SearchRequest::default()
    };
    let found: SearchResponse = post(handler.api.as_ref(), "/v1/search", &request).await?;
    Ok(Told::text(told::passages(&found.hits)))
}

async fn ask<A: Api>(handler: &Handler<A>, sent: JsonObject) -> Result<Told> {
    let asked: Ask = read("ask", sent)?;
    let request =
        AskRequest { question: asked.question, workspace: handler.workspace(), ..AskRequest::default() };
    let answer: Answer = post(handler.api.as_ref(), "/v1/ask", &request).await?;
    Ok(Told::text(told::answered(&answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of the vocabularies of today's models stands for more than three bytes of such JSON.
    const BYTES_PER_TOKEN: usize = 3;

    #[test]
    fn the_definitions_are_few_and_short() {
        let definitions = serde_json::to_string(&json!({ "tools": all() })).unwrap();
        let tokens = definitions.len().div_ceil(BYTES_PER_TOKEN);
        assert!(all().len() <= 6 && tokens < 1500, "{tokens} tokens: {definitions}");
    }

    #[test]
    fn each_says_what_it_does_to_what_is_there() {
        for tool in all() {
            let hints = tool.annotations.unwrap();
            let reads = ["recall", "search_documents", "ask"].contains(&&*tool.name);
            assert_eq!(hints.read_only_hint, Some(reads), "{}", tool.name);
            assert_eq!(hints.destructive_hint, (!reads).then(|| tool.name == "forget"), "{}", tool.name);
            assert_eq!(hints.open_world_hint, Some(false), "{}", tool.name);
        }
    }

    #[test]
    fn what_a_schema_names_can_be_sent() {
        for tool in all() {
            let properties = tool.input_schema["properties"].as_object().unwrap();
            let sent: JsonObject = properties
                .iter()
                .map(|(name, schema)| {
                    let value = match schema["type"].as_str() {
                        Some("boolean") => json!(true),
                        Some("integer") => json!(1),
                        _ => json!("x"),
                    };
                    (name.clone(), value)
                })
                .collect();
            let read = match &*tool.name {
                "remember" => read::<Remember>("", sent).map(drop),
                "recall" => read::<Recall>("", sent).map(drop),
                "relate" => read::<Relate>("", sent).map(drop),
                "forget" => read::<Forget>("", sent).map(drop),
                "search_documents" => read::<SearchDocuments>("", sent).map(drop),
                _ => read::<Ask>("", sent).map(drop),
            };
            assert!(read.is_ok(), "{}: {read:?}", tool.name);
        }
    }
}
