//! Listening, and ending without losing a request.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ibid_config::Server;
use ibid_store::Sqlite;
use ibid_types::{Error, Result, Secret};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, database};
use crate::audit;
use crate::connections::Connections;
use crate::router::router;
use crate::routes::identity::link;
use crate::tls::{self, Tls};

/// How a command on the same machine finds the server that works on a data directory, and proves that it may
/// read that directory. The file is readable by its owner only and goes with the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalServer {
    pub address: SocketAddr,
    /// Where the server speaks TLS: a socket of the data directory, for commands on the same machine, whose certificate is that they
    /// may open it.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    token: String,
}

impl LocalServer {
    /// The server that last wrote its address into `data_dir`, if it still answers there. Where no process works on
    /// the directory it was killed, and whatever answers at its address is another program that must not get the token.
    #[must_use]
    pub fn find(data_dir: &Path) -> Option<Self> {
        let text = fs::read(path(data_dir)).ok()?;
        let server: Self = serde_json::from_slice(&text).ok()?;
        let reachable = match &server.socket {
            Some(socket) => UnixStream::connect(socket).is_ok(),
            None => TcpStream::connect_timeout(&server.address, Duration::from_millis(500)).is_ok(),
        };
        (reachable && Sqlite::is_open(&database(data_dir))).then_some(server)
    }

    /// Whether a server left its address behind: one that stops takes it away, one that is killed does not.
    #[must_use]
    pub fn is_left(data_dir: &Path) -> bool {
        path(data_dir).is_file()
    }

    #[must_use]
    pub fn base(&self) -> String {
        // What passes through the socket of the data directory is not encrypted: nobody else can read it.
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn token(&self) -> Secret {
        Secret::new(self.token.clone())
    }

    fn write(&self, data_dir: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::unavailable("data_unwritable", format!("cannot write into {}", data_dir.display()))
                .caused_by(error)
        };
        let file = path(data_dir);
        let _ = fs::remove_file(&file);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_vec(self).unwrap_or_default();
        options.open(&file).and_then(|mut file| file.write_all(&text)).map_err(failed)
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

/// What is told once the server answers.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Such as `https://127.0.0.1:8080`.
    pub base: String,
    /// The path of the link that makes the first account, where there is none yet.
    pub link: Option<String>,
    /// What others could read, where they can.
    pub warning: Option<String>,
}

/// Serves until a stop signal, then lets running requests end. `on_ready` is called once the address is open.
pub async fn serve(app: Arc<App>, on_ready: impl FnOnce(Ready)) -> Result<()> {
    check_encryption(&app.config.server)?;
    let signals = StopSignals::listen()?;
    let tls = open_tls(&app)?;
    let listener = listen(&app).await?;
    let address = listener.local_addr().unwrap_or(app.config.server.address);
    let _ = app.listens_at.set(address);
    let data_dir = app.config.data.dir.clone();
    let (local, socket) = tls.as_ref().and_then(|_| listen_locally(&data_dir)).unzip();
    LocalServer { address, socket, token: app.local_token().reveal().to_owned() }.write(&data_dir)?;
    tokio::task::block_in_place(|| audit::started(&app));
    let link = tokio::task::block_in_place(|| first_link(&app))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    on_ready(Ready {
        base: format!("{scheme}://{address}"),
        link,
        warning: warning(&app.config.server, address),
    });
    let connections = Connections::new(&app, router(&app), tls)?;
    tokio::spawn(stop_when_told(Arc::clone(&app), signals));
    let longest = Duration::from_secs(app.config.server.shutdown_seconds_max);
    tokio::select! {
        () = connections.serve(listener, local) => {}
        () = async { app.shutdown.wait().await; tokio::time::sleep(longest).await } => {
            tracing::warn!("stopping with requests unfinished: server.shutdown_seconds_max is over");
        }
    }
    let _ = fs::remove_file(path(&data_dir));
    let _ = fs::remove_file(socket_path(&data_dir));
    tokio::task::block_in_place(|| app.stop());
    Ok(())
}

/// The certificate, and what keeps it new.
fn open_tls(app: &Arc<App>) -> Result<Option<Arc<Tls>>> {
    let settings = &app.config.server.tls;
    if !settings.is_on() {
        return Ok(None);
    }
    let tls = Arc::new(Tls::open(settings)?);
    let reloads = tls::reloads()?;
    let _ = app.tls.set(Arc::clone(&tls));
    if settings.is_by_acme() {
        tokio::spawn(tls::acme::run(Arc::clone(app), Arc::clone(&tls)));
    } else {
        tokio::task::block_in_place(|| tls::tell(app, &tls, "certificate.loaded"));
        tokio::spawn(tls::watch(Arc::clone(app), Arc::clone(&tls), reloads));
    }
    Ok(Some(tls))
}

/// Error: `address_taken`.
async fn listen(app: &App) -> Result<TcpListener> {
    let wanted = app.config.server.address;
    TcpListener::bind(wanted).await.map_err(|error| {
        let what =
            format!("cannot listen on {wanted}; is another program there? choose another with --address");
        Error::unavailable("address_taken", what).caused_by(error)
    })
}

/// The socket of the data directory. A server whose directory has too long a path for one works without: commands then need --server.
fn listen_locally(data_dir: &Path) -> Option<(UnixListener, PathBuf)> {
    let socket = socket_path(data_dir);
    let _ = fs::remove_file(&socket);
    let listen = || -> std::io::Result<UnixListener> {
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    match listen() {
        Ok(listener) => Some((listener, socket)),
        Err(error) => {
            tracing::warn!(%error, "commands on this machine need --server and --key: the socket cannot be made");
            None
        }
    }
}

fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.sock")
}

/// Error: `server_unencrypted`.
fn check_encryption(server: &Server) -> Result<()> {
    if server.unencrypted || !server.is_in_the_clear() {
        return Ok(());
    }
    let told = Server::clear_told(server.address);
    let what = format!("{told}; server.unencrypted = true listens there all the same");
    Err(Error::bad_request("server_unencrypted", what))
}

/// What others could read on the way.
fn warning(server: &Server, address: SocketAddr) -> Option<String> {
    server.is_in_the_clear().then(|| Server::clear_told(address))
}

async fn stop_when_told(app: Arc<App>, mut signals: StopSignals) {
    signals.wait().await;
    tracing::info!("stopping: finishing what runs");
    app.shutdown.request();
}

/// The path of the link that makes the first account.
fn first_link(app: &App) -> Result<Option<String>> {
    if app.store.user_count()? > 0 {
        return Ok(None);
    }
    let (secret, until) = app.store.link_make(None)?;
    Ok(Some(link(&secret, until).path))
}

/// What asks the program to stop, listened to from the moment that this is made.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Error: `signals_unavailable`.
    fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                let what =
                    "the system does not tell this program when to stop; look at its limits on signals";
                Error::internal("signals_unavailable", what).caused_by(error)
            })
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }
}
