//! From arguments to a configuration and a client.

use std::path::PathBuf;
use std::sync::Arc;

use ibid_config::{Config, Layers, Shown};
use ibid_serve::{App, Client, LocalServer, Logging, Mode};
use ibid_types::{Error, Result, Secret};
use tokio::runtime::Runtime;

use crate::args::Common;
use crate::output::Color;

/// What a command works with.
pub struct Context {
    pub common: Common,
    pub color: Color,
    pub client: Client,
    /// Kept until the command ends; dropping it stops what runs inside.
    local: Option<Local>,
}

/// The application inside this process, where no server runs.
struct Local {
    app: Arc<App>,
    runtime: Option<Runtime>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.app.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Context {
    /// A client of the server that `--server` names, of the one that runs on the data directory, or of the
    /// application opened here.
    pub fn open(common: Common, mode: Mode) -> Result<Self> {
        let color = Color::new(common.color);
        if let Some(base) = &common.server {
            let client = Client::http(base, common.key.clone().map(Secret::new), &common.trust())?;
            return Ok(Self { client, color, common, local: None });
        }
        let (config, _) = configuration(&common)?;
        if let Some(server) = LocalServer::find(&config.data.dir) {
            let client = Client::local(&server)?;
            return Ok(Self { client, color, common, local: None });
        }
        quiet_logging(&config)?;
        let runtime = runtime()?;
        let app = App::open(config, mode)?;
        let router = ibid_serve::router(&app);
        let client =
            Client::InProcess { router, runtime: runtime.handle().clone(), token: app.local_token().clone() };
        Ok(Self { client, color, common, local: Some(Local { app, runtime: Some(runtime) }) })
    }

    /// The same, if what is opened here can embed: before work that would wait for it in vain. Error: `model_missing`.
    pub fn that_embeds(self) -> Result<Self> {
        if let Some(local) = &self.local {
            local.app.check_embedder()?;
        }
        Ok(self)
    }

    /// The same as whoever has a key, where one is named: without `--server` commands come as this machine otherwise.
    pub fn shown(self, key: Option<Secret>) -> Self {
        match key {
            Some(key) => Self { client: self.client.shown(key), ..self },
            None => self,
        }
    }

    /// Whether what was opened still answers: a server that runs on the data directory may have ended.
    pub fn is_there(&self) -> bool {
        let is_found = || {
            let (config, _) = configuration(&self.common).ok()?;
            LocalServer::find(&config.data.dir)
        };
        self.local.is_some() || self.common.server.is_some() || is_found().is_some()
    }

    /// Whether a server answers, and not this process.
    pub const fn has_server(&self) -> bool {
        self.local.is_none()
    }

    /// The server's address for a browser, as far as it is known here.
    pub fn base(&self) -> String {
        match &self.client {
            Client::Http { base, .. } => base.clone(),
            Client::InProcess { .. } => "http://ADDRESS-OF-THE-SERVER".to_owned(),
        }
    }

    /// For what only a server can tell. Error: `server_missing`.
    pub fn needs_server(&self) -> Result<()> {
        if self.has_server() {
            return Ok(());
        }
        let what =
            "no server runs on the data directory; start it with `ibid serve`, or name one with --server";
        Err(Error::unavailable("server_missing", what))
    }

    /// `path` with the workspace as a query parameter, where one was named.
    pub fn path(&self, path: &str) -> String {
        match &self.common.workspace {
            Some(name) => {
                let separator = if path.contains('?') { '&' } else { '?' };
                format!("{path}{separator}workspace={}", escaped(name))
            }
            None => path.to_owned(),
        }
    }
}

/// A command that answers on the terminal logs only what went wrong.
fn quiet_logging(config: &Config) -> Result<()> {
    let level = if config.log.level == "info" { "warn".to_owned() } else { config.log.level.clone() };
    ibid_serve::set_up_logging(&Logging { level, format: config.log.format.clone() })
}

pub fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| Error::internal("runtime_setup", "cannot start the async runtime").caused_by(error))
}

/// The configuration from all four layers; the data directory is there when it returns.
pub fn configuration(common: &Common) -> Result<(Config, Shown)> {
    let mut layers = Layers::defaults()?;
    // A variable that is set and empty names no file.
    let named = common.config.clone().filter(|file| !file.as_os_str().is_empty());
    if let Some(file) = named.or_else(usual_file) {
        layers.file(&file)?;
    }
    layers.environment(std::env::vars());
    for assignment in &common.settings {
        layers.flag(assignment);
    }
    if let Some(dir) = &common.data_dir {
        layers.flag(&format!("data.dir={}", dir.display()));
    }
    if let Some(name) = &common.workspace {
        tracing::debug!(workspace = name, "workspace named");
    }
    let (mut config, shown) = layers.finish()?;
    if config.data.dir.as_os_str().is_empty() {
        config.data.dir = usual_data_dir()?;
    }
    make_private(&config.data.dir)?;
    Ok((config, shown))
}

fn usual_file() -> Option<PathBuf> {
    let base = home("XDG_CONFIG_HOME", ".config")?;
    let file = base.join("ibid").join("config.toml");
    file.is_file().then_some(file)
}

fn usual_data_dir() -> Result<PathBuf> {
    let base = home("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        Error::bad_request(
            "data_dir_unknown",
            "no home directory is known; name a data directory with --data-dir",
        )
    })?;
    Ok(base.join("ibid"))
}

fn home(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(variable).or_else(|| set("HOME").map(|home| home.join(below_home)))
}

/// Documents are private: the directory is its owner's alone.
fn make_private(dir: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
        let what =
            format!("cannot make the data directory {}; choose another with --data-dir", dir.display());
        Error::unavailable("data_unwritable", what).caused_by(error)
    })
}

/// Percent-encodes what may not stand in a query value.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
