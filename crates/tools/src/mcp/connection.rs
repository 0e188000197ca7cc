//! One connection to a server: the handshake, and what ends it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use ibid_config::McpServer;
use ibid_types::{Error, Result};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{NotificationContext, Peer, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient, ServiceExt};

use super::child::Program;

/// How long a server may take to accept a connection.
const TCP_TIMEOUT: Duration = Duration::from_secs(10);

/// Hears what the server says unasked.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    /// Set when the server's list of tools has changed.
    pub(super) is_stale: Arc<AtomicBool>,
}

impl ClientHandler for Listener {
    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.is_stale.store(true, Ordering::SeqCst);
    }

    fn get_info(&self) -> ClientConfig {
        let ibid = Implementation::new("ibid", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), ibid)
    }
}

/// A connection that has shaken hands. Dropping it ends it, and its program if it has one.
#[derive(Debug)]
pub(super) struct Connection {
    service: RunningService<RoleClient, Listener>,
    program: Option<Program>,
}

impl Connection {
    /// Starts the program, or connects to the address.
    pub(super) async fn open(config: &McpServer, listener: Listener) -> Result<Self> {
        if config.command.is_empty() {
            let service =
                listener.serve(web_transport(config)?).await.map_err(|error| broken(config, error))?;
            return Ok(Self { service, program: None });
        }
        let (program, output, input) = Program::start(config)?;
        let service = listener.serve((output, input)).await.map_err(|error| broken(config, error))?;
        Ok(Self { service, program: Some(program) })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.service.is_closed() && !self.service.peer().is_transport_closed()
    }

    pub(super) fn peer(&self) -> Peer<RoleClient> {
        self.service.peer().clone()
    }

    /// Says goodbye, and waits until the program has ended; who drops this future kills it.
    pub(super) async fn close(mut self) {
        let _ = self.service.close().await;
        if let Some(program) = &mut self.program {
            program.ended().await;
        }
    }
}

/// The configured headers as HTTP has them; values stay out of logs.
pub(super) fn headers(config: &McpServer) -> Result<HashMap<HeaderName, HeaderValue>> {
    let mut headers = HashMap::new();
    for (name, value) in &config.headers {
        let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.reveal()))
        else {
            return Err(Error::bad_request(
                "mcp_header_invalid",
                format!("the header '{name}' of MCP server '{}' is not one that HTTP allows", config.name),
            ));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn web_transport(config: &McpServer) -> Result<StreamableHttpClientTransport<reqwest::Client>> {
    ibid_runtime::set_up_tls();
    // Headers may be keys, and a redirect would carry them to where it leads.
    let client = reqwest::Client::builder()
        .connect_timeout(TCP_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| broken(config, error))?;
    let transport =
        StreamableHttpClientTransportConfig::with_uri(config.url.as_str()).custom_headers(headers(config)?);
    Ok(StreamableHttpClientTransport::with_client(client, transport))
}

fn broken(config: &McpServer, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let place = if config.command.is_empty() { &config.url } else { &config.command };
    Error::unavailable(
        "mcp_unavailable",
        format!("MCP server '{}' ({place}) does not answer as one; see that it runs", config.name),
    )
    .caused_by(error)
}
