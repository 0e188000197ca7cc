//! One configured server: connected to when needed, again when it has ended, and asked for its tools.
//!
//! Keeps true: one attempt at a time, with growing pauses between attempts that fail; its list of tools is asked for
//! once for each connection and each change that the server tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ibid_types::{Error, Result};
use parking_lot::Mutex;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, PaginatedRequestParams, RequestMetaObject,
};
use rmcp::service::{Peer, ServiceError};
use rmcp::{RmcpError, RoleClient};
use serde_json::{Map, Value};

use super::backoff::Backoff;
use super::bridge::{Bridge, GivenUp};
use super::connection::{Connection, Listener, headers};
use super::offer::{McpTool, failed};
use crate::workers::{cancelled, timed_out};
use crate::{Tool, ToolContext, ToolSource};

/// How long a start with its handshake may take. Programs that are fetched at their first start need long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most pages and tools of one server; the largest of today have some hundred tools.
const PAGES_MAX: usize = 32;
const TOOLS_MAX: usize = 1_000;

/// Where a call says which attempt it belongs to, for servers that do nothing twice.
const IDEMPOTENCY_META: &str = "ibid/idempotency-key";

type Tools = Arc<Vec<Arc<dyn Tool>>>;

#[derive(Debug)]
pub(super) struct McpServer {
    config: ibid_config::McpServer,
    bridge: Arc<Bridge>,
    /// Held while connecting, so that callers wait for one attempt together.
    connecting: tokio::sync::Mutex<()>,
    link: Mutex<Link>,
    is_stale: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Link {
    connection: Option<Connection>,
    tools: Option<Tools>,
    backoff: Backoff,
    is_ended: bool,
}

impl McpServer {
    pub(super) fn new(config: &ibid_config::McpServer, bridge: Arc<Bridge>) -> Result<Arc<Self>> {
        headers(config)?;
        Ok(Arc::new(Self {
            config: config.clone(),
            bridge,
            connecting: tokio::sync::Mutex::new(()),
            link: Mutex::default(),
            is_stale: Arc::default(),
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// Calls one of the server's tools by the server's own name for it.
    pub(super) fn call(
        self: &Arc<Self>,
        tool: &str,
        input: &Value,
        context: &ToolContext,
    ) -> Result<CallToolResult> {
        let params = parameters(tool, input, &context.idempotency_key);
        let server = Arc::clone(self);
        let task = async move { server.perform(params).await };
        self.bridge.run(context.deadline, Some(&context.cancelled), task).unwrap_or_else(|given_up| {
            let name = format!("{}.{tool}", self.config.name);
            Err(match given_up {
                GivenUp::Late => timed_out(&name),
                GivenUp::Cancelled => cancelled(&name),
                GivenUp::Stopped => self.unavailable("it was shut down"),
            })
        })
    }

    /// Begins to end the connection in order.
    pub(super) fn close(&self) -> Receiver<()> {
        let connection = self.end();
        self.bridge.start(async move {
            if let Some(connection) = connection {
                connection.close().await;
            }
        })
    }

    /// Ends the connection, and its program with it, at once.
    pub(super) fn kill(&self) {
        drop(self.end());
    }

    fn end(&self) -> Option<Connection> {
        let mut link = self.link.lock();
        link.is_ended = true;
        // They hold the server, which holds them.
        link.tools = None;
        link.connection.take()
    }

    async fn perform(self: &Arc<Self>, params: CallToolRequestParams) -> Result<CallToolResult> {
        let name = format!("{}.{}", self.config.name, params.name);
        let peer = self.connected().await?;
        let response = peer.call_tool_once(params).await.map_err(|error| self.failure(&name, error))?;
        self.link.lock().backoff.succeeded();
        match response {
            CallToolResponse::Complete(result) => Ok(result),
            _ => Err(failed(&name, "it asks for more than its input, which is not supported")),
        }
    }

    /// The tools as of now; asked for if they are not known or have changed.
    async fn fetch_tools(self: Arc<Self>) -> Result<Tools> {
        let peer = self.connected().await?;
        let has_changed = self.is_stale.swap(false, Ordering::SeqCst);
        let known = self.link.lock().tools.clone();
        if let Some(tools) = known.filter(|_| !has_changed) {
            return Ok(tools);
        }
        let offered = list_tools(&peer).await.map_err(|error| {
            self.is_stale.store(true, Ordering::SeqCst);
            self.failure(&self.config.name, error)
        })?;
        let tools: Tools = Arc::new(offered.into_iter().filter_map(|tool| self.usable(tool)).collect());
        self.link.lock().tools = Some(Arc::clone(&tools));
        Ok(tools)
    }

    /// A tool of which we can check the input; others are left out.
    fn usable(self: &Arc<Self>, offered: rmcp::model::Tool) -> Option<Arc<dyn Tool>> {
        let name = offered.name.clone();
        let timeout = Duration::from_secs(self.config.timeout_seconds);
        match McpTool::new(offered, timeout, Arc::clone(self)) {
            Ok(tool) => Some(Arc::new(tool)),
            Err(error) => {
                tracing::warn!(server = self.config.name, tool = %name, error = error.chain(), "tool left out");
                None
            }
        }
    }

    /// A connection that is open: the one there is, or a new one. A caller that gives up waiting leaves the attempt to
    /// those who come later: a program that is slow to start would otherwise never start.
    async fn connected(self: &Arc<Self>) -> Result<Peer<RoleClient>> {
        let server = Arc::clone(self);
        let attempt = tokio::spawn(async move { server.connect().await });
        attempt.await.unwrap_or_else(|_| Err(self.unavailable("its start failed inside")))
    }

    async fn connect(&self) -> Result<Peer<RoleClient>> {
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(peer) = self.open_peer()? {
            return Ok(peer);
        }
        let listener = Listener { is_stale: Arc::clone(&self.is_stale) };
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, Connection::open(&self.config, listener)).await;
        let outcome = attempt.unwrap_or_else(|_| {
            Err(self
                .unavailable(&format!("it did not shake hands within {} seconds", CONNECT_TIMEOUT.as_secs())))
        });
        let mut link = self.link.lock();
        let connection = match outcome {
            Ok(_) if link.is_ended => return Err(self.unavailable("it was shut down")),
            Ok(connection) => connection,
            Err(error) => {
                link.backoff.failed(Instant::now(), error.chain());
                return Err(error);
            }
        };
        let peer = connection.peer();
        link.connection = Some(connection);
        Ok(peer)
    }

    /// The open connection, or none if a new one may be tried.
    fn open_peer(&self) -> Result<Option<Peer<RoleClient>>> {
        let mut link = self.link.lock();
        if link.is_ended {
            return Err(self.unavailable("it was shut down"));
        }
        if let Some(connection) = link.connection.as_ref().filter(|connection| connection.is_open()) {
            return Ok(Some(connection.peer()));
        }
        if link.connection.is_some() {
            link.lose("it ended");
        }
        match link.backoff.blocked(Instant::now()) {
            None => Ok(None),
            Some((wait, why)) => {
                Err(self.unavailable(&format!("{why}; it is tried again in {} ms", wait.as_millis())))
            }
        }
    }

    /// The class that a caller can act on; a broken connection is dropped.
    fn failure(&self, name: &str, error: ServiceError) -> Error {
        match error {
            ServiceError::McpError(error) => {
                // Perhaps the tool is gone, or takes other input now.
                self.is_stale.store(true, Ordering::SeqCst);
                failed(name, &error.message)
            }
            ServiceError::Timeout { .. } => timed_out(name),
            ServiceError::TransportSend(_)
            | ServiceError::TransportClosed
            | ServiceError::Cancelled { .. } => {
                self.link.lock().lose("the connection broke");
                self.unavailable("the connection broke").caused_by(RmcpError::from(error))
            }
            other => failed(name, &other.to_string()),
        }
    }

    fn unavailable(&self, why: &str) -> Error {
        Error::unavailable(
            "mcp_unavailable",
            format!("MCP server '{}' cannot be used: {why}", self.config.name),
        )
    }
}

impl Link {
    /// What the connection offered is asked for anew after the next.
    fn lose(&mut self, why: &str) {
        self.connection = None;
        self.tools = None;
        self.backoff.failed(Instant::now(), why.to_owned());
    }
}

impl ToolSource for Arc<McpServer> {
    fn name(&self) -> &str {
        McpServer::name(self)
    }

    fn tools(&self, timeout: Duration) -> Result<Vec<Arc<dyn Tool>>> {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + CONNECT_TIMEOUT);
        match self.bridge.run(deadline, None, Arc::clone(self).fetch_tools()) {
            Ok(tools) => tools.map(|tools| tools.to_vec()),
            Err(GivenUp::Stopped) => Err(self.unavailable("it was shut down")),
            Err(_) => Err(self.unavailable("it did not say in time which tools it has")),
        }
    }
}

fn parameters(tool: &str, input: &Value, idempotency_key: &str) -> CallToolRequestParams {
    let mut meta = Map::new();
    meta.insert(IDEMPOTENCY_META.to_owned(), Value::from(idempotency_key));
    let arguments = input.as_object().cloned().unwrap_or_default();
    let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    params.meta = Some(RequestMetaObject::from(meta));
    params
}

async fn list_tools(peer: &Peer<RoleClient>) -> std::result::Result<Vec<rmcp::model::Tool>, ServiceError> {
    let mut tools = Vec::new();
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let result = peer.list_tools(page).await?;
        tools.extend(result.tools);
        if result.next_cursor.is_none() || tools.len() >= TOOLS_MAX {
            break;
        }
        page = Some(PaginatedRequestParams::default().with_cursor(result.next_cursor));
    }
    tools.truncate(TOOLS_MAX);
    Ok(tools)
}
