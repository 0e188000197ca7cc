//! Listening, and ending without losing a request.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ibid_store::Sqlite;
use ibid_types::{Error, Result, Secret};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, database};
use crate::audit;
use crate::router::router;
use crate::routes::identity::link;

/// How a command on the same machine finds the server that works on a data directory, and proves that it may
/// read that directory. The file is readable by its owner only and goes with the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalServer {
    pub address: SocketAddr,
    token: String,
}

impl LocalServer {
    /// The server that last wrote its address into `data_dir`, if it still answers there. Where no process works on
    /// the directory it was killed, and whatever answers at its address is another program that must not get the token.
    #[must_use]
    pub fn find(data_dir: &Path) -> Option<Self> {
        let text = fs::read(path(data_dir)).ok()?;
        let server: Self = serde_json::from_slice(&text).ok()?;
        let reachable =
            std::net::TcpStream::connect_timeout(&server.address, Duration::from_millis(500)).is_ok();
        (reachable && Sqlite::is_open(&database(data_dir))).then_some(server)
    }

    /// Whether a server left its address behind: one that stops takes it away, one that is killed does not.
    #[must_use]
    pub fn is_left(data_dir: &Path) -> bool {
        path(data_dir).is_file()
    }

    #[must_use]
    pub fn base(&self) -> String {
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

/// Serves until a stop signal, then lets running requests end. `on_ready` learns the address once it is open, and the link
/// that makes the first account, where there is none yet.
pub async fn serve(app: Arc<App>, on_ready: impl FnOnce(SocketAddr, Option<String>)) -> Result<()> {
    let wanted = app.config.server.address;
    let mut signals = StopSignals::listen()?;
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        let what =
            format!("cannot listen on {wanted}; is another program there? choose another with --address");
        Error::unavailable("address_taken", what).caused_by(error)
    })?;
    let address = listener.local_addr().unwrap_or(wanted);
    let data_dir = app.config.data.dir.clone();
    LocalServer { address, token: app.local_token().reveal().to_owned() }.write(&data_dir)?;
    tokio::task::block_in_place(|| audit::started(&app));
    let link = tokio::task::block_in_place(|| first_link(&app))?;
    on_ready(address, link);
    let service = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    let stop = Arc::clone(&app);
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        signals.wait().await;
        tracing::info!("stopping: finishing what runs");
        stop.shutdown.request();
    });
    let longest = Duration::from_secs(app.config.server.shutdown_seconds_max);
    let outcome = tokio::select! {
        outcome = serving => outcome,
        () = async { app.shutdown.wait().await; tokio::time::sleep(longest).await } => {
            tracing::warn!("stopping with requests unfinished: server.shutdown_seconds_max is over");
            Ok(())
        }
    };
    let _ = fs::remove_file(path(&data_dir));
    tokio::task::block_in_place(|| app.stop());
    outcome.map_err(|error| Error::unavailable("server_stopped", "the server ended").caused_by(error))
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
