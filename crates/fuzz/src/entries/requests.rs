//! Requests over HTTP, on a whole server without a network: methods, paths, queries, headers, cookies, keys, JSON, uploads.
//!
//! The bytes are a head and a body: `METHOD TARGET`, then `name: value` lines, an empty line, the body. Beside them, what strangers can
//! send to the socket itself.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use ibid_config::{Config, Layers};
use ibid_serve::{App, MATRIX, Mode};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::{keep, text};

/// Longer ones hang.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);
/// More than this is no answer to a short request.
const ANSWER_BYTES_MAX: usize = 16 << 20;

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
    let (folder, runtime) = (tempfile::tempdir()?, runtime()?);
    let inside = runtime.enter();
    let app = App::open(config(folder.path(), &[])?, Mode::Command)?;
    let (router, token) = (ibid_serve::router(&app), app.local_token().reveal().to_owned());
    drop(inside);
    Ok(Server { router, token, runtime, _app: app, _folder: folder })
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build()
}

/// A library of its own, without the limits that would keep most inputs out.
fn config(folder: &Path, more: &[&str]) -> Result<Config, Box<dyn std::error::Error>> {
    let mut layers = Layers::defaults()?;
    layers.flag(&format!("data.dir={}", folder.display()));
    let usual = ["chat.ollama_detect=false", "limits.requests_per_minute=0", "limits.strangers_per_minute=0"];
    usual.iter().chain(more).for_each(|setting| layers.flag(setting));
    Ok(layers.finish()?.0)
}

pub fn http(bytes: &[u8]) -> Result<(), String> {
    let Some(server) = server() else { return Err("a server opens".to_owned()) };
    let Some(request) = request(bytes, &server.token) else { return Ok(()) };
    let line = format!("{} {}", request.method(), request.uri());
    let answering = async {
        let Ok(response) = server.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        (status, is_whole(response).await)
    };
    match server.runtime.block_on(async { tokio::time::timeout(ANSWERED_WITHIN, answering).await }) {
        Err(_) => Err(format!("{line}: no answer within {ANSWERED_WITHIN:?}")),
        Ok((500, _)) => Err(format!("{line}: 500")),
        Ok((_, is_whole)) => keep(is_whole, "an answer is bounded"),
    }
}

/// Whether the answer has an end; a stream has none and is left.
async fn is_whole(response: Response<Body>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
        || to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.is_ok()
}

/// The bytes are what a stranger sends over a connection, before anybody asked who it is.
pub fn connection(bytes: &[u8]) -> Result<(), String> {
    let address = listening()?;
    let failed = |error: std::io::Error| format!("a connection: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(ANSWERED_WITHIN)).map_err(failed)?;
    // A server that has seen enough closes before it has read all.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let read = stream.take(ANSWER_BYTES_MAX as u64).read_to_end(&mut answer);
    let is_late = read.is_err_and(|error| {
        matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
    });
    keep(!is_late, "a connection that says no more is closed")?;
    keep(answer.len() < ANSWER_BYTES_MAX, "an answer is bounded")?;
    keep(!answer.starts_with(b"HTTP/1.1 500"), "nothing that a stranger sends is a failure inside")
}

/// A whole server on a free port, one for the process.
fn listening() -> Result<&'static str, String> {
    static ADDRESS: OnceLock<Result<String, String>> = OnceLock::new();
    ADDRESS.get_or_init(|| listen().map_err(|error| error.to_string())).as_deref().map_err(Clone::clone)
}

fn listen() -> Result<String, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let more = ["server.address=127.0.0.1:0", "server.trusted_proxies=[\"127.0.0.1\"]"];
    let config = config(folder.path(), &more)?;
    let (tell, told) = channel();
    // It lives as long as the process, and its folder with it.
    std::thread::spawn(move || -> Option<()> {
        let (_folder, runtime) = (folder, runtime().ok()?);
        let inside = runtime.enter();
        let app = App::open(config, Mode::Command).ok()?;
        drop(inside);
        runtime.block_on(ibid_serve::serve(app, |ready| drop(tell.send(ready.base)))).ok()
    });
    let base = told.recv_timeout(Duration::from_secs(60))?;
    Ok(base.trim_start_matches("http://").to_owned())
}

pub fn connection_seeds() -> Vec<Vec<u8>> {
    let plain = [
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.7, [2001:db8::1]:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br, gzip\r\nRange: bytes=0-1\r\n\r\nGET /v1/auth/door HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/auth/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{\"name\":\"ada\",\"password\":1}\r\n0\r\n\r\n",
        "GET /v1/auth/oidc/callback?state=s&code=c HTTP/1.1\r\nHost: localhost\r\nCookie: ibid_at_provider=a; b\r\nForwarded: for=192.0.2.1\r\n\r\n",
        "GET /v1/runs/a/socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ibid_00\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    ];
    // HTTP/2 by prior knowledge: settings, then a request in headers that the table of HPACK knows.
    let http2: &[&[u8]] = &[
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x86\x84\x41\x09localhost",
    ];
    plain.iter().map(|text| text.as_bytes().to_vec()).chain([http2.concat()]).collect()
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
        "GET /v1/auth/oidc/callback?state=s&code=c&iss=https%3A%2F%2Fa\ncookie: a=b; ibid_at_provider=c; =; d",
        "POST /v1/auth/passkey-sign-in\ncookie: ibid_session=ibids_00\ncontent-type: application/json\n\n{\"id\":\"AAAA\",\"type\":\"public-key\",\"response\":{\"clientDataJSON\":\"e30\",\"authenticatorData\":\"AA\",\"signature\":\"AA\"}}",
        "GET /v1/runs/01900000-0000-7000-8000-000000000000/events?after=3\nlast-event-id: 4-2\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "GET /v1/jobs/events\nlast-event-id: 7\naccept: text/event-stream",
        "GET /v1/ops/series?name=ibid_http_requests_total&label.route=%2Fv1%2Fask&how=rate&from=1&to=2&step=60",
        "GET /v1/documents/01900000-0000-7000-8000-000000000000/content\nrange: bytes=0-,-1,5-4\nif-range: \"a\"",
        "POST /v1/chat/completions\ncontent-type: application/json\nidempotency-key: a\n\n{\"model\":\"ibid\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}",
        "POST /v1/embeddings\ncontent-type: application/json\n\n{\"model\":\"a\",\"input\":[\"a\",[1,2]],\"encoding_format\":\"base64\"}",
        "POST /v1/ask\ncontent-type: application/json\n\n{\"question\":\"what is 2+2?\",\"stream\":true,\"filter\":{\"date_from\":\"2026-01-01\"}}",
        "GET /index.html\nif-none-match: \"a\"\naccept-encoding: gzip\nrange: bytes=0-1",
    ];
    plain.chain(fuller.map(str::to_owned)).map(String::into_bytes).collect()
}
