//! Backups as they are configured: where they go, under which keys, and what may be done with them while nothing else runs.

pub mod drill;
mod ground;
pub mod partial;
pub mod report;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_backup::{
    Catalog, Destination, FolderDestination, Moment, Progress, Pruned, Restored, S3Destination, S3Settings,
    Settings, SmallFiles, Sources, Stretch, Target, Verified, backup_keys,
};
use ibid_config::{BackupDestination, Config};
use ibid_seal::SealKey;
use ibid_types::{ContentHash, Error, Result};
use serde::Serialize;

pub use ground::Ground;

/// What a store elsewhere keeps where it does not say.
const KEEP_DAYS_AWAY: u32 = 90;
/// Of the data directory: what this machine knows of its backup, and where it goes where nothing is configured.
const LOCAL: &str = "outgoing";
const USUAL: &str = "backups";

/// What one destination holds.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    pub destination: String,
    /// What can be restored, oldest first.
    pub stretches: Vec<Stretch>,
}

/// Reads backups, without a library. `restore` needs nothing else on a new machine than the configuration.
#[derive(Clone, Debug)]
pub struct Backups {
    sources: Sources,
}

impl Backups {
    /// Errors: `backup_settings`, `backup_destination_unknown`.
    pub fn open(config: &Config, from: Option<&str>) -> Result<Self> {
        let targets = targets(config)?;
        let wanted = |target: &Target| from.is_none_or(|name| target.destination.label() == name);
        let destinations: Vec<_> =
            targets.into_iter().filter(wanted).map(|target| target.destination).collect();
        if destinations.is_empty() {
            let name = from.unwrap_or_default();
            let what = format!("there is no '{name}' among backup.destinations; see `ibid backup status`");
            return Err(Error::not_found("backup_destination_unknown", what));
        }
        Ok(Self { sources: Sources { destinations, keys: keys(config) } })
    }

    /// The names of the destinations, in order.
    pub fn labels(&self) -> Vec<String> {
        self.sources.destinations.iter().map(|destination| destination.label().to_owned()).collect()
    }

    pub fn list(&self) -> Result<Vec<Held>> {
        let held = |source: &Arc<dyn Destination>| {
            let catalog = Catalog::read(std::slice::from_ref(source))?;
            Ok(Held { destination: source.label().to_owned(), stretches: catalog.stretches() })
        };
        self.sources.destinations.iter().map(held).collect()
    }

    /// Reads every object of every destination.
    pub fn verify(&self, progress: Progress<'_>) -> Result<Vec<Verified>> {
        let verify = |source| ibid_backup::verify(source, &self.sources.keys, progress);
        self.sources.destinations.iter().map(verify).collect()
    }

    /// What `restore` would give.
    pub fn plan(&self, moment: Moment) -> Result<Restored> {
        ibid_backup::plan(&self.sources, moment)
    }

    pub fn restore(&self, moment: Moment, into: &Path, progress: Progress<'_>) -> Result<Restored> {
        ibid_backup::restore(&self.sources, moment, into, progress)
    }

    /// The same without the originals.
    pub fn restore_rows(&self, moment: Moment, into: &Path) -> Result<Restored> {
        ibid_backup::restore_rows(&self.sources, moment, into, &|_, _, _| ())
    }

    /// An original, checked.
    pub fn original(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        ibid_backup::fetch_original(&self.sources, hash)
    }
}

/// What was pruned, or why it was not.
pub fn pruned(outcomes: Vec<Result<Pruned>>) -> Result<Vec<Pruned>> {
    outcomes.into_iter().collect()
}

fn settings(config: &Config) -> Result<Settings> {
    let dir = &config.data.dir;
    let texts = [("configuration.toml".to_owned(), config.written.clone())];
    Ok(Settings {
        local: dir.join(LOCAL),
        database: crate::app::database(dir),
        targets: targets(config)?,
        keys: keys(config),
        interval: Duration::from_millis(config.backup.segment_ms),
        spool_bytes_max: config.backup.spool_bytes_max,
        base_minute: config.backup.base_minute().unwrap_or_default(),
        files: SmallFiles {
            root: dir.clone(),
            folders: vec!["flows".to_owned(), "drills".to_owned()],
            texts: texts.into(),
        },
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn keys(config: &Config) -> ibid_seal::Keys {
    let key = |key: &ibid_config::FlowKey| Some(SealKey { id: key.id, bytes: key.bytes()? });
    backup_keys(&config.backup.keys.iter().filter_map(key).collect::<Vec<_>>())
}

fn targets(config: &Config) -> Result<Vec<Target>> {
    let backup = &config.backup;
    if backup.destinations.is_empty() {
        let folder = FolderDestination::new("here", &config.data.dir.join(USUAL));
        return Ok(vec![Target { destination: Arc::new(folder), keep_days: backup.keep_days }]);
    }
    let target = |destination: &BackupDestination| {
        let usual = if destination.kind == "s3" { KEEP_DAYS_AWAY } else { backup.keep_days };
        let keep_days = destination.keep_days.unwrap_or(usual);
        Ok(Target { destination: self::destination(destination)?, keep_days })
    };
    backup.destinations.iter().map(target).collect()
}

fn destination(configured: &BackupDestination) -> Result<Arc<dyn Destination>> {
    if configured.kind == "folder" {
        return Ok(Arc::new(FolderDestination::new(&configured.name, &configured.path)));
    }
    let settings = S3Settings {
        endpoint: configured.endpoint.clone(),
        bucket: configured.bucket.clone(),
        region: configured.region.clone(),
        prefix: configured.prefix.clone(),
        access_key: configured.access_key.clone(),
        secret_key: configured.secret_key.clone(),
    };
    Ok(Arc::new(S3Destination::open(&configured.name, &settings)?))
}
