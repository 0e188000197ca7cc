//! `/mcp`: streamable HTTP without sessions. Each request shows its credential and is answered for it alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use ibid_types::{Error, Result};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::api::Inside;
use super::{Handler, origin};
use crate::App;
use crate::http::{Failure, request_id};

/// Why a request was refused, in words of the protocol's library; it has no more.
const REASON_BYTES_MAX: usize = 4096;

/// The way in for agents, over the router of the API.
#[derive(Clone, Debug)]
pub struct Door {
    pub app: Arc<App>,
    pub api: Router,
}

impl Door {
    /// Answers one request of the protocol.
    pub async fn answer(self, request: Request) -> Response {
        match self.handler(&request) {
            Ok(handler) => self.pass(handler, request).await,
            Err(error) => {
                self.app.metrics.refused(error.code);
                Failure(error).into_response()
            }
        }
    }

    /// Errors: `host_forbidden`, `origin_forbidden`, `parameter_malformed`.
    fn handler(&self, request: &Request) -> Result<Handler<Inside>> {
        origin::check(&self.app.config, request.uri(), request.headers())?;
        let workspace = workspace(request.uri())?;
        let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0);
        let api = Inside::new(self.api.clone(), request.headers(), address, request_id());
        Ok(Handler::new(api, workspace.as_deref()))
    }

    async fn pass(self, handler: Handler<Inside>, request: Request) -> Response {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            // Names and origins were looked at already.
            .disable_allowed_hosts()
            .with_max_request_body_bytes(self.app.config.server.request_bytes_max);
        let sessions = Arc::new(NeverSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
        let response = service.handle(request).await.map(Body::new);
        let status = response.status();
        let is_json = response.headers().get(header::CONTENT_TYPE).is_some();
        if status.is_success() || is_json { response } else { refused(status, response).await }
    }
}

/// `?workspace=NAME`; the default one without it. Error: `parameter_malformed`.
fn workspace(uri: &Uri) -> Result<Option<String>> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Parameters {
        workspace: Option<String>,
    }
    let read = axum::extract::Query::<Parameters>::try_from_uri(uri);
    read.map(|parameters| parameters.0.workspace).map_err(|rejection| {
        let what =
            format!("a query parameter cannot be read: {}; /mcp takes 'workspace'", rejection.body_text());
        Error::bad_request("parameter_malformed", what)
    })
}

/// What the library refuses without a message of the protocol, in our shape.
async fn refused(status: StatusCode, response: Response) -> Response {
    let told = http_body_util::Limited::new(response.into_body(), REASON_BYTES_MAX).collect().await;
    let told = told.map(|body| body.to_bytes()).unwrap_or_default();
    let what =
        format!("this is no request of the Model Context Protocol: {}", String::from_utf8_lossy(&told));
    let mut failure = Failure(Error::bad_request("mcp_request", what)).into_response();
    *failure.status_mut() = status;
    failure
}
