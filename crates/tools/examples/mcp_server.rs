//! A server of tools for the tests: `mcp_server stdio`, or `mcp_server http ADDRESS`, which prints where it listens.
//! With WORKSHOP_KEY set it asks for that in the header `x-key`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde_json::{Map, Value, json};

/// What calls share, over all sessions.
#[derive(Clone, Debug, Default)]
struct Workshop {
    calls: Arc<AtomicU64>,
    has_grown: Arc<AtomicBool>,
}

impl ServerHandler for Workshop {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        ServerConfig::new(capabilities)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // Two pages, so that clients are seen to turn them.
        let mut result = ListToolsResult::default();
        if page.and_then(|page| page.cursor).is_none() {
            result.tools = vec![
                tool("echo", json!({"text": {"type": "string"}}), &["text"])
                    .annotate(ToolAnnotations::new().read_only(true)),
                tool("add", json!({"a": {"type": "number"}, "b": {"type": "number"}}), &["a", "b"]),
            ];
            result.next_cursor = Some("2".to_owned());
            return Ok(result);
        }
        for name in ["count", "fail", "hang", "die", "grow", "environment", "process"] {
            result.tools.push(tool(name, json!({}), &[]));
        }
        result.tools.push(tool("faulty_schema", json!(5), &[]));
        if self.has_grown.load(Ordering::SeqCst) {
            result.tools.push(tool("extra", json!({}), &[]));
        }
        Ok(result)
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(call.arguments.unwrap_or_default());
        let calls = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let result = match call.name.as_ref() {
            "echo" => said(arguments["text"].as_str().unwrap_or_default()),
            "add" => CallToolResult::structured(
                json!({"sum": arguments["a"].as_f64().unwrap_or(0.0) + arguments["b"].as_f64().unwrap_or(0.0)}),
            ),
            "count" => {
                let key = context.meta.get("ibid/idempotency-key").cloned();
                CallToolResult::structured(json!({"calls": calls, "key": key}))
            }
            "fail" => CallToolResult::error(vec![ContentBlock::text("the hammer is missing")]),
            "hang" => std::future::pending().await,
            "die" => std::process::abort(),
            "grow" => {
                self.has_grown.store(true, Ordering::SeqCst);
                let _ = context.peer.notify_tool_list_changed().await;
                said("grown")
            }
            "extra" => said("extra"),
            "environment" => CallToolResult::structured(json!(std::env::vars().collect::<BTreeMap<_, _>>())),
            "process" => CallToolResult::structured(json!({"id": std::process::id()})),
            other => return Err(ErrorData::invalid_params(format!("there is no tool {other}"), None)),
        };
        Ok(CallToolResponse::Complete(result))
    }
}

fn tool(name: &'static str, properties: Value, required: &[&str]) -> Tool {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), json!(required));
    Tool::new(name, format!("does {name}"), schema)
}

fn said(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    eprintln!("the workshop opens");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio"] => {
            let service = Workshop::default().serve(rmcp::transport::stdio()).await.unwrap();
            let _ = service.waiting().await;
        }
        ["http", address] => serve_http(address).await,
        _ => eprintln!("mcp_server stdio | http ADDRESS"),
    }
}

async fn serve_http(address: &str) {
    let workshop = Workshop::default();
    let make = move || Ok(workshop.clone());
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(make, sessions, StreamableHttpServerConfig::default());
    let router = axum::Router::new().fallback_service(service).layer(from_fn(with_key));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn with_key(request: Request, next: Next) -> Result<axum::response::Response, StatusCode> {
    let wanted = std::env::var("WORKSHOP_KEY").ok();
    let given = request.headers().get("x-key").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    if wanted.is_some() && wanted != given {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(next.run(request).await)
}
