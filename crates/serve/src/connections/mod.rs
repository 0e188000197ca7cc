//! Connections: how many there may be, how slow their clients may be, and what every request of theirs passes first.
//!
//! Keeps true: no client holds a connection for longer than the configuration lets it without sending a request or taking its answer;
//! one address cannot take all connections; running requests end before the server does.

mod forwarded;
mod paced;
mod timed;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ibid_guard::Network;
use ibid_types::Result;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tower::ServiceExt;

use crate::App;
use crate::access::{networks, turned_away};
use crate::limits::{certificate_missing, is_api, too_slow};
use crate::places::{Place, Places};
use crate::tls::Tls;
use forwarded::client;
use paced::Pacing;
use timed::Timed;

/// After a failure to take a connection (no more files can be opened) others are given time to end.
const BREATH: Duration = Duration::from_millis(100);
/// Whether an HTTP/2 client is still there is asked so often, and waited for as long.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Bytes that wait for one HTTP/2 stream whose client does not take them.
const STREAM_BYTES_MAX: usize = 256 << 10;

/// Takes connections and answers what comes on them.
pub struct Connections {
    app: Arc<App>,
    router: Router,
    tls: Option<Arc<Tls>>,
    builder: Builder<TokioExecutor>,
    places: Arc<Places<IpAddr>>,
    pacing: Pacing,
    proxies: Vec<Network>,
    head_time_max: Duration,
    write_time_max: Duration,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("places", &self.places).finish_non_exhaustive()
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
struct Peer {
    address: SocketAddr,
    /// Whether a certificate was shown that an authority of ours signed, or none is wanted.
    is_vouched_for: bool,
}

impl Connections {
    /// Error: `network_malformed`.
    pub fn new(app: &Arc<App>, router: Router, tls: Option<Arc<Tls>>) -> Result<Self> {
        let server = &app.config.server;
        let proxies = networks("server.trusted_proxies", &server.trusted_proxies)?;
        Ok(Self {
            builder: builder(server),
            places: Arc::new(Places::new(server.connections_max)),
            pacing: Pacing::new(server.body_pause_seconds_max, server.body_bytes_per_second_min),
            proxies,
            head_time_max: Duration::from_secs(server.header_seconds_max),
            write_time_max: Duration::from_secs(server.write_seconds_max),
            app: Arc::clone(app),
            router,
            tls,
        })
    }

    /// Takes connections until the shutdown, and ends when the last request has.
    pub async fn serve(self, listener: TcpListener, local: Option<UnixListener>) {
        let (this, graceful) = (Arc::new(self), GracefulShutdown::new());
        tokio::select! {
            () = this.app.shutdown.wait() => {}
            () = this.take(&listener, &graceful) => {}
            () = this.take_local(local, &graceful) => {}
        }
        drop(listener);
        graceful.shutdown().await;
    }

    async fn take(self: &Arc<Self>, listener: &TcpListener, graceful: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.begin(stream, address, graceful.watcher()),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    /// The command line of this machine comes by the file system, whose permissions are its certificate.
    async fn take_local(self: &Arc<Self>, local: Option<UnixListener>, graceful: &GracefulShutdown) {
        let Some(local) = local else { return std::future::pending().await };
        let peer = Peer { address: (Ipv4Addr::LOCALHOST, 0).into(), is_vouched_for: true };
        loop {
            match local.accept().await {
                Ok((stream, _)) => {
                    let (this, watcher) = (Arc::clone(self), graceful.watcher());
                    tokio::spawn(async move { this.speak(stream, peer, watcher).await });
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }

    fn begin(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, watcher: Watcher) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let Some(place) = self.place(address.ip()) else {
            self.app.metrics.refused("connections_many");
            if self.tls.is_none() {
                let _ = stream.try_write(FULL);
            }
            return;
        };
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _held = place;
            this.greet(stream, address, watcher).await;
        });
    }

    /// A place for one connection more from there. Whoever is blocked learns so on one of few.
    fn place(&self, address: IpAddr) -> Option<Place<IpAddr>> {
        if address.is_loopback() || self.proxies.iter().any(|proxy| proxy.holds(address)) {
            return self.places.take(address, usize::MAX).ok();
        }
        let is_blocked = self.app.pace.check_address(Some(address)).is_err();
        let most = if is_blocked { 2 } else { self.app.config.server.connections_per_address_max };
        self.places.take(address, most).ok()
    }

    async fn greet(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, watcher: Watcher) {
        let Some(tls) = &self.tls else {
            return self.speak(stream, Peer { address, is_vouched_for: true }, watcher).await;
        };
        // A handshake that fails or takes too long is whoever began it's own affair.
        if let Ok(Ok(Some(stream))) = tokio::time::timeout(self.head_time_max, tls.accept(stream)).await {
            let has_shown = stream.get_ref().1.peer_certificates().is_some();
            let is_vouched_for = has_shown || !tls.wants_client_for_api();
            self.speak(stream, Peer { address, is_vouched_for }, watcher).await;
        }
    }

    async fn speak<S>(self: &Arc<Self>, stream: S, peer: Peer, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(Timed::new(stream, self.head_time_max, self.write_time_max));
        let this = Arc::clone(self);
        let answer = service_fn(move |request| {
            let this = Arc::clone(&this);
            async move { Ok::<_, Infallible>(this.answer(request, peer).await) }
        });
        let connection = self.builder.serve_connection_with_upgrades(stream, answer);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended");
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let address = client(peer.address, request.headers(), &self.proxies);
        if !peer.is_vouched_for && is_api(request.uri().path()) {
            return certificate_missing();
        }
        let (mut request, slow) = self.pacing.pace(request);
        request.extensions_mut().insert(ConnectInfo(address));
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.look_at(address.ip(), &response);
        if slow.was_seen() { too_slow() } else { response }
    }

    /// Counts what was turned away: somebody guesses.
    fn look_at(&self, address: IpAddr, response: &Response<Body>) {
        if response.status() == StatusCode::UNAUTHORIZED {
            turned_away(&self.app, address);
        }
    }
}

/// What a client reads that finds no place: sent as it is, since a full server reads no request.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\n\
    Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 119\r\n\r\n\
    {\"error\":{\"message\":\"too many connections; try again in 2 s\",\"code\":\"connections_many\",\"class\":\"unavailable\"}}         ";

fn builder(server: &ibid_config::Server) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(server.header_seconds_max))
        .max_buf_size(server.header_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(server.streams_per_connection_max)
        .max_send_buf_size(STREAM_BYTES_MAX)
        .max_header_list_size(u32::try_from(server.header_bytes_max).unwrap_or(u32::MAX));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_full_server_is_whole() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).unwrap()["error"]["code"].is_string());
    }
}
