//! Requests over HTTP, on a whole server without a network: methods, paths, queries, headers, cookies, keys, JSON, uploads.
//!
//! The bytes are a head and a body: `METHOD TARGET`, then `name: value` lines, an empty line, the body.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use ibid_config::Layers;
use ibid_serve::{App, MATRIX, Mode};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::text;

/// Longer ones hang.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

struct Server {
    router: Router,
    token: String,
    runtime: Runtime,
    _app: Arc<App>,
    _folder: tempfile::TempDir,
}

/// One for the process.
fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| open().ok()).as_ref()
}

fn open() -> Result<Server, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut layers = Layers::defaults()?;
    layers.flag(&format!("data.dir={}", folder.path().display()));
    layers.flag("chat.ollama_detect=false");
    layers.flag("limits.requests_per_minute=0");
    layers.flag("limits.strangers_per_minute=0");
    let (config, _) = layers.finish()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build()?;
    let inside = runtime.enter();
    let app = App::open(config, Mode::Command)?;
    let (router, token) = (ibid_serve::router(&app), app.local_token().reveal().to_owned());
    drop(inside);
    Ok(Server { router, token, runtime, _app: app, _folder: folder })
}

pub fn http(bytes: &[u8]) -> Result<(), String> {
    let Some(server) = server() else { return Err("a server opens".to_owned()) };
    let Some(request) = request(bytes, &server.token) else { return Ok(()) };
    let line = format!("{} {}", request.method(), request.uri());
    let answering =
        async { tokio::time::timeout(ANSWERED_WITHIN, server.router.clone().oneshot(request)).await };
    match server.runtime.block_on(answering) {
        Err(_) => Err(format!("{line}: no answer within {ANSWERED_WITHIN:?}")),
        Ok(Ok(response)) if response.status().as_u16() == 500 => Err(format!("{line}: 500")),
        Ok(_) => Ok(()),
    }
}

/// What a client could send; nothing where the bytes are no request.
fn request(bytes: &[u8], token: &str) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (text(&bytes[..end]), bytes.get(end + 2..).unwrap_or_default().to_vec());
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    let mut is_somebody = false;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")).take(64) {
        is_somebody |= ["authorization", "cookie"].contains(&name);
        request = request.header(name, value);
    }
    if !is_somebody {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::from(body)).ok()
}

/// One request for each endpoint, and some that hold more.
pub fn seeds() -> Vec<Vec<u8>> {
    let id = "01900000-0000-7000-8000-000000000000";
    let plain = MATRIX.iter().map(|(method, route, _)| {
        let path =
            route.replace("{id}", id).replace("{name}", "a").replace("{number}", "1").replace("{user}", id);
        let path = path.replace("{version}", id).replace("{other}", id);
        format!("{method} {path}\ncontent-type: application/json\n\n{{}}")
    });
    let fuller = [
        "POST /v1/search\ncontent-type: application/json\n\n{\"query\":\"\\\"rent\\\" -due title:lease\",\"mode\":\"lexical\",\"limit\":5,\"filter\":{\"tags\":[\"a\"]}}",
        "POST /v1/documents\ncontent-type: multipart/form-data; boundary=b\n\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n# A\r\n--b--\r\n",
        "GET /v1/workspaces\ncookie: a=b; ibid_session=ibids_00",
        "POST /v1/auth/sign-in\ncookie: a\norigin: http://localhost\ncontent-type: application/json\n\n{\"name\":\"ada\",\"password\":\"x\"}",
        "GET /v1/documents?limit=10&text=a&tag=b&cursor=c\nauthorization: Bearer ibid_00",
        "PUT /v1/flows/a\ncontent-type: application/yaml\n\nname: a\nnodes:\n  - id: b\n    kind: echo\n",
        "GET /index.html\nif-none-match: \"a\"\naccept-encoding: gzip\nrange: bytes=0-1",
    ];
    plain.chain(fuller.map(str::to_owned)).map(String::into_bytes).collect()
}
