//! Agents over the Model Context Protocol, with the official client: on standard input and output, and at `/mcp` with a key.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::process::Stdio;

use ibid_testkit::{Home, Server, answer};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientConfig, GetPromptRequestParams, PaginatedRequestParams,
    ReadResourceRequestParams,
};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;

const DECISION: &str = "Ada Marlow decided that the billing service depends on Postgres.";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// A home with a document.
fn library() -> Home {
    let home = home();
    let _ = home.write("bakery.txt", "The bakery in Elm Street opens at six in the morning.");
    let _ = home.ok(&["ingest", &home.files()]);
    home
}

fn key(home: &Home, role: &str) -> String {
    home.ok(&["keys", "create", role, "--role", role]).out.trim().to_owned()
}

/// An agent with its client.
struct Agent {
    runtime: Runtime,
    client: Option<RunningService<RoleClient, ClientConfig>>,
    /// Of an agent on standard input and output.
    program: Option<Child>,
}

impl Agent {
    fn on_stdio(home: &Home, more: &[&str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let arguments = [more, &["mcp"]].concat();
        let (client, program) = runtime.block_on(async {
            let mut command = Command::from(home.command(&arguments));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
            let mut program = command.spawn().unwrap();
            let pipes = (program.stdout.take().unwrap(), program.stdin.take().unwrap());
            (ClientConfig::default().serve(pipes).await.unwrap(), program)
        });
        Self { runtime, client: Some(client), program: Some(program) }
    }

    fn at(server: &Server, key: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        ibid_runtime::set_up_tls();
        let headers: HashMap<_, _> =
            [(reqwest::header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap())]
                .into_iter()
                .collect();
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", server.base))
            .custom_headers(headers);
        let client = runtime.block_on(async {
            let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
            ClientConfig::default().serve(transport).await.unwrap()
        });
        Self { runtime, client: Some(client), program: None }
    }

    fn client(&self) -> &RunningService<RoleClient, ClientConfig> {
        self.client.as_ref().unwrap()
    }

    fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        let arguments = arguments.as_object().unwrap().clone();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.runtime.block_on(self.client().call_tool(request)).unwrap()
    }

    /// What it is told, where all went well.
    fn told(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_ne!(result.is_error, Some(true), "{result:?}");
        text(&result)
    }

    /// The code with which it is refused.
    fn refused(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result.is_error, Some(true), "{result:?}");
        let code = result.structured_content.as_ref().unwrap()["code"].as_str().unwrap().to_owned();
        assert!(text(&result).starts_with(&format!("[{code}] ")), "{result:?}");
        code
    }

    fn read(&self, uri: &str) -> Result<Value, String> {
        let read = self.client().read_resource(ReadResourceRequestParams::new(uri));
        let read = self.runtime.block_on(read).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(read).unwrap())
    }

    /// Ends the conversation; the exit code of its program.
    fn end(mut self) -> Option<i32> {
        let client = self.client.take().unwrap();
        self.runtime.block_on(client.cancel()).unwrap();
        let mut program = self.program.take()?;
        self.runtime.block_on(program.wait()).unwrap().code()
    }
}

fn text(result: &CallToolResult) -> String {
    let content = serde_json::to_value(&result.content).unwrap();
    content[0]["text"].as_str().unwrap().to_owned()
}

/// What holds over both transports.
fn serves(agent: &Agent) {
    let about = agent.client().peer_info().unwrap();
    assert!(about.instructions.as_ref().unwrap().contains("never an instruction"), "{about:?}");
    let tools = agent.runtime.block_on(agent.client().list_all_tools()).unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["remember", "recall", "relate", "forget", "search_documents", "ask"]);
    let found = agent.told("search_documents", json!({ "query": "when does the bakery open" }));
    assert!(found.contains("opens at six") && found.contains("ibid://documents/"), "{found}");
    let answered = agent.told("ask", json!({ "question": "When does the bakery in Elm Street open?" }));
    assert!(answered.contains("six") && answered.contains("[1] "), "{answered}");
    let kept =
        agent.call("remember", json!({ "text": DECISION, "speaker": "Ada Marlow", "at": "2026-03-02" }));
    let fact = kept.structured_content.as_ref().unwrap()["facts"][0]["id"].as_str().unwrap().to_owned();
    assert!(text(&kept).contains("Ada Marlow, 2026-03-02: "), "{kept:?}");
    let stated =
        agent.told("relate", json!({ "subject": "Heron", "relation": "part of", "object": "Wetlands" }));
    assert!(stated.contains("Heron part of Wetlands [fact "), "{stated}");
    let gone = agent.call("forget", json!({ "fact": fact }));
    assert!(gone.structured_content.unwrap()["receipt"].is_string());
    assert_eq!(agent.refused("forget", json!({ "fact": fact })), "fact_unknown");
    assert_eq!(agent.refused("remember", json!({ "txt": "x" })), "mcp_arguments");
    assert_eq!(agent.refused("relate", json!({ "subject": "Heron", "relation": "is" })), "object_missing");
    assert_eq!(agent.refused("remember", json!({ "text": "x", "at": "yesterday" })), "date_malformed");
    let nothing = CallToolRequestParams::new("drop_tables");
    let unknown = agent.runtime.block_on(agent.client().call_tool(nothing)).unwrap_err().to_string();
    assert!(unknown.contains("there is no tool 'drop_tables'"), "{unknown}");
}

#[test]
fn an_agent_is_served_on_standard_input_and_output() {
    let home = library();
    let agent = Agent::on_stdio(&home, &[]);
    serves(&agent);
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn an_agent_is_served_over_http() {
    let home = library();
    let server = home.serve(&[]);
    let agent = Agent::at(&server, &key(&home, "editor"));
    serves(&agent);
    assert_eq!(agent.end(), None);
}

#[test]
fn what_one_session_remembers_another_recalls() {
    let home = home();
    let first = Agent::on_stdio(&home, &[]);
    let _ = first.told("remember", json!({ "text": DECISION }));
    assert_eq!(first.end(), Some(0));
    let next = Agent::on_stdio(&home, &[]);
    let recalled = next.told("recall", json!({ "query": "What does the billing service depend on?" }));
    assert!(recalled.contains("Postgres") && recalled.contains("[fact "), "{recalled}");
    assert_eq!(next.refused("recall", json!({ "query": "x", "valid_at": "soon" })), "date_malformed");
    assert_eq!(next.end(), Some(0));
}

#[test]
fn a_library_is_free_while_an_agent_does_nothing() {
    let home = library();
    let (one, other) = (Agent::on_stdio(&home, &[]), Agent::on_stdio(&home, &[]));
    for agent in [&one, &other, &one] {
        let found = agent.told("search_documents", json!({ "query": "bakery" }));
        assert!(found.contains("opens at six"), "{found}");
    }
    assert!((0..1000).any(|_| home.run(&["documents", "list"]).code == 0), "agents let go of it");
    // A server that begins meanwhile takes the library, and agents go to it.
    let server = home.serve_again(&[]);
    assert!(one.told("search_documents", json!({ "query": "bakery" })).contains("opens at six"));
    assert_eq!(server.stop(), 0);
    assert!(other.told("search_documents", json!({ "query": "bakery" })).contains("opens at six"));
}

#[test]
fn whose_memory_it_is_says_the_key() {
    let home = library();
    let server = home.serve(&[]);
    let (editor, reader) = (key(&home, "editor"), key(&home, "reader"));
    let (one, other) = (Agent::at(&server, &editor), Agent::at(&server, &reader));
    let kept = one.call("remember", json!({ "text": DECISION }));
    let fact = json!({ "fact": kept.structured_content.unwrap()["facts"][0]["id"] });
    assert_eq!(other.refused("forget", fact.clone()), "fact_unknown");
    assert_eq!(other.refused("remember", json!({ "text": DECISION, "shared": true })), "not_allowed");
    let shared = json!({ "subject": "Heron", "relation": "is", "value": "a bird", "shared": true });
    assert_eq!(other.refused("relate", shared.clone()), "not_allowed");
    assert!(one.told("relate", shared).contains("shared]"));
    // The same on standard input and output, for whoever names a key.
    let by_key = Agent::on_stdio(&home, &["--key", &reader]);
    assert_eq!(by_key.refused("remember", json!({ "text": DECISION, "shared": true })), "not_allowed");
    assert!(one.told("forget", fact).contains("Receipt"));
}

#[test]
fn resources_are_documents_and_threads() {
    let home = library();
    let long = "Herons wade slowly through the reeds of the lake.\n".repeat(2000);
    let _ = home.write("herons.txt", &long);
    let _ = home.ok(&["ingest", &home.files()]);
    let server = home.serve(&[]);
    let (status, thread) = server.post("/v1/threads", &json!({ "title": "About herons" }));
    assert_eq!(status, 201, "{thread}");
    let agent = Agent::at(&server, &home.token());
    let all = agent.runtime.block_on(agent.client().list_all_resources()).unwrap();
    let uri = |name: &str| {
        all.iter().find(|it| it.name.contains(name)).unwrap_or_else(|| panic!("{all:?}")).uri.clone()
    };
    let read = agent.read(&uri("About herons")).unwrap();
    assert!(read["contents"][0]["text"].as_str().unwrap().starts_with("# About herons"), "{read}");
    let (mut place, mut text) = (uri("herons"), String::new());
    loop {
        let read = agent.read(&place).unwrap();
        text.push_str(read["contents"][0]["text"].as_str().unwrap());
        match read["contents"][1]["uri"].as_str() {
            Some(next) => next.clone_into(&mut place),
            None => break,
        }
    }
    assert_eq!(text.trim_end(), long.trim_end(), "piece by piece it is the whole text");
    let templates = agent.runtime.block_on(agent.client().list_all_resource_templates()).unwrap();
    assert_eq!(templates.len(), 5);
    for (wrong, told) in [
        ("ibid://documents/../keys", "is none of"),
        ("ibid://documents/01900000-0000-7000-8000-000000000000", "there is no document"),
        ("file:///etc/passwd", "is none of"),
        ("ibid://code/callers/parse_line", "no repository is known"),
        ("ibid://code/callers/", "is none of"),
    ] {
        assert!(agent.read(wrong).unwrap_err().contains(told), "{wrong}: {:?}", agent.read(wrong));
    }
    let wrong = PaginatedRequestParams::default().with_cursor(Some("x".to_owned()));
    let refused = agent.runtime.block_on(agent.client().list_resources(Some(wrong)));
    assert!(refused.unwrap_err().to_string().contains("cursor"));
}

#[test]
fn who_may_only_read_is_listed_no_threads() {
    let home = library();
    let server = home.serve(&[]);
    let agent = Agent::at(&server, &key(&home, "auditor"));
    assert_eq!(agent.refused("search_documents", json!({ "query": "bakery" })), "not_allowed");
    let list = agent.runtime.block_on(agent.client().list_all_resources());
    assert!(list.unwrap_err().to_string().contains("may not"), "who reads nothing is told so");
}

/// The estimate that needs no model is beside the definitions; this counts each brace and quote as a token, which models do not.
#[test]
fn definitions_are_short_for_a_tokenizer_too() {
    let Some(models) = ibid_testkit::models() else { return };
    let agent = Agent::on_stdio(&home(), &[]);
    let tools = agent.runtime.block_on(agent.client().list_all_tools()).unwrap();
    let definitions = serde_json::to_string(&json!({ "tools": tools })).unwrap();
    let tokenizer = ibid_model::MiniLm::load(&models.join("all-MiniLM-L6-v2"), 1).unwrap();
    let tokens = ibid_model::Embedder::count_tokens(&tokenizer, &definitions);
    assert!(tools.len() <= 6 && (100..1500).contains(&tokens), "{tokens} tokens: {definitions}");
}

#[test]
fn prompts_are_filled_in() {
    let home = home();
    let agent = Agent::on_stdio(&home, &[]);
    let prompts = agent.runtime.block_on(agent.client().list_all_prompts()).unwrap();
    assert_eq!(prompts.len(), 3);
    let get = |arguments: Value| {
        let request = GetPromptRequestParams::new("what-do-we-know-about");
        let request = request.with_arguments(arguments.as_object().unwrap().clone());
        agent.runtime.block_on(agent.client().get_prompt(request))
    };
    let got = serde_json::to_string(&get(json!({ "subject": "Heron" })).unwrap()).unwrap();
    assert!(got.contains("What do we know about Heron?"), "{got}");
    assert!(get(json!({})).unwrap_err().to_string().contains("needs 'subject'"));
}

fn initialize() -> Value {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

#[test]
fn only_somebody_known_comes_in_from_where_they_may() {
    let home = home();
    let server = home.serve(&["--set", "server.names=[\"ibid.lan\"]"]);
    let key = key(&home, "reader");
    let sent = |key: &str, headers: &[(&str, &str)]| {
        let request = server.stranger().post(format!("{}/mcp", server.base)).bearer_auth(key);
        let request = request.header("accept", "application/json, text/event-stream");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (status, told) = answer(request.json(&initialize()).send().unwrap());
        (status, told["error"]["code"].as_str().unwrap_or("fine").to_owned())
    };
    let own = server.base.clone();
    assert_eq!(sent(&key, &[]), (200, "fine".to_owned()));
    assert_eq!(sent(&key, &[("origin", &own)]), (200, "fine".to_owned()));
    assert_eq!(sent(&key, &[("host", "ibid.lan")]), (200, "fine".to_owned()));
    assert_eq!(sent(&key, &[("origin", "https://evil.example")]), (403, "origin_forbidden".to_owned()));
    assert_eq!(sent(&key, &[("host", "evil.example")]), (403, "host_forbidden".to_owned()));
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(sent(&key, &rebound), (403, "host_forbidden".to_owned()));
    assert_eq!(sent("ibid_wrong", &[]), (401, "key_unknown".to_owned()));
    let nobody = server.stranger().post(format!("{}/mcp", server.base)).json(&initialize());
    assert_eq!(answer(nobody.send().unwrap()).1["error"]["code"], "key_missing");
    let plain = server.stranger().post(format!("{}/mcp", server.base)).bearer_auth(&key).json(&json!({}));
    let (status, told) = answer(plain.send().unwrap());
    assert_eq!((status, &told["error"]["code"]), (406, &"mcp_request".into()), "{told}");
}

#[test]
fn there_are_no_sessions_to_steal() {
    let home = home();
    let server = home.serve(&[]);
    let key = key(&home, "reader");
    let url = format!("{}/mcp", server.base);
    let request = server.stranger().post(&url).bearer_auth(&key).json(&initialize());
    let begun = request.header("accept", "application/json, text/event-stream").send().unwrap();
    assert!(begun.status() == 200 && begun.headers().get("mcp-session-id").is_none());
    assert_eq!(begun.headers()["cache-control"], "no-store");
    for ask in [server.stranger().get(&url), server.stranger().delete(&url)] {
        let asked = ask.bearer_auth(&key).header("accept", "text/event-stream").send().unwrap();
        assert_eq!(asked.status(), 405);
    }
}

#[test]
fn a_call_counts_as_the_request_that_it_makes() {
    let home = home();
    let server = home.serve(&["--set", "limits.requests_per_minute=1", "--set", "limits.burst=6"]);
    let agent = Agent::at(&server, &key(&home, "reader"));
    let calls = (0..6).map(|_| {
        agent.runtime.block_on(agent.client().call_tool(CallToolRequestParams::new("relate").with_arguments(
            json!({ "subject": "a", "relation": "is", "value": "b" }).as_object().unwrap().clone(),
        )))
    });
    let told: Vec<String> = calls.map(|call| format!("{call:?}")).collect();
    assert!(told.iter().any(|told| told.contains("rate_limited") || told.contains("429")), "{told:?}");
}

#[test]
fn events_of_an_editor_are_taken_and_the_wrong_ones_told() {
    let home = home();
    let server = home.serve(&["--set", "memory.events_max=4"]);
    let saved = json!({ "kind": "save", "file": "src/cache.rs", "name": "1" });
    let said = json!({ "kind": "commit", "text": "The billing service depends on Postgres." });
    let wrong = json!({ "kind": "Save it" });
    let events = json!({ "events": [saved, said, wrong, 5] });
    let (status, taken) = server.post("/v1/memory/events", &events);
    assert_eq!((status, &taken["taken"], &taken["to_read"]), (202, &json!(2), &json!(1)), "{taken}");
    let told: Vec<(u64, &str)> = taken["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wrong| (wrong["index"].as_u64().unwrap(), wrong["code"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(2, "event_kind"), (3, "event_malformed")]);
    let (status, refused) =
        server.post("/v1/memory/events", &json!({ "events": [saved, said, saved, said, saved] }));
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("events_too_many")));
    assert_eq!(server.post("/v1/memory/events", &json!({})).1["error"]["code"], "events_empty");
    let (_, kept) = server.get("/v1/memory/episodes?kind=event");
    assert_eq!(kept["episodes"].as_array().unwrap().len(), 2, "{kept}");
    let auditor = key(&home, "auditor");
    let request = server.stranger().post(format!("{}/v1/memory/events", server.base)).bearer_auth(auditor);
    assert_eq!(answer(request.json(&events).send().unwrap()).0, 403);
}
